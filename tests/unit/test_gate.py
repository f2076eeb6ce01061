"""How many requests are worked on at once, how many wait, and who is sent away."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from domain.errors import Overloaded
from inkwell.gate import Gate


@asynccontextmanager
async def place(gate: Gate) -> AsyncIterator[None]:
    if not gate.enter_at_once():
        await gate.wait()
    try:
        yield
    finally:
        gate.leave()


async def busy(gate: Gate, until: asyncio.Event) -> None:
    async with place(gate):
        await until.wait()


async def busy_with(gate: Gate, count: int, until: asyncio.Event) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(busy(gate, until)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_as_many_as_there_are_places_run_and_the_next_ones_wait() -> None:
    gate, done = Gate(2, 3, 5), asyncio.Event()
    tasks = await busy_with(gate, 5, done)
    assert (gate.running, gate.waiting) == (2, 3)
    done.set()
    await asyncio.gather(*tasks)
    assert (gate.running, gate.waiting, gate.refused) == (0, 0, 0)


async def test_beyond_those_who_wait_everybody_is_sent_away_at_once() -> None:
    gate, done = Gate(1, 1, 60), asyncio.Event()
    tasks = await busy_with(gate, 3, done)
    with pytest.raises(Overloaded):
        await tasks[2]
    assert (gate.running, gate.waiting, gate.refused) == (1, 1, 1)
    done.set()
    await asyncio.gather(*tasks[:2])


async def test_who_has_waited_long_enough_is_sent_away() -> None:
    gate, done = Gate(1, 1, 0.01), asyncio.Event()
    first, second = await busy_with(gate, 2, done)
    with pytest.raises(Overloaded):
        await second
    done.set()
    await first
    assert (gate.running, gate.waiting, gate.refused) == (0, 0, 1)


async def test_a_place_is_given_back_whatever_happened_there() -> None:
    gate, never = Gate(1, 5, 60), asyncio.Event()
    running, waiting, next_one = await busy_with(gate, 3, never)
    for task in (waiting, running):  # the second of them has the place already when it is cancelled
        task.cancel()
    await asyncio.sleep(0)
    next_one.cancel()
    await asyncio.gather(running, waiting, next_one, return_exceptions=True)
    async with asyncio.timeout(1), place(gate):
        assert (gate.running, gate.waiting) == (1, 0)


async def test_there_is_room_for_those_who_are_coming_and_no_more() -> None:
    gate, done = Gate(3, 2, 60), asyncio.Event()
    found = []
    tasks = await busy_with(gate, 1, done)
    for gate.coming in range(5):
        found.append(gate.will_be_full)
    assert (found, gate.is_full) == ([False, False, False, False, True], False)
    tasks += await busy_with(gate, 4, done)
    gate.came()
    assert (gate.coming, gate.will_be_full, gate.is_full) == (3, True, True)
    done.set()
    await asyncio.gather(*tasks)


VISIT_S = 0.125  # a fraction that adds up exactly


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@dataclass
class Queue:
    """Requests at a gate with one place, of which each takes VISIT_S, whatever the machine does."""

    clock: Clock = field(default_factory=Clock)
    tasks: "list[asyncio.Task[None]]" = field(default_factory=list)
    inside: "deque[asyncio.Event]" = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.gate = Gate(1, 1000, 1, now=self.clock)

    async def come(self, count: int) -> None:
        self.tasks += [asyncio.create_task(self._visit()) for _ in range(count)]
        await asyncio.sleep(0)

    async def visits(self, count: int) -> None:
        """So many leave, one after the other."""
        for _ in range(count):
            self.clock.s += VISIT_S
            self.inside.popleft().set()
            for _ in range(5):  # rounds of the loop, until the next one is inside
                await asyncio.sleep(0)

    async def _visit(self) -> None:
        with suppress(Overloaded):
            async with place(self.gate):
                self.inside.append(asyncio.Event())
                await self.inside[-1].wait()


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    queue = Queue()
    yield queue
    for task in queue.tasks:
        task.cancel()
    await asyncio.gather(*queue.tasks, return_exceptions=True)


async def test_who_would_wait_for_too_long_is_sent_away_at_once(queue: Queue) -> None:
    await queue.come(3)
    await queue.visits(1)  # one in VISIT_S, so the ninth in the queue would wait for more than a second
    await queue.come(20)
    assert (queue.gate.waiting, queue.gate.refused, queue.gate.is_full) == (8, 13, True)


async def test_a_queue_that_does_not_get_empty_is_kept_short(queue: Queue) -> None:
    await queue.come(8)
    for _ in range(9):  # somebody comes for each that leaves, for longer than one may wait
        await queue.visits(1)
        await queue.come(1)
    assert (queue.gate.waiting, queue.gate.refused, queue.gate.is_full) == (6, 1, True)
    await queue.visits(6)
    assert (queue.gate.running, queue.gate.waiting, queue.gate.is_full) == (1, 0, False)
    await queue.come(5)  # to a new queue, in which one may wait for a second
    assert queue.gate.waiting == 5
