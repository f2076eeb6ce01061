"""How many requests one worker works on at once."""

import asyncio
from types import TracebackType

from domain.errors import Overloaded


class Gate:
    """Lets `at_once` requests in; `most_waiting` more wait for at most `wait_s` seconds. Raises Overloaded.

    Beyond that a quick no is kinder than a late answer: who is told can come again, and those who wait are served.
    """

    def __init__(self, at_once: int, most_waiting: int, wait_s: float) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most_waiting, self._wait_s = most_waiting, wait_s
        self.running = self.waiting = self.refused = 0

    async def __aenter__(self) -> None:
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        self.running += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.running -= 1
        self._places.release()

    async def _wait(self) -> None:
        if self.waiting >= self._most_waiting:
            self._refuse()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError:
            self._refuse()
        finally:
            self.waiting -= 1

    def _refuse(self) -> None:
        self.refused += 1
        raise Overloaded from None
