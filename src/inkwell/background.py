"""Work that goes on beside the requests, in every worker of every node, in small batches."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import structlog

from domain.errors import Unavailable

log = structlog.get_logger()

Outcome = Literal["done", "postponed", "failed"]
Count = Callable[[str, Outcome, int], None]

STOP_SECONDS = 3  # for the batches under way; less than the worker gives the application to close


@dataclass(frozen=True, slots=True)
class Chore:
    """Work in batches: `batch` does one and says how many rows it did; after an empty one there is a pause."""

    name: str
    batch: Callable[[], Awaitable[int]]
    pause_s: float


class Background:
    """Runs chores until it is stopped. What fails is logged and tried again after the chore's pause.

    `count` is told of each batch.
    """

    def __init__(self, chores: Sequence[Chore], count: Count = lambda chore, outcome, rows: None) -> None:
        self._chores, self._count = chores, count
        self._stopping = asyncio.Event()
        self._woken = {chore.name: asyncio.Event() for chore in chores}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._repeat(chore), name=chore.name) for chore in self._chores]

    def wake(self, name: str) -> None:
        """There is something to do for this chore now."""
        self._woken[name].set()

    async def stop(self) -> None:
        """Lets the batches under way end; one that takes too long is broken off, and its transaction undone."""
        self._stopping.set()
        for woken in self._woken.values():
            woken.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()

    async def _repeat(self, chore: Chore) -> None:
        # Workers that start together do not all come at once.
        await self._rest(chore, chore.pause_s * random.random())  # noqa: S311
        while not self._stopping.is_set():
            if not await self._done(chore):
                await self._rest(chore, chore.pause_s)

    async def _rest(self, chore: Chore, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken[chore.name].wait(), seconds)
        if not self._stopping.is_set():
            self._woken[chore.name].clear()

    async def _done(self, chore: Chore) -> int:
        """How many rows one batch did; 0 also where it failed."""
        rows, outcome = await _outcome(chore)
        self._count(chore.name, outcome, rows)
        return rows


async def _outcome(chore: Chore) -> tuple[int, Outcome]:
    try:
        return await chore.batch(), "done"
    except Unavailable as error:
        log.warning("chore_postponed", chore=chore.name, cause=repr(error.__cause__ or error))
        return 0, "postponed"
    except Exception as error:
        log.error("chore_failed", chore=chore.name, exc_info=error)
        return 0, "failed"
