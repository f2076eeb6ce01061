"""Starts the parent as its own process, and talks to it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

PARENT = str(Path(__file__).with_name("toy_parent.py"))
PATIENCE_S = 120  # guards against hanging, on however busy a machine
DEFAULTS = {
    "ENV": "testing",
    "LOG_FORMAT": "json",
    "PORT": "0",
    "WORKERS": "2",
    "DRAIN_SECONDS": "0.5",
    "GRACE_SECONDS": "3",
    "DATABASE_URL": "postgresql://toy@127.0.0.1:1/toy",
    "JWT_SECRET_KEY": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
}


class HasWorkers(Protocol):
    def workers(self) -> list[psutil.Process]: ...


@dataclass
class Server:
    process: asyncio.subprocess.Process
    port: int = 0
    lines: list[str] = field(default_factory=list)

    async def line(self, words: str) -> str:
        """What follows the words in the next line of output that has them."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self.process.stdout.readline()).decode().strip():
                self.lines.append(line)
                if words in line:
                    return line.partition(words)[2].strip()
        raise AssertionError(f"no line with {words!r}: {self.lines}")

    async def serving(self) -> None:
        self.port = int((await self.line("serving http")).rpartition(":")[2])

    async def end(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def errors(self) -> str:
        assert self.process.stderr
        return (await self.process.stderr.read()).decode()

    def workers(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children())

    async def get(self, path: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: toy\r\nConnection: close\r\n\r\n".encode())
        reply = (await reader.read()).decode()
        writer.close()
        return reply


@asynccontextmanager
async def started(**environment: str) -> AsyncIterator[Server]:
    """A parent in a process group of its own; whatever of it is left afterwards is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, PARENT, env=os.environ | DEFAULTS | environment, process_group=0,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    family = psutil.Process(process.pid)
    try:
        yield Server(process)
    finally:
        with suppress(psutil.NoSuchProcess):
            for member in (*family.children(recursive=True), family):
                member.send_signal(signal.SIGKILL)
        await process.wait()
