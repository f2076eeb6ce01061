"""Passwords are hashed here: slowly on purpose, and never on the event loop."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from argon2.low_level import Type

from domain.errors import Unavailable
from service import foreign_hashes

T = TypeVar("T")

_ARGON2 = "$argon2"  # how every hash of the family begins; any other was brought along from elsewhere


class Passwords:
    """Hashes and verifies in one thread, so that a flood of logins takes one core at most and requests go first.

    The hash is argon2id. 19 MiB and two passes, OWASP's smallest recommended setting, took 21 ms on the machine
    we measured. `queue_length` calls may wait; a further one raises Unavailable.
    """

    def __init__(self, *, memory_kib: int = 19 * 1024, passes: int = 2, queue_length: int = 32) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._thread = ThreadPoolExecutor(1, "passwords", initializer=_step_back)
        self._places = self._most = queue_length + 1
        self._stand_in = self._thread.submit(self._hasher.hash, os.urandom(16))  # while the rest of a worker starts

    @property
    def pending(self) -> int:
        """How many passwords are being worked on (one at most) or wait for it."""
        return self._most - self._places

    async def hash(self, password: str) -> str:
        return await self._work(lambda: self._hasher.hash(password))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the hash's; without a hash the same work is done, and the answer is no."""
        return await self._work(lambda: self._verify(password_hash, password)) and bool(password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash that matched is of another kind or cost than one made now."""
        return not password_hash.startswith(_ARGON2) or self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        password_hash = password_hash or self._stand_in.result()
        if not password_hash.startswith(_ARGON2):
            return foreign_hashes.matches(password_hash, password)
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, ValueError):  # the wrong password, or no hash that we know
            return False

    async def _work(self, job: Callable[[], T]) -> T:
        if not self._places:
            raise Unavailable
        self._places -= 1
        future = asyncio.get_running_loop().run_in_executor(self._thread, job)
        future.add_done_callback(self._leave)
        return await future

    def _leave(self, _: object) -> None:
        self._places += 1


def _step_back() -> None:
    """Lets the event loop go first on a busy core; Linux gives every thread a priority of its own."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
