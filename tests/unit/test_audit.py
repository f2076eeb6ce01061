"""What is written down of a change, and for how long it is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.audit import OPERATOR
from domain.users import Actor, Client
from service.audit import AuditService, difference, record
from tests.factories import NOBODY
from tests.fakes.store import MemoryStore

CLIENT = Client("192.0.2.1", "A browser", "a-request")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, {}),
        ({"updated_at": datetime.now(UTC)}, {}),
        ({"first_name": "Augusta", "last_name": None}, {"fields": ["first_name", "last_name"]}),
        ({"email": "ada@example.net"}, {"fields": ["email"]}),
        ({"role": "admin"}, {"fields": ["role"], "role": {"from": "user", "to": "admin"}}),
        ({"is_active": False}, {"fields": ["is_active"], "is_active": {"from": True, "to": False}}),
    ],
)
def test_a_change_is_told_by_its_fields_and_only_harmless_values(
    ada: Actor, changes: dict[str, Any], told: dict[str, Any]
) -> None:
    assert difference(ada.account, replace(ada.account, **changes)) == told


async def test_an_event_says_who_did_it_from_where(store: MemoryStore, ada: Actor) -> None:
    async with store.write() as work:
        for by in (ada, CLIENT, OPERATOR):
            await record(work, "user.create", by, NOBODY)
    found = [(event.actor_id, event.ip, event.request_id) for event in store.events]
    assert found == [(ada.id, "192.0.2.1", None), (None, "192.0.2.1", "a-request"), (None, None, None)]


async def test_ids_and_times_are_in_one_order_and_of_now(store: MemoryStore, ada: Actor) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    async with store.write() as work:
        for _ in range(100):
            await record(work, "user.create", ada, NOBODY)
    times = [event.at for event in store.events]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= datetime.now(UTC)


@pytest.mark.parametrize(("days", "ahead", "purged"), [(365, 364, 0), (365, 366, 1), (0, 100_000, 0)])
async def test_events_are_kept_as_long_as_is_set(
    store: MemoryStore, ada: Actor, days: int, ahead: int, purged: int
) -> None:
    async with store.write() as work:
        await record(work, "user.create", ada, NOBODY)
    later = datetime.now(UTC) + timedelta(days=ahead)
    assert await AuditService(store, keep=timedelta(days=days), now=lambda: later).purge() == purged
