"""What speaks HTTP inside of a worker: hypercorn, or uvicorn where it is installed, with the same limits."""

import re
import ssl
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from inkwell.settings import ConfigurationError, Settings

if TYPE_CHECKING:
    from quart import Quart  # which the parent does without

KEEP_ALIVE_SECONDS = 75  # longer than a proxy keeps an idle connection (60 s), lest we close one under a request
SHUTDOWN_SECONDS = 5  # for the application to close its pools
HANDSHAKE_SECONDS = 10
NEEDED = {"hypercorn": "hypercorn", "uvicorn": "httptools"}  # uvicorn itself may come without its fast parser

UNSAFE = re.compile(rb"[\x00-\x08\n-\x1f\x7f]")  # what no header holds, but for tabs

Drain = Callable[[], Awaitable[None]]
Serve = Callable[["Quart", Settings, socket, Drain], Awaitable[None]]


def find_server(name: str) -> Serve:
    """Serves on a listening socket until `drain` returns, and then finishes the requests in flight."""
    serve: Serve = import_module(f"inkwell.servers.{name}").serve
    return serve


def check(settings: Settings) -> None:
    """Raises ConfigurationError where the workers could not serve: before there are any."""
    name = settings.server
    if not (find_spec(name) and find_spec(NEEDED[name])):
        raise ConfigurationError(f"SERVER: {name} is not installed: pip install 'inkwell[{name}]'")
    if settings.event_loop == "uvloop" and not find_spec("uvloop"):
        raise ConfigurationError("EVENT_LOOP: uvloop is not installed: pip install 'inkwell[uvloop]'")
    context_of(settings, [])


def are_harmless(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether nothing in them could be read as another header, or as none."""
    return not UNSAFE.search(b"".join(chain.from_iterable(headers)))


def as_bytes(status_line: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """An answer in HTTP/1.1, of headers that are harmless."""
    lines = [b"%b: %b\r\n" % pair for pair in headers]
    return b"".join([status_line, *lines, b"\r\n", body])


def tls_context(certificate: Path, key: Path, protocols: list[str]) -> ssl.SSLContext:
    """TLS 1.2 and newer, with Python's own choice of ciphers. Raises ConfigurationError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if protocols:
        context.set_alpn_protocols(protocols)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")  # it would ask for one at the terminal
    except ssl.SSLError as error:
        reason = error.reason or "not PEM, or encrypted"
        raise ConfigurationError(f"TLS_CERTIFICATE: {certificate} and {key} do not make a pair ({reason})") from None
    except OSError as error:
        unread = next((file for file in (certificate, key) if not _is_readable(file)), certificate)
        raise ConfigurationError(f"TLS_CERTIFICATE, TLS_KEY: {unread} cannot be read ({error.strerror})") from None
    return context


def context_of(settings: Settings, protocols: list[str]) -> ssl.SSLContext | None:
    """TLS where the settings have it. Raises ConfigurationError."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return tls_context(settings.tls_certificate, settings.tls_key, protocols)


def _is_readable(file: Path) -> bool:
    try:
        file.open("rb").close()
    except OSError:
        return False
    return True
