"""How many requests are worked on at once, how many wait, and who is sent away."""

import asyncio

import pytest

from domain.errors import Overloaded
from inkwell.gate import Gate


async def busy(gate: Gate, until: asyncio.Event) -> None:
    async with gate:
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
    async with asyncio.timeout(1), gate:
        assert (gate.running, gate.waiting) == (1, 0)
