"""Signing in: sessions, the tokens they give out, and what becomes of those."""

from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from domain.users import Account
from domain.values import value


class Refreshing(Enum):
    """What becomes of a refresh token that is shown."""

    NEXT = auto()  # it is the current one: the session moves on
    AGAIN = auto()  # it was the current one a moment ago, and an answer was lost or two tabs asked at once
    REUSED = auto()  # it was replaced before: a thief or the owner holds a copy
    OVER = auto()  # its session has run out


@value
class SessionRules:
    """How long sessions last: `lifetime` at the most, `idle` without a refresh; and how many of them a user may have.

    For `grace` after a refresh, the refresh token that was replaced gets its successor again.
    """

    lifetime: timedelta
    idle: timedelta
    grace: timedelta = timedelta(seconds=10)
    most_per_user: int = 20


@value
class Session:
    """A sign-in: it lasts until `expires_at`, and ends earlier if it lies idle.

    `refresh_count` is the number of the current refresh token, from 0.
    """

    id: UUID
    user_id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    refresh_count: int
    ip: str | None
    user_agent: str | None

    def lives(self, now: datetime, rules: SessionRules) -> bool:
        return now < self.expires_at and now < self.last_used_at + rules.idle

    def refreshing(self, count: int, now: datetime, rules: SessionRules) -> Refreshing:
        """What becomes of the session's refresh token number `count`."""
        if not self.lives(now, rules) or count > self.refresh_count:
            return Refreshing.OVER
        if count == self.refresh_count:
            return Refreshing.NEXT
        moment = abs(now - self.last_used_at) <= rules.grace  # a clock that was put back does not prolong it
        just_before = count == self.refresh_count - 1 and moment
        return Refreshing.AGAIN if just_before else Refreshing.REUSED


@value
class OwnSession:
    """A session as its user sees it."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    ip: str | None
    user_agent: str | None
    current: bool


@value
class SignIn:
    """What stands behind an access token: the account, and when the session ends; None if it has ended."""

    account: Account
    session_expires_at: datetime | None

    def session_lives(self, now: datetime) -> bool:
        return self.session_expires_at is not None and now < self.session_expires_at


@value
class Tokens:
    """What a session hands out; `expires_in` is the access token's lifetime in seconds."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


@value
class SignedIn(Tokens):
    """What a login answers: the tokens, and whose they are."""

    user: Account
