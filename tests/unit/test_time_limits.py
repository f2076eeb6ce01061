"""Time limits that share a timer: they end what takes too long, nothing else, and leave nothing behind."""

import asyncio
import gc
import weakref
from contextlib import suppress
from contextvars import ContextVar

import pytest

from domain.time_limits import _CLOCKS, within


async def test_what_takes_too_long_is_ended_there() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError), within(0.05) as limit:
        await asyncio.sleep(20)
    assert limit.was_reached
    assert asyncio.get_running_loop().time() - began >= 0.05


async def test_what_is_done_in_time_is_left_alone() -> None:
    with within(0.05) as limit:
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    assert not limit.was_reached


async def test_each_has_its_own_end() -> None:
    loop, ended = asyncio.get_running_loop(), list[float]()

    async def late(begins: float) -> None:
        await asyncio.sleep(begins)
        began = loop.time()
        with pytest.raises(TimeoutError), within(0.06):
            await asyncio.sleep(20)
        ended.append(loop.time() - began)

    await asyncio.gather(*(late(0.02 * number) for number in range(6)))
    assert min(ended) >= 0.06


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def waits() -> None:
        with within(5):
            await asyncio.sleep(20)

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_within_comes_out_as_it_is() -> None:
    with pytest.raises(ValueError, match="mine"), within(5):
        raise ValueError("mine")


async def test_the_inner_of_two_ends_first_and_the_outer_goes_on() -> None:
    with within(5) as outer:
        with pytest.raises(TimeoutError), within(0.05):
            await asyncio.sleep(20)
        await asyncio.sleep(0)
    assert not outer.was_reached


async def test_nothing_is_kept_of_limits_that_are_over() -> None:
    for _ in range(100):
        with within(0.031):
            pass
    clock = _CLOCKS[asyncio.get_running_loop()][0.031]
    assert not clock.running
    await asyncio.sleep(0.05)
    assert not clock.ticks  # and nothing ticks for nobody


def test_the_next_event_loop_has_limits_too() -> None:
    async def too_long() -> None:
        with pytest.raises(TimeoutError), within(0.032):
            await asyncio.sleep(20)

    async def under_way() -> None:
        asyncio.get_running_loop().call_later(0.001, asyncio.get_running_loop().stop)
        with within(0.032):
            await asyncio.sleep(20)

    loop = asyncio.new_event_loop()
    task = loop.create_task(under_way())
    loop.run_forever()
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    asyncio.run(too_long())


async def test_a_cancellation_from_elsewhere_at_the_same_moment_stays_one() -> None:
    async def waits() -> None:
        with within(0.03) as limit:
            try:
                await asyncio.sleep(20)
            finally:
                assert limit.was_reached
                task.cancel()  # the user's own, while the limit's is under way
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(20)
                raise asyncio.CancelledError

    task = asyncio.create_task(waits())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_comes_to_an_end_although_its_time_is_over_is_left_alone() -> None:
    with within(0.03) as limit, suppress(asyncio.CancelledError):
        await asyncio.sleep(20)
    assert limit.was_reached
    await asyncio.sleep(0)  # nobody is cancelled any more


async def test_what_a_request_has_in_its_context_is_not_kept_by_those_that_follow() -> None:
    class Held: ...

    held: ContextVar[Held] = ContextVar("held")
    first = Held()
    watched = weakref.ref(first)

    async def one(done: asyncio.Event, value: Held | None = None) -> None:
        if value:
            held.set(value)
        with within(60):  # collecting all garbage takes a busy machine its time
            await done.wait()

    first_done, following_done = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(one(first_done, first))
    await asyncio.sleep(0)
    following = asyncio.create_task(one(following_done))
    await asyncio.sleep(0)
    del first
    first_done.set()
    await task
    del task
    await asyncio.sleep(0)
    gc.collect()
    assert watched() is None
    following_done.set()
    await following
