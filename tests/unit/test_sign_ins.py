"""Who is behind an access token, remembered as long as somebody vouches that changes are heard of."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from domain.auth import SignIn
from service import sign_ins
from service.sign_ins import SignIns
from tests.factories import add_user
from tests.fakes.store import MemoryStore

EXPIRES = datetime(2100, 1, 1, tzinfo=UTC)


class Database:
    """Answers with one sign-in, and counts how often it is asked."""

    def __init__(self, sign_in: SignIn | None) -> None:
        self.sign_in, self.asked, self.may_answer = sign_in, 0, asyncio.Event()
        self.may_answer.set()

    async def look_up(self, _user_id: UUID, _session_id: UUID) -> SignIn | None:
        self.asked, seen = self.asked + 1, self.sign_in
        await self.may_answer.wait()
        return seen


class Asking:
    """One session's requests to a memory whose clock stands where it is put."""

    def __init__(self, sign_in: SignIn) -> None:
        self.time, self.database = 0.0, Database(sign_in)
        self.user_id, self.session_id = sign_in.account.id, uuid7()
        self.memory = SignIns(lambda: self.time)
        self.memory.vouch(until=1000)

    async def __call__(self, session_id: UUID | None = None) -> SignIn | None:
        return await self.memory.find(self.user_id, session_id or self.session_id, self.database.look_up)


@pytest.fixture
async def ask() -> Asking:
    return Asking(SignIn(await add_user(MemoryStore()), EXPIRES))


async def test_what_was_looked_up_once_is_remembered(ask: Asking) -> None:
    assert await ask() == await ask() == ask.database.sign_in
    assert ask.database.asked == 1


async def test_each_session_is_remembered_by_itself(ask: Asking) -> None:
    await ask()
    await ask(uuid7())
    assert ask.database.asked == 2


async def test_a_changed_user_is_looked_up_again_with_all_sessions(ask: Asking) -> None:
    other = uuid7()
    await ask()
    await ask(other)
    ask.memory.forget(ask.user_id)
    await ask()
    await ask(other)
    assert ask.database.asked == 4


@pytest.mark.parametrize("refusal", ["no such user", "session ended"])
async def test_refusals_are_not_remembered(ask: Asking, refusal: str) -> None:
    found = ask.database.sign_in
    ask.database.sign_in = replace(found, session_expires_at=None) if found and refusal == "session ended" else None
    await ask()
    await ask()
    assert ask.database.asked == 2


async def test_nothing_is_remembered_before_somebody_vouches(ask: Asking) -> None:
    memory = SignIns()
    for _ in range(2):
        await memory.find(ask.user_id, ask.session_id, ask.database.look_up)
    assert ask.database.asked == 2


async def test_nothing_is_believed_once_the_voucher_has_run_out_nor_when_there_is_a_new_one(ask: Asking) -> None:
    await ask()
    ask.time = 1000
    await ask()
    ask.memory.vouch(until=2000)
    await ask()
    assert ask.database.asked == 3
    await ask()
    assert ask.database.asked == 3


async def test_a_voucher_that_is_renewed_in_time_keeps_what_is_remembered(ask: Asking) -> None:
    await ask()
    ask.memory.vouch(until=2000)
    ask.time = 50
    await ask()
    assert ask.database.asked == 1


async def test_nothing_is_remembered_for_longer_than_a_minute(ask: Asking) -> None:
    await ask()
    ask.time = sign_ins.LONGEST_S
    await ask()
    assert ask.database.asked == 2


@pytest.mark.parametrize("news", ["forget", "distrust", "a gap"])
async def test_what_was_read_before_news_came_is_used_once_and_not_remembered(ask: Asking, news: str) -> None:
    ask.database.may_answer.clear()
    asking = asyncio.ensure_future(ask())
    await asyncio.sleep(0)
    if news == "forget":
        ask.memory.forget(ask.user_id)
    elif news == "distrust":
        ask.memory.distrust()
        ask.memory.vouch(until=1000)
    else:
        ask.time = 1000
        ask.memory.vouch(until=2000)
    ask.database.may_answer.set()
    await asking
    await ask()
    assert ask.database.asked == 2


async def test_no_more_sign_ins_are_remembered_than_the_most(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ins, "MOST", 6)
    store = MemoryStore()
    for number in range(4):
        one = Asking(SignIn(await add_user(store, f"{number}@example.com"), EXPIRES))
        for _ in range(3):
            await ask.memory.find(one.user_id, uuid7(), one.database.look_up)
        assert sum(map(len, ask.memory._users.values())) == ask.memory._count <= 6
    assert one.user_id in ask.memory._users
    ask.memory.forget(one.user_id)
    assert ask.memory._count == 3
