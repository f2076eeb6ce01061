"""A number of places, for so many at once."""

import asyncio
from collections import deque
from contextlib import suppress

from domain.running_loop import running_loop


class Places:
    """Whoever waits for a place is served in turn.

    asyncio.Semaphore goes through all who wait at each look, and lets newcomers pass those whom it has just woken.
    """

    def __init__(self, number: int) -> None:
        self.free = number  # none while somebody waits: a place that is given back goes to the first of those
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_at_once(self) -> bool:
        """Whether there was a place; it is taken now."""
        if not self.free:
            return False
        self.free -= 1
        return True

    async def wait(self) -> None:
        """Takes a place when it is one's turn."""
        turn = running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            self._leave(turn)
            raise

    def give_back(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                return turn.set_result(None)
        self.free += 1

    def _leave(self, turn: "asyncio.Future[None]") -> None:
        if turn.cancelled():
            with suppress(ValueError):
                self._waiting.remove(turn)
        else:  # its turn had come just then
            self.give_back()
