"""Requests without a pause, of each of which it is known what became."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles
from uuid import uuid4

import httpx

from .node import caller

PAUSE_AFTER_FAILURE_S = 0.02

Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Attempt:
    """A request, and the answer if there was one."""

    method: str
    began: float
    ended: float
    answer: httpx.Response | None

    @property
    def status(self) -> int:
        return self.answer.status_code if self.answer else 0

    @property
    def seconds(self) -> float:
        return self.ended - self.began


async def attempt(client: httpx.AsyncClient, ask: Ask) -> Attempt:
    began = time.monotonic()
    try:
        answer = await ask(client)
    except httpx.TransportError as error:
        return Attempt(error.request.method, began, time.monotonic(), None)
    return Attempt(answer.request.method, began, time.monotonic(), answer)


@asynccontextmanager
async def loaded(url: str, asks: Sequence[Ask], addresses: Iterable[str]) -> AsyncIterator[list[Attempt]]:
    """One client for each address, which asks one after the other until the block ends and its last one is answered."""
    attempts: list[Attempt] = []
    over = asyncio.Event()

    async def keep_asking(address: str) -> None:
        async with caller(url, address) as client:
            for number in range(10**9):
                if over.is_set():
                    return
                attempts.append(await attempt(client, asks[number % len(asks)]))
                if attempts[-1].status not in (200, 201):
                    await asyncio.sleep(PAUSE_AFTER_FAILURE_S)

    async with asyncio.TaskGroup() as tasks:
        for address in addresses:
            tasks.create_task(keep_asking(address))
        try:
            yield attempts
        finally:
            over.set()


def writing(bearer: dict[str, str]) -> Ask:
    """A new post, whose title is nobody else's."""

    async def write(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/api/posts", headers=bearer, json={"title": str(uuid4()), "content": "x"})

    return write


def reading(path: str, headers: dict[str, str] | None = None) -> Ask:
    async def read(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(path, headers=headers)

    return read


async def times_ms(url: str, ask: Ask, count: int) -> tuple[float, float]:
    """The median and the 99th percentile of good answers, one after the other."""
    async with caller(url) as client:
        attempts = [await attempt(client, ask) for _ in range(count)]
    assert {attempt.status for attempt in attempts} == {200}
    cuts = quantiles([attempt.seconds * 1000 for attempt in attempts], n=100)
    return cuts[49], cuts[98]
