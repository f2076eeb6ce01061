"""Work beside the requests."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import Unavailable
from inkwell import background
from inkwell.background import Background, Chore

LogEvents = Callable[[], list[dict[str, Any]]]


class Rows:
    """So many rows to do, two in a batch; `failures` are raised first."""

    def __init__(self, count: int, *failures: Exception) -> None:
        self.left, self.failures, self.done = count, list(failures), asyncio.Event()

    async def batch(self) -> int:
        if self.failures:
            raise self.failures.pop(0)
        doing = min(2, self.left)
        self.left -= doing
        if not self.left:
            self.done.set()
        return doing


async def run(rows: Rows, pause_s: float = 0.01) -> None:
    running = Background([Chore("rows", rows.batch, pause_s)])
    running.start()
    await asyncio.wait_for(rows.done.wait(), 5)
    await running.stop()


async def test_batches_follow_each_other_until_nothing_is_left() -> None:
    rows = Rows(7)
    await run(rows)
    assert rows.left == 0


@pytest.mark.parametrize(("failure", "event"), [(Unavailable(), "chore_postponed"), (KeyError(), "chore_failed")])
async def test_what_fails_is_logged_and_tried_again(failure: Exception, event: str, log_events: LogEvents) -> None:
    await run(Rows(1, failure, failure))
    assert [line["chore"] for line in log_events() if line["event"] == event] == ["rows", "rows"]


async def test_a_chore_that_is_woken_does_not_wait_for_its_pause_to_end() -> None:
    rows = Rows(1)
    running = Background([Chore("rows", rows.batch, 3600)])
    running.start()
    running.wake("rows")
    await asyncio.wait_for(rows.done.wait(), 5)
    await running.stop()


async def test_stopping_lets_the_batch_under_way_end() -> None:
    began, ended = asyncio.Event(), []

    async def slowly() -> int:
        began.set()
        await asyncio.sleep(0.05)
        ended.append(True)
        return 0

    running = Background([Chore("slow", slowly, 0.001)])
    running.start()
    await began.wait()
    await running.stop()
    assert ended


async def test_a_batch_that_does_not_end_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "STOP_SECONDS", 0.01)
    began, broken_off = asyncio.Event(), asyncio.Event()

    async def endless() -> int:
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            broken_off.set()
        return 0

    running = Background([Chore("endless", endless, 0.001)])
    running.start()
    await began.wait()
    await running.stop()
    await asyncio.wait_for(broken_off.wait(), 5)
