"""What the table of the audit trail refuses, and that a change and its row come together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from inkwell.app import connect, create_app
from inkwell.database_url import parse_database_url
from inkwell.migrations import connected
from inkwell.settings import Settings
from repositories.database import Database
from service import Services
from tests.support import PASSWORD, Client, trail

NEXT_YEAR = timedelta(days=366)
PID = text("SELECT pg_backend_pid()")
BEFORE = "SELECT set_config('inkwell.audit_purge_before', '{}', {})"


@pytest.fixture
async def other_node(make_settings: Callable[..., Settings]) -> AsyncIterator[Database]:
    database = connect(make_settings())
    yield database
    await database.close()


async def run(url: str, *statements: str) -> list[Any]:
    """The last statement's rows, all of them in one transaction."""
    async with connected(parse_database_url(url)) as connection:
        results = [await connection.execute(text(statement)) for statement in statements]
        return [tuple(row) for row in results[-1]] if results[-1].returns_rows else []


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE audit SET data = '{}'"],
        ["UPDATE audit SET at = at WHERE false"],
        ["DELETE FROM audit"],
        ["TRUNCATE audit"],
        ["INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET ip = NULL"],
        [BEFORE.format("2000-01-01T00:00:00Z", "true"), "DELETE FROM audit"],
        [BEFORE.format("", "true"), "DELETE FROM audit"],
        [BEFORE.format("infinity", "true"), "TRUNCATE audit"],
        [BEFORE.format("infinity", "true"), "UPDATE audit SET ip = NULL"],
    ],
)
async def test_rows_can_be_added_and_nothing_else(
    ada: Client, database: Database, database_url: str, statements: list[str]
) -> None:
    before = await trail(database)
    with pytest.raises(Exception, match="audit is append-only"):
        await run(database_url, *statements)
    assert await trail(database) == before != []


async def test_after_a_purge_the_same_connection_removes_nothing_more(ada: Client, database: Database) -> None:
    async with database.write() as work:
        assert await work.audit.purge(datetime.now(UTC) + NEXT_YEAR, 0) == 0
        before = (await work.audit._session.execute(PID)).one()
    async with database.write() as work:
        assert (await work.audit._session.execute(PID)).one() == before
        with pytest.raises(DBAPIError, match="audit is append-only"):
            await work.audit._session.execute(text("DELETE FROM audit"))


async def test_the_trail_is_kept_for_its_time(ada: Client, services: Services, database: Database) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=364), tick=True):
        assert await services.audit.purge() == 0
    with time_machine.travel(datetime.now(UTC) + NEXT_YEAR, tick=True):
        assert [await services.audit.purge(), await services.audit.purge()] == [2, 0]
    assert await trail(database) == []


async def test_two_nodes_purge_no_row_twice_and_neither_waits(
    ada: Client, services: Services, database: Database, other_node: Database
) -> None:
    later = datetime.now(UTC) + NEXT_YEAR
    async with other_node.write() as work:
        assert await work.audit.purge(later, 1) == 1  # and the transaction stays open meanwhile
        with time_machine.travel(later, tick=True):
            assert await asyncio.wait_for(services.audit.purge(), 10) == 1
    assert await trail(database) == []


async def test_the_server_purges_by_itself(
    make_settings: Callable[..., Settings], ada: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inkwell.app.PURGE_PAUSE_S", 0.01)
    with time_machine.travel(datetime.now(UTC) + NEXT_YEAR, tick=True):
        async with create_app(make_settings(audit_days=30)).test_app():
            for _ in range(200):
                if not await trail(database):
                    break
                await asyncio.sleep(0.02)
    assert await trail(database) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/auth/register", {"email": "new@example.com", "password": PASSWORD}),
        ("POST", "/api/auth/login", {"email": "ada@example.com", "password": PASSWORD}),
        ("POST", "/api/auth/login", {"email": "ada@example.com", "password": "wrong"}),
        ("POST", "/api/auth/logout", {"scope": "all"}),
        ("DELETE", "/api/auth/sessions/{session}", None),
        ("POST", "/api/auth/password", {"current_password": PASSWORD, "new_password": "another fine password"}),
        ("POST", "/api/auth/delete-account", {"password": "wrong"}),
        ("POST", "/api/auth/delete-account", {"password": PASSWORD}),
        ("POST", "/api/users", {"email": "new@example.com", "password": PASSWORD}),
        ("PATCH", "/api/users/{ada}", {"role": "admin", "is_active": False}),
        ("DELETE", "/api/users/{ada}", None),
        ("PATCH", "/api/posts/{post}", {"title": "Tidied"}),
        ("DELETE", "/api/posts/{post}", None),
    ],
)
async def test_a_change_that_cannot_be_written_down_does_not_happen(
    ada: Client, admin: Client, make_admin: Any, database_url: str, method: str, path: str, body: Any
) -> None:
    await make_admin("second@example.com")  # so that the last admin's protection is not what undoes it
    post, sessions = await ada.write(), (await admin.get("/api/auth/sessions")).json["data"]
    path = path.format(ada=ada.id, post=post["id"], session=sessions[0]["id"])
    await run(database_url, "ALTER TABLE audit ADD CONSTRAINT full_up CHECK (false) NOT VALID")
    before = await everything(database_url)
    assert (await admin.send(method, path, json=body)).status == 500
    assert await everything(database_url) == before


async def everything(url: str) -> list[list[str]]:
    return [sorted(map(str, await run(url, f"TABLE {table}"))) for table in ("users", "sessions", "posts")]
