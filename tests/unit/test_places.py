"""Places for so many at once: given in turn, and none is lost."""

import asyncio
from contextlib import suppress

from domain.places import Places


async def waiting(places: Places, count: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(places.wait()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_there_are_as_many_as_there_are() -> None:
    places = Places(2)
    assert [places.take_at_once() for _ in range(3)] == [True, True, False]
    places.give_back()
    assert (places.free, places.take_at_once()) == (1, True)


async def test_who_waits_is_served_in_turn_and_before_newcomers() -> None:
    places = Places(1)
    places.take_at_once()
    first, second = await waiting(places, 2)
    places.give_back()
    assert not places.take_at_once()  # it is the first one's, who has not even noticed
    await first
    assert not second.done()
    places.give_back()
    await second
    places.give_back()
    assert places.free == 1


async def test_who_leaves_the_queue_is_passed_over() -> None:
    places = Places(1)
    places.take_at_once()
    first, second = await waiting(places, 2)
    first.cancel()
    places.give_back()
    await second
    assert first.cancelled()


async def test_a_place_of_somebody_who_leaves_at_that_moment_goes_to_the_next() -> None:
    places = Places(1)
    places.take_at_once()
    first, second = await waiting(places, 2)
    places.give_back()
    first.cancel()  # the place is its own already
    await second
    places.give_back()
    assert (first.cancelled(), places.free) == (True, 1)


async def test_nobody_is_kept_who_has_left() -> None:
    places = Places(1)
    places.take_at_once()
    for task in await waiting(places, 50):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert not places._waiting
