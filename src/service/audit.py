"""The audit trail: written in the transaction of what it tells of, read by admins, and kept for a time."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field
from uuid_utils.compat import uuid7

from domain.audit import Action, AuditEvent, AuditFilter
from domain.errors import Unavailable, Unrecorded
from domain.pages import Page
from domain.permissions import Permission, ensure
from domain.users import Account, Actor, Client
from service.fields import QueryId, QueryTime
from service.pagination import PageRequest
from service.ports import PURGE_BATCH, Store, UnitOfWork

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEWEST_FIRST = "-id"
_CHANGEABLE = ("email", "first_name", "last_name", "role", "is_active")
_TOLD = ("role", "is_active")  # the values are no private matter


class AuditListing(PageRequest):
    """A page of the trail; `to` itself is out of the range."""

    actor: QueryId | None = None
    target: QueryId | None = None
    action: Action | None = None
    since: QueryTime | None = Field(None, alias="from")
    until: QueryTime | None = Field(None, alias="to")

    def wanted(self) -> AuditFilter:
        since, until = (_first_id(time) if time else None for time in (self.since, self.until))
        return AuditFilter(self.actor, self.target, self.action, since, until)


class AuditService:
    """Shows the trail, and removes what was kept long enough: `keep`, or for ever where that is no time at all."""

    def __init__(self, store: Store, *, keep: timedelta, now: Callable[[], datetime]) -> None:
        self._store, self._keep, self._now = store, keep, now

    async def list(self, actor: Actor, listing: AuditListing) -> Page[AuditEvent]:
        """Newest first. Raises AdminRequired, BadCursor, InvalidQuery."""
        ensure(actor, Permission.AUDIT_READ)
        wanted = listing.wanted()
        cut = listing.cut(wanted, NEWEST_FIRST)
        async with self._store.read() as work:
            return listing.answer(await work.audit.find(wanted, cut), wanted, cut.order)

    async def purge(self) -> int:
        """Removes some of the rows that are old enough; says how many."""
        if not self._keep:
            return 0
        async with self._store.write() as work:
            return await work.audit.purge(self._now() - self._keep, PURGE_BATCH)


async def record(
    work: UnitOfWork, action: Action, by: Actor | Client, target_id: UUID | None = None, **data: Any
) -> None:
    """Writes down what this unit of work does: both come to be, or neither. `by` is a Client where nobody signed in."""
    event_id = uuid7()
    actor_id, client = (by.id, by.client) if isinstance(by, Actor) else (None, by)
    at = _time_of(event_id)
    await work.audit.add(AuditEvent(event_id, at, actor_id, action, target_id, client.ip, client.request_id, data))


async def record_wrong_password(
    store: Store, action: Action, by: Actor | Client, target_id: UUID | None, **data: Any
) -> None:
    """In a transaction of its own. Raises Unrecorded, not Unavailable: it was looked at, and counts as a guess."""
    try:
        async with store.write() as work:
            await record(work, action, by, target_id, **data)
    except Unavailable as error:
        raise Unrecorded from error


def difference(before: Account, after: Account) -> dict[str, Any]:
    """What changed of a user, for `record`: which fields, and from what to what where that may be told."""
    was, became = asdict(before), asdict(after)
    changed = [name for name in _CHANGEABLE if was[name] != became[name]]
    told = {name: {"from": was[name], "to": became[name]} for name in changed if name in _TOLD}
    return {"fields": changed} | told if changed else {}


def _time_of(event_id: UUID) -> datetime:
    """The millisecond that a UUIDv7 begins with (RFC 9562, 5.7), so that ids and times are in one order."""
    return _EPOCH + timedelta(milliseconds=event_id.int >> 80)


def _first_id(at: datetime) -> UUID:
    """The least UUIDv7 of that time or later. `record` gives an event the time of its id, so ids tell them apart."""
    milliseconds = -((_EPOCH - at) // timedelta(milliseconds=1))  # rounded up: an id has no smaller parts
    return UUID(int=max(milliseconds, 0) << 80)
