"""More requests than can be answered: what can be is answered, and the rest is told so at once."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import quantiles

import pytest

from tests.serving.load import hammering, read_answer

from . import sized
from .figures import Tell
from .load import reading
from .node import Node, admins_bearer, caller, running

TIMES = 4  # what it can do
CROWD = sized(2000, short=600)
SECONDS = sized(10, short=3)
LIST = b"GET /api/posts?limit=100 HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass
class Crowd:
    """Clients of which each asks at times of its own, unless its last answer is still to come."""

    port: int
    outcomes: Counter[int] = field(default_factory=Counter)
    refused_s: list[float] = field(default_factory=list)

    async def come(self, rate: float, seconds: float) -> None:
        """So many requests a second, for so long."""
        pause, begin = CROWD / rate, time.monotonic() + 1
        async with asyncio.TaskGroup() as tasks:
            for number in range(CROWD):
                tasks.create_task(self._keep_asking(begin + number / rate, pause, begin + seconds))

    async def _keep_asking(self, due: float, pause: float, end: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            began = time.monotonic()
            writer.write(LIST)
            status, _ = await read_answer(reader)
            self.outcomes[status] += 1
            self.refused_s += [time.monotonic() - began] if status == 503 else []
            due = max(due + pause, time.monotonic())
        writer.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, modules_database: str) -> Iterator[Node]:
    """One worker, with a connection for each request that it works on, and little room for more."""
    room = {"WORKERS": "1", "REQUESTS_AT_ONCE": "15", "REQUESTS_WAITING": "30"}
    with running(tmp_path_factory.mktemp("node"), modules_database, **room) as node:
        yield node


async def write_a_page(node: Node) -> None:
    bearer = await admins_bearer(node.url)
    async with caller(node.url) as client:
        for number in range(100):
            post = {"title": f"Post {number}", "content": "x" * 200, "published": True}
            assert (await client.post("/api/posts", headers=bearer, json=post)).status_code == 201


async def most(node: Node) -> float:
    """Answers a second, when nobody asks before the last answer is here."""
    async with hammering(node.port, 16, request=LIST) as outcomes:
        await asyncio.sleep(SECONDS)
    return outcomes["answered"] / SECONDS


async def test_the_excess_is_refused_and_the_rest_is_served(node: Node, tell: Tell) -> None:
    await write_a_page(node)
    rate, crowd = await most(node), Crowd(node.port)
    await crowd.come(TIMES * rate, SECONDS)
    assert set(crowd.outcomes) == {200, 503}
    async with caller(node.url) as client:
        assert (await reading("/api/posts")(client)).status_code == 200
    goodput = crowd.outcomes[200] / SECONDS / rate
    offered, refused_s = crowd.outcomes.total() / SECONDS / rate, quantiles(crowd.refused_s, n=100)
    tell(
        "overload",
        f"goodput {goodput:.0%} at {offered:.1f} times the {rate:.0f} requests/s that it can do, "
        f"{crowd.outcomes[503]} refused after {refused_s[49] * 1000:.0f} ms (median), {refused_s[98] * 1000:.0f} (p99)",
    )
