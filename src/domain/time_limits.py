"""Time limits that are seldom reached, thousands of them with one timer of the event loop.

A timer for each, as asyncio.timeout() has it, takes 6 microseconds to make and to take back, and a request has several.
"""

import asyncio
from functools import cache
from types import TracebackType
from typing import Self

LATEST_S = 0.1  # a limit is noticed late by a tenth of its length, at most by this


def within(seconds: float) -> "TimeLimit":
    """asyncio.timeout() for lengths that are settings, of which there are few. Raises TimeoutError at the end."""
    return TimeLimit(_of_length(seconds))


class TimeLimit:
    """The time for one block, from when it is entered. A cancellation from elsewhere stays one, as with asyncio's."""

    __slots__ = ("_cancellations", "_clock", "_task", "was_reached")

    _task: "asyncio.Task[object]"
    _cancellations: int  # that were under way when the block was entered

    def __init__(self, clock: "_Clock") -> None:
        self._clock, self.was_reached = clock, False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A time limit is for what runs in a task")
        self._task, self._cancellations = task, task.cancelling()
        self._clock.start(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clock.stop(self)
        is_ours = self.was_reached and self._task.uncancel() <= self._cancellations
        if is_ours and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def reach(self) -> None:
        """Cancels the block."""
        self.was_reached = True
        self._task.cancel()


class _Clock:
    """Looks after the limits of one length. They end in the order in which they began, so the first ones are enough."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._step_s = seconds, min(seconds / 10, LATEST_S)
        self._running: dict[TimeLimit, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None  # on which the next look is due, if one is

    def start(self, limit: TimeLimit) -> None:
        loop = asyncio.get_running_loop()
        self._running[limit] = loop.time() + self._seconds
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self._step_s, self._look, loop)

    def stop(self, limit: TimeLimit) -> None:
        self._running.pop(limit, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        for limit in self._due(loop.time()):
            del self._running[limit]
            limit.reach()
        if self._running:
            loop.call_later(self._step_s, self._look, loop)
        else:
            self._loop = None

    def _due(self, now: float) -> list[TimeLimit]:
        due = []
        for limit, end in self._running.items():
            if end > now:
                break
            due.append(limit)
        return due


_of_length = cache(_Clock)
