"""`inkwell serve` as its own process, and people who use it."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.conftest import SECRET
from tests.packaging.servers import UNMEASURED, serving
from tests.serving.server import PATIENCE_S
from tests.smoke.test_server import ADMIN

SETTINGS = {
    "ENV": "production",
    "PORT": "0",
    "WORKERS": "2",
    "DRAIN_SECONDS": "1",
    "RATE_LIMITS_ENABLED": "false",
    "JWT_SECRET_KEY": SECRET,
    "ADMIN_EMAIL": ADMIN["email"],
    "ADMIN_PASSWORD": ADMIN["password"],
}


@dataclass
class Node:
    """A running `inkwell serve`."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children())

    def kill(self) -> None:
        """All of it at once, as when its machine or container goes."""
        family = [psutil.Process(self.process.pid), *self.workers()]
        for member in family:
            member.send_signal(signal.SIGKILL)
        psutil.wait_procs(family[1:], timeout=PATIENCE_S)
        self.process.wait()


@contextmanager
def running(folder: Path, database_url: str, **changes: str) -> Iterator[Node]:
    names = SETTINGS | {"DATABASE_URL": database_url} | changes
    with serving(dict(os.environ) | UNMEASURED | names, folder) as (process, port):
        yield Node(process, int(port))


def caller(url: str, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A client with a connection of its own, from one of this machine's addresses."""
    transport = httpx.AsyncHTTPTransport(verify=False, local_address=address)
    return httpx.AsyncClient(base_url=url, transport=transport, timeout=PATIENCE_S, trust_env=False)


async def admins_bearer(url: str) -> dict[str, str]:
    """The header by which the admin is known."""
    async with caller(url) as client:
        answer = await client.post("/api/auth/login", json=ADMIN)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def figure(client: httpx.AsyncClient, name: str) -> float:
    """One of the node's metrics, of all workers together."""
    page = (await client.get("/metrics")).text
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE))
