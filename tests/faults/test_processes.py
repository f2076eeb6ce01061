"""Stops, restarts and killed workers under load: who was promised an answer gets it."""

import asyncio
import os
import signal
from collections.abc import Callable

import psutil
import pytest

from tests.serving.load import hammering
from tests.serving.test_serving import changed, nothing_dropped

from . import sized
from .node import Node

CLIENTS = 64
LIST = b"GET /api/posts HTTP/1.1\r\nHost: a\r\n\r\n"
ROLLS = sized(5, short=1)

pytestmark = pytest.mark.usefixtures("both_servers")


async def test_sigterm_under_keep_alive_connections_drops_nothing(
    node: Node, both_servers: str, tell: Callable[[str], None]
) -> None:
    async with hammering(node.port, CLIENTS, request=LIST) as outcomes:
        await asyncio.sleep(1)
        node.process.terminate()
        assert await asyncio.to_thread(node.process.wait, 30) == 0
    nothing_dropped(outcomes)
    tell(f"SIGTERM, {both_servers}: {outcomes['dropped']} dropped of {outcomes['answered']} on {CLIENTS} connections")


async def test_rolling_restarts_under_load_drop_nothing(
    node: Node, both_servers: str, tell: Callable[[str], None]
) -> None:
    async with hammering(node.port, CLIENTS, request=LIST) as outcomes:
        for _ in range(ROLLS):
            old = {worker.pid for worker in node.workers()}
            node.process.send_signal(signal.SIGHUP)
            await changed(node, old)
    nothing_dropped(outcomes)
    assert outcomes["refused"] == 0
    tell(f"SIGHUP {ROLLS} times, {both_servers}: {outcomes['dropped']} dropped of {outcomes['answered']}")


async def test_a_killed_worker_takes_along_only_what_it_was_about_to_answer(
    node: Node, both_servers: str, tell: Callable[[str], None]
) -> None:
    async with hammering(node.port, CLIENTS, request=LIST) as outcomes:
        await asyncio.sleep(1)
        victim = node.workers()[0]
        held = connections(victim, node.port)
        os.kill(victim.pid, signal.SIGKILL)
        await changed(node, {victim.pid})
        await asyncio.sleep(0.5)
    assert outcomes["dropped"] <= held
    assert outcomes["refused"] == 0
    tell(
        f"kill -9 of a worker, {both_servers}: {outcomes['dropped']} dropped of {outcomes['answered']}, "
        f"{held} of {CLIENTS} connections were its"
    )


def connections(worker: psutil.Process, port: int) -> int:
    return sum(link.laddr.port == port and link.status == "ESTABLISHED" for link in worker.net_connections("tcp"))
