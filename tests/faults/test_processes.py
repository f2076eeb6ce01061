"""Stops, restarts and killed workers under load: who was promised an answer gets it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.serving.load import hammering, read_answer, until_answered
from tests.serving.server import PATIENCE_S
from tests.serving.test_serving import changed

from . import sized
from .figures import Tell
from .node import Node, running

CLIENTS, IDLE = 64, 16
LIST = b"GET /api/posts HTTP/1.1\r\nHost: a\r\n\r\n"
ROLLS = sized(5, short=1)


@pytest.fixture(params=["hypercorn", "uvicorn"])
def node(request: pytest.FixtureRequest, tmp_path: Path, modules_database: str) -> Iterator[Node]:
    with running(tmp_path, modules_database, SERVER=request.param) as node:
        yield node


async def test_restarts_and_the_end_drop_no_request(node: Node, request: pytest.FixtureRequest, tell: Tell) -> None:
    name = request.node.callspec.id
    async with hammering(node.port, CLIENTS, request=LIST) as rolling:
        for _ in range(ROLLS):
            old = {worker.pid for worker in node.workers()}
            node.process.send_signal(signal.SIGHUP)
            await changed(node, old)
    assert set(rolling) <= {"answered", "503"}
    tell(f"SIGHUP, {ROLLS} times", f"0 dropped of {rolling['answered']}; {rolling['503']} were 503 besides", name)
    async with hammering(node.port, CLIENTS, request=LIST) as ending:
        await until_answered(ending)
        node.process.terminate()
        assert await asyncio.to_thread(node.process.wait, PATIENCE_S) == 0
    assert set(ending) <= {"answered", "503", "refused"}
    figure = f"0 dropped of {ending['answered']} on {CLIENTS} connections; {ending['503']} were 503 besides"
    tell("SIGTERM", figure, name)


async def test_a_killed_worker_takes_along_only_what_it_was_about_to_answer(
    node: Node, request: pytest.FixtureRequest, tell: Tell
) -> None:
    async with idle_connections(node.port) as idle, hammering(node.port, CLIENTS, request=LIST) as outcomes:
        await until_answered(outcomes)
        victim = max(node.workers(), key=lambda worker: len(clients_of(worker, node.port)))
        os.kill(victim.pid, signal.SIGSTOP)  # so that nobody comes to it any more
        lost = clients_of(victim, node.port)
        os.kill(victim.pid, signal.SIGKILL)
        await changed(node, {victim.pid})
        ended = {port for port, reader in idle.items() if await has_ended(reader, port in lost)}
    busy = lost - idle.keys()
    assert outcomes["dropped"] <= len(busy)
    assert set(outcomes) <= {"answered", "503", "dropped"}
    assert ended == lost & idle.keys()
    tell(
        "kill -9 of a worker",
        f"{outcomes['dropped']} requests in flight dropped beside {outcomes['answered']} answered; it had {len(busy)} "
        f"of {CLIENTS} busy connections, and {len(ended)} of {IDLE} idle ones, which were closed",
        request.node.callspec.id,
    )


@asynccontextmanager
async def idle_connections(port: int) -> AsyncIterator[dict[int, asyncio.StreamReader]]:
    """Connections on which an answer came, and nothing more is asked: their readers, by the client's port."""
    links = [await asyncio.open_connection("127.0.0.1", port) for _ in range(IDLE)]
    for reader, writer in links:
        writer.write(LIST)
        assert (await read_answer(reader))[0] == 200
    yield {writer.get_extra_info("sockname")[1]: reader for reader, writer in links}
    for _, writer in links:
        writer.close()


def clients_of(worker: psutil.Process, port: int) -> set[int]:
    """The ports of those who are connected with it."""
    links = [link for link in worker.net_connections("tcp") if link.laddr.port == port]
    return {link.raddr.port for link in links if link.status == "ESTABLISHED"}


async def has_ended(reader: asyncio.StreamReader, expected: bool) -> bool:
    """Whether the server has closed the connection; where that is expected, it may take its time."""
    with suppress(OSError):
        if expected:
            await asyncio.wait_for(reader.read(), PATIENCE_S)
        return reader.at_eof()
    return True
