"""Clients that dawdle, that leave, and that come in crowds: the others hardly notice."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.serving.load import read_answer
from tests.smoke.test_rude_clients import abort
from tests.smoke.test_server import ADMIN

from . import sized
from .figures import Tell
from .load import reading, times_ms
from .node import Node, admins_bearer, caller, figure, running

GETS = sized(1000, short=200)
SLOW_HEADS, SLOW_BODIES = 200, 50
BODY_TIMEOUT_S = 4
ABORTS, ABORTS_AT_ONCE = sized(5000, short=600), 50
SETTLED_S = 60
TASKS_TO_SPARE, FILES_TO_SPARE = 5, 5
MEMORY_TO_SPARE_BYTES = 10_000_000  # what allocators keep; 5,000 of anything of a request's would be more
FLOOD = 10  # clients that sign in without a pause: fewer than may wait for the hasher, so that all are served


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, modules_database: str) -> Iterator[Node]:
    """One worker, so that whoever is asked is the one that was troubled."""
    changes = {"WORKERS": "1", "BODY_TIMEOUT_SECONDS": str(BODY_TIMEOUT_S)}
    with running(tmp_path_factory.mktemp("node"), modules_database, **changes) as node:
        yield node


async def drip(port: int, head: bytes, drop: bytes) -> int | None:
    """Sends the head and then a drop now and again; the status of the answer that came nevertheless."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    try:
        answer = asyncio.create_task(read_answer(reader))
        while not answer.done():
            writer.write(drop)
            await asyncio.wait([answer], timeout=random.uniform(0.3, 0.6))  # noqa: S311  # not all in step
        return answer.result()[0]
    finally:
        answer.cancel()
        writer.close()


async def test_who_sends_slowly_delays_nobody(node: Node, tell: Tell) -> None:
    ask = reading("/api/auth/profile", await admins_bearer(node.url))
    idle = await times_ms(node.url, ask, GETS)
    heads = [drip(node.port, b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n") for _ in range(SLOW_HEADS)]
    body = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n"
    async with asyncio.TaskGroup() as tasks:
        slow_heads = [tasks.create_task(head) for head in heads]
        slow_bodies = [tasks.create_task(drip(node.port, body, b" ")) for _ in range(SLOW_BODIES)]
        busy = await times_ms(node.url, ask, GETS)
        assert {await body for body in slow_bodies} == {408}
        assert not any(head.done() for head in slow_heads)
        for head in slow_heads:
            head.cancel()
    what = f"{SLOW_HEADS} slow heads and {SLOW_BODIES} slow bodies"
    tell(what, f"p99 of GET {busy[1]:.1f} ms, {idle[1]:.1f} without")


@dataclass(frozen=True)
class Held:
    """What the worker has, when nothing is asked of it."""

    connections: float
    tasks: float
    files: float
    memory: float


async def held(client: httpx.AsyncClient) -> Held:
    return Held(
        await figure(client, "inkwell_database_connections_in_use"),
        await figure(client, "inkwell_event_loop_tasks"),
        await figure(client, "process_open_fds") - await figure(client, "inkwell_database_connections_open"),
        await figure(client, "process_resident_memory_bytes"),
    )


async def settled(client: httpx.AsyncClient, tasks: float) -> Held:
    """As soon as there are no more tasks than that, and what was begun for those who left has let go of its connection.

    What is never given back makes this a TimeoutError.
    """
    async with asyncio.timeout(SETTLED_S):
        while (now := await held(client)).tasks > tasks + TASKS_TO_SPARE or now.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    return now


async def aborts(port: int, requests: list[bytes], count: int) -> None:
    """So many clients that break off somewhere between request and answer, and as many that say nothing and go."""
    places = asyncio.Semaphore(ABORTS_AT_ONCE)

    async def leave(number: int) -> None:
        async with places:
            await abort(port, requests[number % len(requests)], after_s=number % 20 / 1000)
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()

    await asyncio.gather(*map(leave, range(count)))


async def test_who_leaves_early_leaves_nothing_behind(node: Node, tell: Tell) -> None:
    bearer = (await admins_bearer(node.url))["Authorization"].encode()
    body = b'{"title": "Left", "content": "x"}'
    post = b"POST /api/posts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: %b\r\n" % bearer
    post += b"Content-Length: %d\r\n\r\n" % len(body)
    requests = [b"GET /api/posts HTTP/1.1\r\nHost: a\r\n\r\n", post + body, post + body[:9], post[:60]]
    async with caller(node.url) as client:
        fresh = await held(client)
        await aborts(node.port, requests, 500)
        before = await settled(client, fresh.tasks)
        await aborts(node.port, requests, ABORTS)
        after = await settled(client, fresh.tasks)
    assert after.connections == 0
    assert after.files <= before.files + FILES_TO_SPARE
    assert after.memory <= before.memory + MEMORY_TO_SPARE_BYTES
    grown = (after.memory - before.memory) / 1e6
    tell(f"{ABORTS} clients left", f"{after.tasks:.0f} tasks, {before.tasks:.0f} before; memory {grown:+.1f} MB")


@asynccontextmanager
async def logins(url: str) -> AsyncIterator[list[int]]:
    """Clients that try a password again and again; the statuses of their answers."""
    statuses: list[int] = []

    async def sign_in() -> None:
        async with caller(url) as client:
            while True:
                statuses.append((await client.post("/api/auth/login", json=ADMIN | {"password": "no"})).status_code)

    clients = [asyncio.create_task(sign_in()) for _ in range(FLOOD)]
    await asyncio.sleep(1)
    yield statuses
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


async def test_the_profile_is_answered_while_logins_saturate_the_hasher(node: Node, tell: Tell) -> None:
    ask = reading("/api/auth/profile", await admins_bearer(node.url))
    idle = await times_ms(node.url, ask, GETS)
    async with logins(node.url) as statuses:
        statuses.clear()
        begun = time.monotonic()
        busy = await times_ms(node.url, ask, GETS)
        rate = len(statuses) / (time.monotonic() - begun)
    assert set(statuses) == {401}
    tell(
        "login flood",
        f"GET profile median {busy[0]:.1f} ms, p99 {busy[1]:.1f} ms, with {rate:.0f} passwords checked in a second; "
        f"{idle[0]:.1f} and {idle[1]:.1f} ms without",
    )
