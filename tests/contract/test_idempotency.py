"""What every store promises about kept answers."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from uuid_utils.compat import uuid7

from domain.idempotency import KeptAnswer
from domain.users import Account
from service.ports import Store
from tests.factories import NOBODY

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class GivenUp(Exception):
    """A unit of work that is not to be."""


KEPT = KeptAnswer(b"\x00print", b'[201]\n{"post": \xff\x00}')


async def test_an_answer_is_kept_to_the_byte(store: Store, ada: Account) -> None:
    kept_id = uuid7()
    async with store.write() as work:
        assert await work.kept_answers.keep(kept_id, ada.id, KEPT, NOW)
    async with store.read() as work:
        assert await work.kept_answers.get(kept_id, NOW - timedelta(seconds=1)) == KEPT
        assert await work.kept_answers.get(uuid7(), NOW - timedelta(seconds=1)) is None


async def test_an_answer_whose_time_is_over_is_none_and_can_be_replaced(store: Store, ada: Account) -> None:
    kept_id, newer = uuid7(), KeptAnswer(b"other", b"answer")
    async with store.write() as work:
        await work.kept_answers.keep(kept_id, ada.id, KEPT, NOW)
        assert await work.kept_answers.get(kept_id, NOW) is None
        assert await work.kept_answers.keep(kept_id, ada.id, newer, NOW + timedelta(days=1))
        assert await work.kept_answers.get(kept_id, NOW) == newer


async def test_nothing_is_kept_for_nobody(store: Store, ada: Account) -> None:
    with suppress(GivenUp):
        async with store.write() as work:
            kept = await work.kept_answers.keep(uuid7(), NOBODY, KEPT, NOW)
            raise GivenUp
    assert not kept


async def test_what_one_has_claimed_another_cannot_until_the_first_is_done(store: Store) -> None:
    kept_id, other_id = uuid7(), uuid7()
    async with store.write() as work:
        assert await work.kept_answers.claim(kept_id)
        async with store.write() as second:
            assert not await second.kept_answers.claim(kept_id)
            assert await second.kept_answers.claim(other_id)
    async with store.write() as third:
        assert await third.kept_answers.claim(kept_id)


async def test_a_claim_ends_with_a_failure_too(store: Store) -> None:
    kept_id = uuid7()
    with suppress(GivenUp):
        async with store.write() as work:
            claimed = await work.kept_answers.claim(kept_id)
            raise GivenUp
    assert claimed
    async with store.write() as work:
        assert await work.kept_answers.claim(kept_id)


async def test_answers_go_with_their_user(store: Store, ada: Account) -> None:
    kept_id = uuid7()
    async with store.write() as work:
        await work.kept_answers.keep(kept_id, ada.id, KEPT, NOW)
        await work.users.remove(ada.id)
        assert await work.kept_answers.get(kept_id, NOW - timedelta(seconds=1)) is None


async def test_old_answers_are_purged_in_batches(store: Store, ada: Account) -> None:
    async with store.write() as work:
        for number in range(4):
            await work.kept_answers.keep(uuid7(), ada.id, KEPT, NOW + timedelta(hours=number))
        until = NOW + timedelta(hours=2)
        assert [await work.kept_answers.purge(until, 2) for _ in range(3)] == [2, 1, 0]
