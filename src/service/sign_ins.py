"""Who is behind an access token: remembered, for as long as somebody vouches that changes would be heard of."""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from domain.auth import SignIn
from domain.values import value

MOST = 10_000  # sign-ins remembered at once, about 2 kB each; then whoever is remembered longest is forgotten
LONGEST_S = 60  # that anything is remembered, whoever vouches for it

LookUp = Callable[[UUID, UUID], Awaitable[SignIn | None]]


@value
class Remembered:
    """A sign-in, and the time on our clock until which it is remembered."""

    sign_in: SignIn
    until: float


class SignIns:
    """Remembers sign-ins, and looks up what it does not remember.

    Whoever hears of every change of a user or a session says `forget`, and `vouch` for as long as it is sure to hear of
    them. Without that everything is looked up, every time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._users: dict[UUID, dict[UUID, Remembered]] = {}
        self._count = 0
        self._vouched_until = float("-inf")
        self._news = 0

    def vouch(self, until: float) -> None:
        """What is remembered may be used until then, on our clock: no change before now went unheard."""
        if not self._is_vouched_for():
            self.distrust()  # something may have gone unheard meanwhile, also by who is looking something up right now
        self._vouched_until = until

    def distrust(self) -> None:
        """Forgets everything, and remembers nothing until somebody vouches again."""
        self._users.clear()
        self._count = 0
        self._vouched_until = float("-inf")
        self._news += 1

    def forget(self, user_id: UUID) -> None:
        """Something about the user or its sessions has changed."""
        self._drop(user_id)
        self._news += 1

    async def find(self, user_id: UUID, session_id: UUID, look_up: LookUp) -> SignIn | None:
        own = self._users.get(user_id)
        known = own and own.get(session_id)
        if known and self._clock() < min(known.until, self._vouched_until):
            return known.sign_in
        news = self._news
        found = await look_up(user_id, session_id)
        # What was read before news came may be older than the news.
        if found and found.session_expires_at and news == self._news and self._is_vouched_for():
            self._remember(session_id, found)
        return found

    def _remember(self, session_id: UUID, found: SignIn) -> None:
        own = self._users.setdefault(found.account.id, {})
        self._count += session_id not in own
        own[session_id] = Remembered(found, self._clock() + LONGEST_S)
        if self._count > MOST:
            self._drop(next(iter(self._users)))

    def _drop(self, user_id: UUID) -> None:
        self._count -= len(self._users.pop(user_id, {}))

    def _is_vouched_for(self) -> bool:
        return self._clock() < self._vouched_until
