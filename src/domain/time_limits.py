"""Time limits that are seldom reached, thousands of them with one timer of the event loop.

A timer for each, as asyncio.timeout() has it, takes 6 microseconds to make and to take back, and a request has several.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary, ref

from domain.running_loop import running_loop

LATEST_S = 0.1  # a limit is noticed late by a tenth of its length, at most by this


class TimeLimit:
    """asyncio.timeout() for lengths that are settings, of which there are few. Raises TimeoutError at the end.

    The time for one block, from when it is entered. A plain `with`, since nothing is waited for at either end of it. A
    cancellation from elsewhere stays one, as with asyncio's.
    """

    __slots__ = ("_cancellations", "_clock", "_seconds", "_task", "was_reached")

    _clock: "_Clock"
    _task: "asyncio.Task[object]"
    _cancellations: int  # that were under way when the block was entered

    def __init__(self, seconds: float) -> None:
        self._seconds, self.was_reached = seconds, False

    def __enter__(self) -> Self:
        loop, seconds = running_loop(), self._seconds
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("A time limit is for what runs in a task")
        here, clocks = _latest
        if here() is not loop:
            clocks = _clocks_of(loop)
        clock = clocks.get(seconds) or clocks.setdefault(seconds, _Clock(seconds))
        self._clock, self._task, self._cancellations = clock, task, task.cancelling()
        clock.running[self] = loop.time() + seconds
        if not clock.ticks:
            clock.tick_again(loop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clock.running.pop(self, None)
        is_ours = self.was_reached and self._task.uncancel() <= self._cancellations
        if is_ours and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def reach(self) -> None:
        """Cancels the block."""
        self.was_reached = True
        self._task.cancel()


within = TimeLimit  # for blocks: with within(5); the other name is for types


class _Clock:
    """Ends the limits of one length on one loop: in the order in which they began, so the first ones are enough."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._step_s = seconds, min(seconds / 10, LATEST_S)
        self.running: dict[TimeLimit, float] = {}  # and when each ends
        self.ticks = False

    def tick_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ticks = True
        # In a context of its own: that of the request which happens to begin would live as long as others follow it.
        loop.call_later(self._step_s, self._tick, loop, context=Context())

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        due, self.ticks = self._due(loop.time()), False
        for limit in due:
            del self.running[limit]
        if self.running:
            self.tick_again(loop)
        for limit in due:
            limit.reach()

    def _due(self, now: float) -> list[TimeLimit]:
        due = []
        for limit, end in self.running.items():
            if end > now:
                break
            due.append(limit)
        return due


_Clocks = dict[float, _Clock]
_CLOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clocks] = WeakKeyDictionary()
_latest: tuple[Callable[[], object], _Clocks] = (lambda: None, {})  # nearly always there is one loop to a process


def _clocks_of(loop: asyncio.AbstractEventLoop) -> _Clocks:
    global _latest
    clocks = _CLOCKS.setdefault(loop, {})
    _latest = ref(loop), clocks  # of which another thread may make its own at once
    return clocks
