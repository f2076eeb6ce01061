"""Sending what is in the outbox: once, again where it failed, and no longer than it is worth."""

from collections.abc import Collection
from datetime import timedelta

import pytest

from domain.errors import Unavailable
from domain.mail import MOST_ATTEMPTS, MailFailed
from domain.users import Actor
from service.mail import BATCH, MailService, enqueue, mail_new_address, mail_new_password
from service.tokens import LinkTokens
from tests.fakes.clock import Clock
from tests.fakes.mail import FakeMailer, MemoryOutbox
from tests.fakes.services import patient_throttles
from tests.fakes.store import MemoryStore
from tests.fakes.users import MemoryUsers

TOKENS = LinkTokens([b"k" * 32])
LIFETIMES = dict.fromkeys(("reset", "verify", "change_email"), timedelta(minutes=30))
ADA = "ada@example.com"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def mail(store: MemoryStore, mailer: FakeMailer, clock: Clock) -> MailService:
    return MailService(store, mailer, TOKENS, lifetimes=LIFETIMES, now=clock)


async def ask_for_reset(store: MemoryStore, email: str = ADA) -> None:
    async with store.write() as work:
        await enqueue(work, patient_throttles(store), "reset", email)


async def test_a_link_is_mailed_with_its_token_and_works_from_then_on(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor, clock: Clock
) -> None:
    await ask_for_reset(store)
    clock.time += timedelta(hours=5)  # the mail server was away, and the link's time has not begun
    await mail.send_due()
    (sent, token), *others = mailer.sent
    assert (sent.kind, sent.to, sent.attempts, others) == ("reset", ADA, 1, [])
    async with store.read() as work:
        assert await work.links.find(TOKENS.read(token or ""), clock())
        clock.time += timedelta(minutes=30)
        assert await work.links.find(TOKENS.read(token or ""), clock()) is None


async def test_nothing_is_sent_twice(store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor) -> None:
    await ask_for_reset(store)
    assert [len(await mail.send_due()), len(await mail.send_due())] == [1, 0]
    assert len(mailer.sent) == 1


async def test_mail_for_nobody_goes_nowhere(store: MemoryStore, mail: MailService, mailer: FakeMailer) -> None:
    await ask_for_reset(store, "nobody@example.com")
    deliveries = await mail.send_due()
    assert [(delivery.failure, delivery.is_over) for delivery in deliveries] == [(None, True)]
    assert (mailer.sent, await mail.send_due()) == ([], [])


async def test_a_link_that_died_before_it_was_mailed_stays_at_home(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor
) -> None:
    async with store.write() as work:
        await mail_new_address(work, patient_throttles(store), ada.account, "countess@example.com")
        await mail_new_password(work, patient_throttles(store), ada.id, ADA)
    await mail.send_due()
    assert [(sent.kind, token) for sent, token in mailer.sent] == [("password_changed", None)]


async def test_what_failed_is_tried_again_later_with_the_same_link(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor, clock: Clock
) -> None:
    mailer.failures = [MailFailed("away"), KeyError("a mistake of ours")]
    await ask_for_reset(store)
    failures = []
    for pause in (0, 1, 2):
        clock.time += timedelta(minutes=pause)
        failures += [(str(delivery.failure), delivery.is_over) for delivery in await mail.send_due()]
        assert await mail.send_due() == []
    assert failures == [("away", False), ("'a mistake of ours'", False), ("None", True)]
    assert [(sent.attempts, TOKENS.read(token or "") == sent.id) for sent, token in mailer.sent] == [(3, True)]


async def test_a_link_that_was_used_does_not_come_back_with_a_second_attempt(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor, clock: Clock
) -> None:
    mailer.failures = [MailFailed("sent, and we did not hear of it")]
    await ask_for_reset(store)
    (first,) = await mail.send_due()
    async with store.write() as work:
        assert await work.links.take(first.mail.id, clock())
    clock.time += timedelta(minutes=1)
    assert [delivery.is_over for delivery in await mail.send_due()] == [True]
    assert mailer.sent == []


async def test_what_is_refused_for_good_is_not_tried_again(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor, clock: Clock
) -> None:
    mailer.failures = [MailFailed("no such mailbox", final=True)]
    await ask_for_reset(store)
    assert [delivery.is_over for delivery in await mail.send_due()] == [True]
    clock.time += timedelta(days=9)
    assert await mail.send_due() == []


async def test_after_so_many_attempts_it_is_given_up(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor, clock: Clock
) -> None:
    mailer.failures = [MailFailed("away")] * 99
    await ask_for_reset(store)
    over = []
    for _ in range(MOST_ATTEMPTS + 1):
        over += [delivery.is_over for delivery in await mail.send_due()]
        clock.time += timedelta(days=9)
    assert over == [False] * (MOST_ATTEMPTS - 1) + [True]


async def test_mail_is_sent_a_few_at_a_time(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor
) -> None:
    async with store.write() as work:
        for _ in range(BATCH + 1):
            await mail_new_password(work, patient_throttles(store), ada.id, ADA)
    assert [len(await mail.send_due()) for _ in range(3)] == [BATCH, 1, 0]


async def test_only_owners_to_whom_a_link_is_made_are_locked(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[Collection[str]] = []

    async def lock_owners(_: MemoryUsers, emails: Collection[str]) -> None:
        locked.append(emails)

    monkeypatch.setattr(MemoryUsers, "lock_owners", lock_owners)
    mailer.failures = [MailFailed("away")] * 3
    async with store.write() as work:
        await mail_new_address(work, patient_throttles(store), ada.account, "countess@example.com")
        await enqueue(work, patient_throttles(store), "password_changed", "bob@example.com")
    await mail.send_due()
    assert locked == []
    await ask_for_reset(store)
    await mail.send_due()
    clock.time += timedelta(minutes=1)
    await mail.send_due()
    assert locked == [{ADA}]


async def test_mail_that_cannot_be_noted_hides_nothing_of_the_others(
    store: MemoryStore, mail: MailService, mailer: FakeMailer, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable

    for _ in range(2):
        await ask_for_reset(store)
    monkeypatch.setattr(MemoryOutbox, "remove", away)
    assert len(await mail.send_due()) == 2
