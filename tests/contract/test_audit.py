"""What every store promises about the audit trail."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from domain.audit import Action, AuditEvent, AuditFilter
from domain.pages import Cut, Slice
from domain.users import Account
from service.ports import Store
from tests.factories import NOBODY
from tests.support import trail

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


@pytest.fixture
async def told(store: Store) -> list[AuditEvent]:
    """Four events, the oldest first: two logins of Ada's, one of Bob's, and an admin's change of Ada."""
    ada, bob, root = (uuid7() for _ in range(3))
    acts: list[tuple[UUID, Action, UUID]] = [
        (ada, "login.succeed", ada),
        (bob, "login.succeed", bob),
        (root, "user.update", ada),
        (ada, "login.succeed", ada),
    ]
    events = [AuditEvent(uuid7(), NOW, actor, action, target, None, None, {}) for actor, action, target in acts]
    await add(store, *events)
    return events


async def find(store: Store, cut: Cut, **wanted: Any) -> Slice[AuditEvent]:
    async with store.read() as work:
        return await work.audit.find(AuditFilter(**wanted), cut)


async def test_each_choice_narrows_the_trail_and_its_total(store: Store, told: list[AuditEvent]) -> None:
    ada, root = told[0].actor_id, told[2].actor_id
    for wanted, places in (
        ({"actor": ada}, [3, 0]),
        ({"target": ada}, [3, 2, 0]),
        ({"action": "login.succeed"}, [3, 1, 0]),
        ({"since": told[1].id}, [3, 2, 1]),
        ({"until": told[1].id}, [0]),
        ({"since": told[1].id, "until": told[3].id, "target": ada}, [2]),
        ({"actor": root, "action": "login.succeed"}, []),
    ):
        found = await find(store, Cut("-id", 10), **wanted)
        assert (found.rows, found.total) == ([told[place] for place in places], len(places)), wanted


async def test_the_trail_goes_on_behind_a_place(store: Store, told: list[AuditEvent]) -> None:
    first = await find(store, Cut("-id", 3))
    assert (first.rows, first.total, first.end) == (told[:0:-1], 4, (told[1].id,))
    rest = await find(store, Cut("-id", 3, after=first.end))
    assert (rest.rows, rest.total, rest.end) == (told[:1], 4, None)
