"""What every store promises about the audit trail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from domain.audit import AuditEvent
from domain.users import Account
from service.ports import Store
from tests.fakes import NOBODY
from tests.trail import trail

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def event(at: datetime = NOW, **data: Any) -> AuditEvent:
    return AuditEvent(uuid7(), at, NOBODY, "user.update", NOBODY, "2001:db8::1", "a-request", data)


async def add(store: Store, *events: AuditEvent) -> None:
    async with store.write() as work:
        for each in events:
            await work.audit.add(each)


async def purge(store: Store, before: datetime, limit: int = 10) -> int:
    async with store.write() as work:
        return await work.audit.purge(before, limit)


async def test_events_are_kept_as_they_are_given_and_in_order(store: Store) -> None:
    nobodys = AuditEvent(uuid7(), NOW, None, "login.fail", None, None, None, {})
    events = [nobodys, event(fields=["role"], role={"from": "user", "to": "admin"}, is_active=None)]
    await add(store, *reversed(events))
    assert await trail(store) == events


async def test_an_event_outlives_whom_it_tells_of(store: Store, ada: Account) -> None:
    told = AuditEvent(uuid7(), NOW, ada.id, "user.delete", ada.id, None, None, {})
    async with store.write() as work:
        await work.audit.add(told)
        await work.users.remove(ada.id)
    assert await trail(store) == [told]


async def test_a_block_that_raises_writes_nothing_down(store: Store) -> None:
    async def fail() -> None:
        async with store.write() as work:
            await work.audit.add(event())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await trail(store) == []


async def test_old_events_are_purged_in_batches_and_young_ones_stay(store: Store) -> None:
    events = [event(NOW + number * DAY) for number in range(5)]
    await add(store, *events)
    assert [await purge(store, NOW + 3 * DAY, limit=2) for _ in range(3)] == [2, 1, 0]
    assert await trail(store) == events[3:]


async def test_a_purge_that_is_undone_removes_nothing(store: Store) -> None:
    kept = event()
    await add(store, kept)

    async def fail() -> None:
        async with store.write() as work:
            assert await work.audit.purge(NOW + DAY, 10) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await trail(store) == [kept]
