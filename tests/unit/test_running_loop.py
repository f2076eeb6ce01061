"""The loop that runs is found as asyncio finds it."""

import asyncio
import threading

import pytest

from domain.running_loop import running_loop


async def found() -> bool:
    return running_loop() is running_loop() is asyncio.get_running_loop()


def test_each_loop_is_found_one_after_the_other() -> None:
    assert [asyncio.run(found()) for _ in range(2)] == [True, True]


def test_where_none_runs_none_is_found() -> None:
    with pytest.raises(RuntimeError):
        running_loop()
    assert asyncio.run(found())
    with pytest.raises(RuntimeError):
        running_loop()


async def test_each_thread_has_its_own() -> None:
    answers = list[object]()

    def other() -> None:
        with pytest.raises(RuntimeError):
            running_loop()
        answers.append(asyncio.run(found()))

    assert await found()
    thread = threading.Thread(target=other)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert answers == [True]
    assert await found()
