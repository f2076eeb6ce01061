"""HAProxy with the configuration that is shipped, of which only the addresses are replaced."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server

import httpx

HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")  # where Debian puts it
SHIPPED = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"


def rendered(replicas: tuple[int, int], listener: int) -> str:
    """The configuration for two ports of this machine, and an inherited socket to listen on."""
    text = SHIPPED.read_text()
    addresses = {":8000": f"fd@{listener}"}
    addresses |= {f"inkwell-api-{number}:8000": f"127.0.0.1:{port}" for number, port in enumerate(replicas, 1)}
    for shipped, ours in addresses.items():
        text, count = re.subn(rf"(?<=\s){re.escape(shipped)}$", ours, text, flags=re.MULTILINE)
        assert count == 1, shipped
    return text


@contextmanager
def proxied(folder: Path, *replicas: int) -> Iterator[str]:
    """The URL of a proxy before two ports, as soon as it passes requests on to both."""
    file, output = folder / "haproxy.cfg", folder / "haproxy.log"
    with create_server(("127.0.0.1", 0), backlog=512) as listener, output.open("w") as log:
        file.write_text(rendered((replicas[0], replicas[1]), listener.fileno()))
        process = subprocess.Popen(
            [str(HAPROXY), "-db", "-f", str(file)], pass_fds=[listener.fileno()], stdout=log, stderr=log
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        assert _answers(url), output.read_text()
        yield url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    for _ in range(100):
        try:
            return httpx.get(f"{url}/healthz", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            time.sleep(0.1)
    return False
