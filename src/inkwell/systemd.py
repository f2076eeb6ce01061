"""What systemd is told of a service of Type=notify."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Sends a state such as READY=1 (sd_notify(3)); does nothing where systemd has not started us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
