"""Two nodes that send from one outbox."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from domain.mail import Mail
from inkwell.app import connect
from inkwell.settings import Settings
from repositories.database import Database
from service.mail import MailService
from service.tokens import LinkTokens
from tests.conftest import SECRET
from tests.fakes.mail import FakeMailer

MAILS = 60
LIFETIMES = {"reset": timedelta(minutes=30)}
# Whether somebody waits for what this transaction has locked.
AWAITED = "SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"


@pytest.fixture
async def other_node(make_settings: Callable[..., Settings]) -> AsyncIterator[Database]:
    database = connect(make_settings())
    yield database
    await database.close()


@pytest.fixture
async def mails(database: Database) -> list[Mail]:
    """What waits in the outbox."""
    mails = [Mail(uuid7(), "password_changed", f"{number}@example.com") for number in range(MAILS)]
    async with database.write() as work:
        for mail in mails:
            await work.outbox.add(mail)
    return mails


class SlowMailer(FakeMailer):
    """Takes its time, so that others come in between."""

    async def send(self, mail: Mail, token: str | None) -> None:
        await asyncio.sleep(0.005)
        await super().send(mail, token)


async def send_all(store: Database, mailer: SlowMailer) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    mail = MailService(store, mailer, LinkTokens([SECRET.encode()]), lifetimes=LIFETIMES, now=now)
    while await mail.send_due():
        pass


async def test_two_nodes_send_every_mail_and_none_of_them_twice(
    database: Database, other_node: Database, mails: list[Mail]
) -> None:
    here, there = SlowMailer(), SlowMailer()
    await asyncio.gather(*(send_all(store, mailer) for store, mailer in [(database, here), (other_node, there)] * 3))
    assert Counter(mail.id for mail, _ in here.sent + there.sent) == Counter(mail.id for mail in mails)
    assert here.sent
    assert there.sent


async def test_a_node_that_takes_mail_out_holds_nobody_up(
    database: Database, other_node: Database, mails: list[Mail]
) -> None:
    now = datetime.now(UTC)
    async with database.write() as work:
        first = await work.outbox.claim(now, 40)  # and the transaction stays open meanwhile
        async with other_node.write() as theirs:
            rest = await asyncio.wait_for(theirs.outbox.claim(now, 40), 10)
    assert {mail.id for mail in first + rest} == {mail.id for mail in mails}
    assert len(first + rest) == MAILS


async def test_mail_to_several_users_locks_them_in_the_order_of_ids_as_everybody_does(
    database: Database, other_node: Database
) -> None:
    """In another order, two would wait for each other in a circle."""
    users = {uuid7(): "zoe@example.com", uuid7(): "ada@example.com"}
    async with database.write() as work:
        for user_id, email in users.items():
            await work.users.add(user_id, email, "a hash")
            await work.outbox.add(Mail(uuid7(), "reset", email))
    first, second = users
    mailer = SlowMailer()
    async with database.write() as work:
        assert await work.users.lock(first)
        sending = asyncio.create_task(send_all(other_node, mailer))
        while not (await work.users._session.execute(text(AWAITED))).one()[0]:
            await work.users._session.execute(text("SELECT pg_sleep(0.01)"))
        assert await work.users.lock(second)
    await sending
    assert {mail.to for mail, _ in mailer.sent} == set(users.values())


async def test_mail_that_is_committed_is_told_of_at_once_and_no_other(database: Database) -> None:
    told: list[int] = []
    database.mail_waits = lambda: told.append(1)

    async def fail() -> None:
        async with database.write() as work:
            await work.outbox.add(Mail(uuid7(), "verify", "ada@example.com"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.write() as work:
        assert await work.outbox.claim(datetime.now(UTC) + timedelta(days=1), 9) == []
    assert told == []
    async with database.write() as work:
        await work.outbox.add(Mail(uuid7(), "verify", "ada@example.com"))
        assert told == []
    assert told == [1]
