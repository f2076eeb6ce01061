"""What every store promises about mailed links and the outbox."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from domain.mail import FIRST_PAUSE, MOST_ATTEMPTS, Link, Mail, Purpose
from domain.users import Account
from service.ports import Store
from tests.factories import NOBODY, change_user

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
ADA = "ada@example.com"


async def add(store: Store, purpose: Purpose = "reset", *, owner: str = ADA, email: str | None = None) -> UUID:
    link_id = uuid7()
    async with store.write() as work:
        await work.links.add(link_id, purpose, owner, email or owner)
    return link_id


async def start(store: Store, link_id: UUID) -> bool:
    async with store.write() as work:
        return await work.links.start(link_id, TOMORROW)


async def mailed(store: Store, purpose: Purpose = "reset", *, email: str | None = None) -> UUID:
    """A link of Ada's that can be used."""
    link_id = await add(store, purpose, email=email)
    assert await start(store, link_id)
    return link_id


async def find(store: Store, link_id: UUID, now: datetime = NOW) -> tuple[Link, Account] | None:
    async with store.read() as work:
        return await work.links.find(link_id, now)


async def take(store: Store, link_id: UUID, now: datetime = NOW) -> bool:
    async with store.write() as work:
        return await work.links.take(link_id, now)


async def test_a_link_can_be_used_from_when_it_is_mailed_until_it_expires(store: Store, ada: Account) -> None:
    link_id = await add(store)
    assert await find(store, link_id) is None
    assert await start(store, link_id)
    assert await find(store, link_id) == (Link(link_id, ada.id, "reset", ADA), ada)
    assert await find(store, link_id, TOMORROW) is None
    assert [await take(store, link_id, now) for now in (TOMORROW, NOW, NOW)] == [False, True, False]


async def test_nobody_has_a_link_whose_owner_is_unknown(store: Store, ada: Account) -> None:
    link_id = await add(store, owner="nobody@example.com")
    assert [await start(store, link_id), await start(store, NOBODY)] == [False, False]


async def test_a_newer_link_takes_the_place_of_the_one_for_the_same_purpose(store: Store, ada: Account) -> None:
    old, other, new = await mailed(store), await mailed(store, "verify"), await mailed(store)
    assert await find(store, old) is None
    assert await find(store, other)
    assert await find(store, new)


async def test_a_newer_link_is_not_good_before_it_is_mailed_either(store: Store, ada: Account) -> None:
    await mailed(store)
    assert await find(store, await add(store)) is None


@pytest.mark.parametrize("purpose", ["reset", "verify", "change_email"])
async def test_links_of_an_inactive_user_are_not_good(store: Store, ada: Account, purpose: Purpose) -> None:
    link_id = await mailed(store, purpose)
    await change_user(store, ada.id, is_active=False)
    assert [await find(store, link_id), await take(store, link_id), await start(store, link_id)] == [None, False, False]
    assert not await start(store, await add(store, purpose))


@pytest.mark.parametrize(("purpose", "good"), [("reset", False), ("verify", False), ("change_email", True)])
async def test_a_link_to_an_address_that_the_user_left_is_not_good(
    store: Store, ada: Account, purpose: Purpose, good: bool
) -> None:
    link_id = await mailed(store, purpose)
    await change_user(store, ada.id, email="countess@example.com")
    assert (await find(store, link_id) is not None, await take(store, link_id)) == (good, good)


async def test_a_link_to_an_address_of_somebody_else_is_not_made(store: Store, ada: Account, bob: Account) -> None:
    assert not await start(store, await add(store, "change_email", email="bob@example.com"))
    link_id = await mailed(store, "change_email", email="countess@example.com")
    assert await find(store, link_id) == (Link(link_id, ada.id, "change_email", "countess@example.com"), ada)


async def test_links_are_dropped_by_user_and_purpose(store: Store, ada: Account, bob: Account) -> None:
    dropped, kept = await mailed(store, "reset"), await mailed(store, "verify")
    bobs = await add(store, owner="bob@example.com")
    async with store.write() as work:
        await work.links.drop(ada.id, ["reset", "change_email"])
    assert [await find(store, dropped) is None, await find(store, kept) is None] == [True, False]
    assert await start(store, bobs)


async def test_a_removed_users_links_go_with_it(store: Store, ada: Account) -> None:
    link_id = await mailed(store)
    async with store.write() as work:
        await work.users.remove(ada.id)
    assert await find(store, link_id) is None


async def test_old_links_are_purged_in_batches(store: Store, ada: Account) -> None:
    for purpose in ("reset", "verify", "change_email"):
        await add(store, purpose)
    purged = []
    for made_before in (datetime(2025, 1, 1, tzinfo=UTC), *[datetime(2100, 1, 1, tzinfo=UTC)] * 3):
        async with store.write() as work:
            purged.append(await work.links.purge(made_before, 2))
    assert purged == [0, 2, 1, 0]


@pytest.mark.parametrize(("email", "verified"), [(ADA, True), ("countess@example.com", False)])
async def test_a_new_address_is_not_a_verified_one(store: Store, ada: Account, email: str, verified: bool) -> None:
    await change_user(store, ada.id, email_verified=True)
    assert (await change_user(store, ada.id, first_name="Augusta")).email_verified
    assert (await change_user(store, ada.id, email=email)).email_verified is verified
    assert (await change_user(store, ada.id, email="third@example.com", email_verified=True)).email_verified


async def test_a_mail_is_claimed_once_and_again_after_a_pause_that_doubles(store: Store) -> None:
    mail, now, pauses = Mail(uuid7(), "verify", ADA), NOW, []
    async with store.write() as work:
        await work.outbox.add(mail)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        async with store.write() as work:
            assert await work.outbox.claim(now, 9) == [Mail(mail.id, "verify", ADA, attempt)]
            pauses.append(FIRST_PAUSE * 2 ** (attempt - 1))
            assert await work.outbox.claim(now + pauses[-1] - timedelta(milliseconds=1), 9) == []
        now += pauses[-1]
    assert timedelta(days=1) < sum(pauses[:-1], timedelta()) < timedelta(days=2)


async def test_mail_is_claimed_in_batches_the_oldest_first(store: Store) -> None:
    mails = [Mail(uuid7(), "reset", f"{number}@example.com") for number in range(3)]
    async with store.write() as work:
        for mail in mails:
            await work.outbox.add(mail)
        first, second = await work.outbox.claim(NOW, 2), await work.outbox.claim(NOW, 2)
    assert {mail.id for mail in first} == {mail.id for mail in mails[:2]}
    assert [mail.id for mail in second] == [mails[2].id]


async def test_a_mail_that_is_removed_is_never_claimed_again(store: Store) -> None:
    mail = Mail(uuid7(), "password_changed", ADA)
    async with store.write() as work:
        await work.outbox.add(mail)
        await work.outbox.remove(mail.id)
        await work.outbox.remove(NOBODY)
        assert await work.outbox.claim(NOW, 9) == []


async def test_mail_of_a_block_that_raises_is_never_sent(store: Store) -> None:
    async def fail() -> None:
        async with store.write() as work:
            await work.outbox.add(Mail(uuid7(), "verify", ADA))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with store.write() as work:
        assert await work.outbox.claim(NOW, 9) == []
