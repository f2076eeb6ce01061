"""Who is asking is remembered, and forgotten everywhere in under a second when it changes."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import pytest
from quart import Quart
from sqlalchemy import text

from inkwell.app import create_app
from inkwell.listener import VOUCHED_S
from inkwell.settings import Settings
from repositories.database import Database
from service.users import NewPassword
from tests.conftest import Server
from tests.support import PASSWORD, Client

PROFILE = "/api/auth/profile"
SOON_S = 1.0
LISTENERS = "FROM pg_stat_activity WHERE application_name = 'inkwell listener' AND datname = current_database()"


@pytest.fixture
async def other_node(settings: Settings) -> AsyncIterator[Quart]:
    async with create_app(settings).test_app() as running:
        yield running.app  # type: ignore[attr-defined]


async def ask(database: Database, statement: str) -> list[int]:
    async with database.read() as work:
        return [row[0] for row in await work.users._session.execute(text(statement))]


async def remembered(client: Client) -> None:
    """Waits until the worker knows the client without asking the database."""
    sign_ins = client.app.extensions["inkwell"].auth._sign_ins
    async with asyncio.timeout(30):
        while client.id not in map(str, sign_ins._users):
            assert (await client.get(PROFILE)).status == 200
            await asyncio.sleep(0.01)


async def refused_after_s(client: Client) -> float:
    """How long the client is still served."""
    began = time.monotonic()
    async with asyncio.timeout(30):
        while (await client.get(PROFILE)).status == 200:
            pass
    return time.monotonic() - began


async def end_sessions(node: Quart, email: str) -> None:
    await node.extensions["inkwell"].users.set_password(NewPassword(email=email, password=PASSWORD + "!"))


async def test_somebody_who_is_remembered_costs_no_statement(ada: Client, database: Database) -> None:
    await remembered(ada)
    async with database.write() as work:  # nobody else can look at users meanwhile
        await work.users._session.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        assert (await asyncio.wait_for(ada.get(PROFILE), 10)).status == 200


async def test_ones_own_change_is_seen_at_once(ada: Client) -> None:
    await remembered(ada)
    for name in ("Augusta", "Byron", "King"):
        await ada.patch(f"/api/users/{ada.id}", {"first_name": name})
        assert (await ada.get(PROFILE)).json["user"]["first_name"] == name


async def test_a_session_that_was_ended_here_is_refused_at_once(ada: Client) -> None:
    await remembered(ada)
    assert (await ada.post("/api/auth/logout", {})).status == 204
    assert (await ada.get(PROFILE)).json["code"] == "session_ended"


async def test_a_change_on_another_node_is_heard_of(ada: Client, other_node: Quart) -> None:
    await remembered(ada)
    await end_sessions(other_node, "ada@example.com")
    assert await refused_after_s(ada) < SOON_S


async def test_a_change_while_the_listener_is_cut_off_counts(
    ada: Client, other_node: Quart, database: Database
) -> None:
    await remembered(ada)
    await ask(database, f"SELECT pg_terminate_backend(pid)::int {LISTENERS}")
    await end_sessions(other_node, "ada@example.com")
    assert await refused_after_s(ada) < SOON_S


def test_nobody_is_believed_for_a_second_without_a_word_from_the_database() -> None:
    assert VOUCHED_S < 1


async def test_a_change_while_the_listener_is_deaf_without_knowing_counts(
    ada: Client, other_node: Quart, database: Database
) -> None:
    await remembered(ada)
    with frozen(await ask(database, f"SELECT pid {LISTENERS}")):
        await end_sessions(other_node, "ada@example.com")
        assert await refused_after_s(ada) < SOON_S


async def test_people_are_served_without_the_listener_and_remembered_when_it_is_back(
    ada: Client, database: Database
) -> None:
    await remembered(ada)
    await ask(database, f"SELECT pg_terminate_backend(pid)::int {LISTENERS}")
    assert (await ada.get(PROFILE)).status == 200
    await asyncio.sleep(0.05)
    await remembered(ada)


async def test_after_every_connection_was_cut_nothing_is_believed(
    ada: Client, server: Server, database_url: str, other_node: Quart
) -> None:
    await remembered(ada)
    await server.cut_off(database_url)
    await asyncio.sleep(0.05)  # the pools have noticed as well, or the next request is a 503
    with suppress(Exception):
        await end_sessions(other_node, "ada@example.com")
    await end_sessions(other_node, "ada@example.com")
    assert await refused_after_s(ada) < SOON_S


async def test_many_changes_and_requests_at_once_never_leave_an_old_one_remembered(
    ada: Client, other_node: Quart
) -> None:
    there = Client(other_node, ada.token, ada.me)
    for number in range(40):
        await asyncio.gather(
            there.patch(f"/api/users/{ada.id}", {"first_name": f"Ada {number}"}),
            *(ada.get(PROFILE) for _ in range(5)),
        )
    await asyncio.sleep(SOON_S)
    assert (await ada.get(PROFILE)).json["user"]["first_name"] == "Ada 39"


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """The processes stand still, as behind a network that swallows everything."""
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
