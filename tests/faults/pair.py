"""Two PostgreSQL servers on loopback, the one a synchronous copy of the other, that can be killed and change places."""

import asyncio
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from inkwell.embedded.places import Account, give_to, server_account
from inkwell.embedded.process import spawn
from tests.conftest import open_folder
from tests.serving.server import PATIENCE_S

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
DATABASE = "inkwell"
# Whoever is promoted has no copy of its own yet, and would wait for one at every commit.
WAIT_FOR_A_COPY = "ALTER SYSTEM SET synchronous_standby_names = '*'"
WAIT_FOR_NOBODY = "ALTER SYSTEM SET synchronous_standby_names = ''"


@dataclass
class Node:
    """One server; `process` is what was started last."""

    folder: Path
    port: int
    account: Account | None
    process: Process | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def make(self) -> None:
        login = ("--username=inkwell", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        await self.run("initdb", f"--pgdata={self.data}", *login)

    async def copy(self, source: "Node") -> None:
        """Becomes a standby of the source."""
        where = ("--host=127.0.0.1", f"--port={source.port}", "--username=inkwell")
        how = ("--write-recovery-conf", "--checkpoint=fast")
        await self.run("pg_basebackup", f"--pgdata={self.data}", *where, *how)

    async def follow(self, primary: "Node") -> None:
        """Starts again, as a standby of the other."""
        (self.data / "standby.signal").touch()
        give_to(self.data / "standby.signal", self.account)
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = 'host=127.0.0.1 port={primary.port} user=inkwell'\n")
        await self.start()

    async def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": ""}
        arguments = [f"-c{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = await spawn(PROGRAMS / "postgres", ["-D", str(self.data), *arguments], self.account, log)
        async with asyncio.timeout(PATIENCE_S):
            while not await self.answers():  # noqa: ASYNC110  no event comes
                await asyncio.sleep(0.05)

    async def answers(self) -> bool:
        try:
            return bool(await self.ask("SELECT true", "postgres"))
        except (OSError, asyncpg.PostgresError):
            return False

    async def ask(self, statement: str, database: str = DATABASE) -> Any:
        """The first value of the answer."""
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="inkwell", database=database)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def set(self, statement: str) -> None:
        await self.ask(statement)
        await self.ask("SELECT pg_reload_conf()")

    async def promote(self) -> None:
        """Makes a primary of a standby; returns when it is one."""
        await self.set(WAIT_FOR_NOBODY)
        assert await self.ask("SELECT pg_promote()")

    async def stop(self) -> None:
        """Stops in order: the standby has everything then."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        await self.process.wait()

    async def kill(self) -> None:
        """All at once, as when a machine loses its power."""
        members = self.signal_all(signal.SIGSTOP)
        for member in members:
            member.kill()
        assert self.process
        await self.process.wait()

    def signal_all(self, number: int) -> list[psutil.Process]:
        """SIGSTOP makes it a machine that is gone without a word, SIGCONT lets it come back."""
        assert self.process
        server = psutil.Process(self.process.pid)
        server.send_signal(number)
        members = [server, *server.children()]
        for member in members:
            member.send_signal(number)
        return members

    async def run(self, program: str, *arguments: str) -> None:
        with (self.folder / "log").open("ab") as log:
            process = await spawn(PROGRAMS / program, arguments, self.account, log)
        assert await process.wait() == 0, (self.folder / "log").read_text()


async def switch_over(primary: Node, standby: Node) -> None:
    """They change places, in order; before the standby is promoted it has everything."""
    await primary.stop()
    await standby.promote()
    await primary.follow(standby)


@dataclass
class Relay:
    """An address that leads to one server, and to another one for those who connect after it was set."""

    node: Node
    address: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there_reader, there = await asyncio.open_connection("127.0.0.1", self.node.port)
            await asyncio.gather(_pump(reader, there), _pump(there_reader, writer))
        writer.close()


@asynccontextmanager
async def relayed(node: Node) -> AsyncIterator[Relay]:
    relay = Relay(node)
    async with await asyncio.start_server(relay.serve, "127.0.0.1", 0) as server:
        relay.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield relay


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def started_pair() -> AsyncIterator[tuple[Node, Node]]:
    """A primary that acknowledges nothing which its standby does not have, and this standby."""
    with open_folder() as folder:
        primary, standby = _node(folder / "first"), _node(folder / "second")
        try:
            await primary.make()
            await primary.start()
            await primary.ask(f"CREATE DATABASE {DATABASE}", "postgres")
            await standby.copy(primary)
            await standby.start()
            await primary.set(WAIT_FOR_A_COPY)
            yield primary, standby
        finally:
            for node in (primary, standby):
                if node.process and node.process.returncode is None:
                    await node.kill()


def _node(folder: Path) -> Node:
    account = server_account(folder)
    folder.mkdir()
    give_to(folder, account)
    with socket.create_server(("127.0.0.1", 0)) as free:
        return Node(folder, free.getsockname()[1], account)
