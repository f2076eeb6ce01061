"""Mail: what is waiting to be sent, and the links in it, each good for one use."""

from datetime import timedelta
from typing import Literal, get_args
from uuid import UUID

from domain.values import value

Purpose = Literal["reset", "verify", "change_email"]
Kind = Literal["reset", "verify", "change_email", "password_changed", "email_changed"]

# A mail that was taken out to be sent is tried again after a minute, and after twice as long each time from then on.
# Sending takes less than a minute, so nobody else takes it out meanwhile.
FIRST_PAUSE = timedelta(minutes=1)
MOST_ATTEMPTS = 12  # the last one after a day and a half


@value
class Link:
    """A link that was mailed to `email`; whoever opens it reads that address. It has the id of its mail."""

    id: UUID
    user_id: UUID
    purpose: Purpose
    email: str


@value
class Mail:
    """A mail in the outbox; `attempts` is how many times it was taken out to be sent."""

    id: UUID
    kind: Kind
    to: str
    attempts: int = 0

    @property
    def has_link(self) -> bool:
        return self.kind in get_args(Purpose)

    @property
    def is_last_attempt(self) -> bool:
        return self.attempts >= MOST_ATTEMPTS


class MailFailed(Exception):
    """A mail could not be handed over, for good if `final`. The text names neither an address nor what was written."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


@value
class Delivery:
    """What became of one attempt: `failure` is None where the mail was sent, or nobody waits for it any more."""

    mail: Mail
    failure: Exception | None = None

    @property
    def is_over(self) -> bool:
        """Whether there will be no other attempt."""
        final = isinstance(self.failure, MailFailed) and self.failure.final
        return self.failure is None or final or self.mail.is_last_attempt
