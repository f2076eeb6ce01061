"""How many requests one worker works on at once."""

import time
from collections.abc import Callable

from domain.errors import Overloaded
from domain.places import Places
from domain.time_limits import within

PACE_OVER_S = 0.1  # places are given back in bursts: how fast, one knows only over some time
SHORT = 0.1  # the part of the wait that is left for newcomers when the queue does not get empty any more


class Gate:
    """Lets `at_once` requests in; `most_waiting` more wait for at most `wait_s` seconds. Raises Overloaded.

    Beyond that a quick no is kinder than a late answer: who is told can come again, and those who wait are served. So
    whoever would wait for too long is told at once. And a queue that did not get empty for `wait_s` takes in no crowd
    that passes: it only makes everybody late. From then on it is kept short (as CoDel does, RFC 8289).
    """

    def __init__(
        self, at_once: int, most_waiting: int, wait_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._places, self._at_once = Places(at_once), at_once
        self._most_waiting, self._wait_s, self._now = most_waiting, wait_s, now
        self.waiting = self.refused = 0
        self.coming = 0  # a server has heard them, and they are not here yet
        self._queue_began = self._pace_began = 0.0
        self._pace_s, self._given_back = 0.0, 0

    @property
    def running(self) -> int:
        """How many have a place."""
        return self._at_once - self._places.free

    @property
    def is_full(self) -> bool:
        """Whether the next request would be refused at once."""
        return not self._places.free and self._is_full_behind(0)

    @property
    def will_be_full(self) -> bool:
        """The same, when those who are coming are here."""
        return self._is_full_behind(self.coming)

    def came(self) -> None:
        """Somebody came of whom a server may have told."""
        if self.coming:
            self.coming -= 1

    def refuse(self) -> None:
        """Counts one that was refused."""
        self.refused += 1

    def enter_at_once(self) -> bool:
        """Whether there was a place; it is taken now."""
        return self._places.take_at_once()

    def leave(self) -> None:
        """Gives a place back."""
        self._places.give_back()
        if self.waiting:
            self._measure()

    async def wait(self) -> None:
        """Takes a place when it is one's turn."""
        if self.is_full:
            self._raise()
        if not self.waiting:
            self._begin_queue()
        self.waiting += 1
        try:
            with within(self._wait_s):
                await self._places.wait()
        except TimeoutError:
            self._raise()
        finally:
            self.waiting -= 1

    def _raise(self) -> None:
        self.refuse()
        raise Overloaded from None

    def _begin_queue(self) -> None:
        self._queue_began = self._pace_began = self._now()
        self._pace_s, self._given_back = 0.0, 0

    def _measure(self) -> None:
        self._given_back += 1
        passed_s = self._now() - self._pace_began
        if passed_s >= PACE_OVER_S:
            self._pace_s = passed_s / self._given_back
            self._pace_began, self._given_back = self._now(), 0

    def _is_full_behind(self, others: int) -> bool:
        waiting = self.waiting + others - self._places.free
        if waiting < 0:
            return False
        # How long the next one would wait, by the time from one place given back to the next.
        expected_s = (waiting + 1) * self._pace_s
        return waiting >= self._most_waiting or bool(self.waiting and expected_s > self._patience_s)

    @property
    def _patience_s(self) -> float:
        return self._wait_s * (SHORT if self._now() - self._queue_began > self._wait_s else 1)
