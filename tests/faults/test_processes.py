"""Stops, restarts and killed workers under load: who was promised an answer gets it."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path

import psutil
import pytest

from tests.serving.load import hammering
from tests.serving.test_serving import changed

from . import sized
from .node import Node, running

CLIENTS = 64
LIST = b"GET /api/posts HTTP/1.1\r\nHost: a\r\n\r\n"
ROLLS = sized(5, short=1)

Tell = Callable[[str], None]


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
    tell(f"SIGHUP {ROLLS} times, {name}: 0 dropped of {rolling['answered']}; {rolling['503']} were 503 besides")
    async with hammering(node.port, CLIENTS, request=LIST) as ending:
        await asyncio.sleep(1)
        node.process.terminate()
        assert await asyncio.to_thread(node.process.wait, 30) == 0
    assert set(ending) <= {"answered", "503", "refused"}
    tell(f"SIGTERM, {name}: 0 dropped of {ending['answered']} on {CLIENTS} connections; {ending['503']} were 503")


async def test_a_killed_worker_takes_along_only_what_it_was_about_to_answer(
    node: Node, request: pytest.FixtureRequest, tell: Tell
) -> None:
    async with hammering(node.port, CLIENTS, request=LIST) as outcomes:
        await asyncio.sleep(1)
        held, victim = max(((connections(worker, node.port), worker) for worker in node.workers()), key=itemgetter(0))
        os.kill(victim.pid, signal.SIGKILL)
        await changed(node, {victim.pid})
        await asyncio.sleep(0.5)
    assert 0 < outcomes["dropped"] <= held
    assert set(outcomes) <= {"answered", "503", "dropped"}
    tell(
        f"kill -9 of a worker, {request.node.callspec.id}: {outcomes['dropped']} dropped of {outcomes['answered']}, "
        f"{held} of {CLIENTS} connections were its"
    )


def connections(worker: psutil.Process, port: int) -> int:
    return sum(link.laddr.port == port and link.status == "ESTABLISHED" for link in worker.net_connections("tcp"))
