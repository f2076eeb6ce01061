"""What every store promises about throttles."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from service.ports import Store
from tests.factories import NOBODY

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


async def take(store: Store, now: datetime = NOW, key: UUID = NOBODY) -> tuple[int, datetime]:
    async with store.write() as work:
        return await work.throttles.take(key, 3, now, now + WINDOW)


async def give_back(store: Store, ends_at: datetime = NOW + WINDOW) -> int | None:
    async with store.write() as work:
        return await work.throttles.give_back(NOBODY, ends_at)


async def test_a_quota_is_used_up_and_below(store: Store) -> None:
    assert [(await take(store))[0] for _ in range(5)] == [2, 1, 0, -1, -2]


async def test_the_window_begins_with_the_first_use_and_is_not_moved_by_later_ones(store: Store) -> None:
    ends = [(await take(store, NOW + number * SECOND))[1] for number in range(5)]
    assert ends == [NOW + WINDOW] * 5


async def test_the_quota_is_whole_again_when_the_window_is_over(store: Store) -> None:
    for _ in range(5):
        await take(store)
    assert await take(store, NOW + WINDOW - SECOND) == (-3, NOW + WINDOW)
    assert await take(store, NOW + WINDOW) == (2, NOW + 2 * WINDOW)


async def test_a_quota_is_used_up_when_nothing_is_left_and_until_it_is_whole(store: Store) -> None:
    found = []
    for _ in range(3):
        async with store.read() as work:
            found.append(await work.throttles.used_up_until(NOBODY, NOW))
        await take(store)
    async with store.read() as work:
        found += [await work.throttles.used_up_until(NOBODY, time) for time in (NOW, NOW + WINDOW)]
    assert found == [None, None, None, NOW + WINDOW, None]


async def test_each_key_has_a_quota_of_its_own(store: Store) -> None:
    assert [await take(store, key=uuid7()) for _ in range(2)] == [(2, NOW + WINDOW)] * 2


async def test_what_is_given_back_can_be_used_again(store: Store) -> None:
    await take(store)
    assert await give_back(store) == 3
    assert await take(store) == (2, NOW + WINDOW)


async def test_nothing_is_given_back_to_a_later_window_or_to_none(store: Store) -> None:
    assert await give_back(store) is None
    await take(store)
    await take(store, NOW + WINDOW)
    assert await give_back(store, NOW + WINDOW) is None
    assert (await take(store, NOW + WINDOW))[0] == 1


async def test_what_a_block_used_is_undone_when_it_raises(store: Store) -> None:
    async def fail() -> None:
        async with store.write() as work:
            await work.throttles.take(NOBODY, 3, NOW, NOW + WINDOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert (await take(store))[0] == 2


async def test_whole_quotas_are_purged_in_batches_and_others_stay(store: Store) -> None:
    for number in range(4):
        await take(store, NOW + number * SECOND, uuid7())
    await take(store, NOW + WINDOW)
    purged = []
    for _ in range(3):
        async with store.write() as work:
            purged.append(await work.throttles.purge(NOW + WINDOW + 2 * SECOND, 2))
    assert purged == [2, 1, 0]
    assert (await take(store, NOW + WINDOW))[0] == 1
