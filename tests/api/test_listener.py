"""The connection on which a worker hears of changes: when it vouches for what is remembered, and what it tells."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from inkwell import listener
from inkwell.app import create_app
from inkwell.database_url import parse_database_url
from inkwell.listener import Listener
from inkwell.settings import Settings
from repositories.database import Database
from service.sign_ins import SignIns
from tests.conftest import Server
from tests.support import Client

Events = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "RETRY_S", 0.01)


Vouches = Callable[[str], Awaitable[bool]]


@pytest.fixture
def vouches(database: Database, monkeypatch: pytest.MonkeyPatch) -> Vouches:
    """Whether somebody who has listened there for a second, beside the test's own database, vouches."""
    monkeypatch.setattr(listener, "PROOF_S", 0.5)

    async def listen(url: str) -> bool:
        sign_ins = SignIns()
        listening = Listener(parse_database_url(url), database, sign_ins, connect_timeout_s=3)
        listening.start()
        await asyncio.sleep(1)
        vouched = sign_ins._is_vouched_for()
        await listening.stop()
        return vouched

    return listen


def with_parameter(url: str, parameter: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{parameter}"


@pytest.mark.parametrize("parameter", ["connect_timeout=5", "application_name=ours", "target_session_attrs=primary"])
async def test_it_listens_wherever_the_url_leads_the_pool(vouches: Vouches, database_url: str, parameter: str) -> None:
    assert await vouches(with_parameter(database_url, parameter))


async def test_it_does_not_vouch_behind_a_pooler(
    vouches: Vouches, database_url: str, monkeypatch: pytest.MonkeyPatch, log_events: Events
) -> None:
    # A pooler answers LISTEN, passes no notices on, and makes the number up by which clients cancel.
    monkeypatch.setattr(asyncpg.Connection, "get_server_pid", lambda _: 1)
    assert not await vouches(database_url)
    assert "DATABASE_LISTEN_URL" in log_events()[0]["cause"]


async def test_why_it_does_not_listen_is_told_once_and_not_at_every_attempt(
    vouches: Vouches, log_events: Events
) -> None:
    assert not await vouches("postgresql://127.0.0.1:1/nowhere")
    assert [event["event"] for event in log_events()] == ["listener_away"]


async def test_a_server_that_does_not_answer_listen_is_left_again(
    vouches: Vouches, database_url: str, monkeypatch: pytest.MonkeyPatch, log_events: Events
) -> None:
    async def silence(connection: "asyncpg.Connection[Any]", *_: object) -> None:
        await connection.execute("SELECT pg_sleep(20)")

    monkeypatch.setattr(asyncpg.Connection, "add_listener", silence)
    assert not await vouches(database_url)
    assert log_events()[0]["cause"] == "TimeoutError()"


async def test_it_does_not_vouch_on_another_database_than_the_pools(
    vouches: Vouches, server: Server, log_events: Events
) -> None:
    assert not await vouches(server.url)
    assert [event["event"] for event in log_events()] == ["listener_away"]
    assert "another database" in log_events()[0]["cause"]


@pytest.mark.parametrize(
    "statement", ["TRUNCATE users CASCADE", "TRUNCATE sessions", "NOTIFY inkwell_sign_ins, 'forget everything'"]
)
async def test_what_may_concern_everybody_makes_it_forget_everything(
    database: Database, database_url: str, server: Server, statement: str
) -> None:
    sign_ins = SignIns()
    listening = Listener(parse_database_url(database_url), database, sign_ins, connect_timeout_s=3)
    listening.start()
    async with asyncio.timeout(30):
        while not sign_ins._is_vouched_for():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    sign_ins._users[uuid7()] = {}
    await server.run(statement, database_url)
    async with asyncio.timeout(30):
        while sign_ins._users:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await listening.stop()


async def test_behind_a_pooler_without_a_way_past_it_nobody_listens(
    make_settings: Callable[..., Settings], database_url: str, log_events: Events
) -> None:
    settings = make_settings(database_url=database_url, pooler="transaction")
    async with create_app(settings).test_app() as running:
        ada = await Client(running.app).join("ada@example.com")  # type: ignore[attr-defined]
        assert (await ada.get("/api/auth/profile")).status == 200
        assert not any(task.get_name() == "listener" for task in asyncio.all_tasks())


async def test_a_cancellation_that_gets_lost_does_not_keep_it(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[bool] = []

    async def deaf_once(_: Listener) -> NoReturn:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if lost:
                raise
            lost.append(True)
        raise ConnectionError

    monkeypatch.setattr(Listener, "_listen", deaf_once)
    listening = Listener(parse_database_url(database_url), database, SignIns(), connect_timeout_s=3)
    listening.start()
    await asyncio.sleep(0)
    await asyncio.wait_for(listening.stop(), 3)
    assert lost
