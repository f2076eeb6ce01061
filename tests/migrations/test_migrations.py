"""The schema's way up and down, on a database with people in it."""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from inkwell.database_url import DatabaseUrl, parse_database_url
from inkwell.migrations import configuration, connected, migrate
from repositories.database import Database
from repositories.tables import REVISION
from tests.support import Client


async def on(database: DatabaseUrl, work: Callable[[Connection], Any]) -> Any:
    async with connected(database) as connection:
        return await connection.run_sync(work)


async def rows(database: DatabaseUrl, statement: str) -> list[Any]:
    async with connected(database) as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


async def inkwell(*arguments: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "inkwell",
        *arguments,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def test_the_code_names_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == REVISION


async def test_tables_and_migrations_agree(database_url: str) -> None:
    await on(parse_database_url(database_url), lambda connection: command.check(configuration(connection)))


async def test_four_migrations_at_once_all_succeed(empty_database: str, database: Database) -> None:
    results = await asyncio.gather(*(inkwell("migrate", DATABASE_URL=empty_database) for _ in range(4)))
    assert [code for code, _ in results] == [0] * 4, results
    assert await rows(parse_database_url(empty_database), "SELECT version_num FROM alembic_version") == [(REVISION,)]


async def test_up_down_and_up_again_with_people_in_it(database_url: str, ada: Client) -> None:
    await ada.post("/api/posts", {"title": "t", "content": "c"}, headers={"Idempotency-Key": "k"})
    await ada.post("/api/auth/forgot", {"email": "ada@example.com"})
    database = parse_database_url(database_url)
    await on(database, lambda connection: command.downgrade(configuration(connection), "base"))
    left = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    assert await rows(database, left) == []
    assert await rows(database, "SELECT proname FROM pg_proc WHERE proname LIKE 'inkwell%'") == []
    await migrate(database)
    assert await rows(database, "SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET email = 'Ada@example.com'",
        "UPDATE users SET role = 'king'",
        "INSERT INTO users (id, email, role, password_hash) SELECT gen_random_uuid(), email, role, '' FROM users",
        "INSERT INTO posts (id, title, content, author_id) VALUES (gen_random_uuid(), 't', 'c', gen_random_uuid())",
        "UPDATE posts SET published_at = NULL",
        "UPDATE links SET purpose = 'fun'",
        "INSERT INTO links (id, user_id, purpose, email) SELECT gen_random_uuid(), user_id, purpose, email FROM links",
    ],
)
async def test_the_schema_refuses_what_the_code_relies_on(database_url: str, ada: Client, statement: str) -> None:
    await ada.write()
    with pytest.raises(Exception, match="violates"):
        await rows(parse_database_url(database_url), statement)


async def test_functions_of_migration_0014_give_what_those_before_gave(database_url: str) -> None:
    database = parse_database_url(database_url)
    given = r"""SELECT inkwell_fold('Zoé ΣΊΣΥΦΟΣ'), inkwell_pattern('a_b%\É' || chr(31)), inkwell_fold(NULL),
        inkwell_document('Über Tee', 'Of tea and engines')::text, inkwell_document('t', NULL)"""
    after = await rows(database, given)
    await on(database, lambda connection: command.downgrade(configuration(connection), "0013"))
    assert await rows(database, given) == after
    await migrate(database)
    assert await rows(database, given) == after
