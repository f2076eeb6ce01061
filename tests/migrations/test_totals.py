"""Totals that triggers keep: right after everything that can happen to a table, and nobody waits for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from inkwell.database_url import parse_database_url

NEW_USERS = """
    INSERT INTO users (id, email, role, password_hash)
    SELECT gen_random_uuid(), gen_random_uuid() || '@example.com', 'user', '-' FROM generate_series(1, $1::int)
"""
NEW_POSTS = """
    INSERT INTO posts (id, author_id, title, content, published, published_at)
    SELECT gen_random_uuid(), users.id, 'A title', 'Some text.', number % 2 = 0, now()
    FROM users, generate_series(1, $1::int) AS number
"""
COUNTED = """
    SELECT 'posts' AS name, count(*) AS rows FROM posts WHERE published HAVING count(*) > 0
    UNION ALL SELECT 'users ' || role || ' ' || is_active::text, count(*) FROM users GROUP BY 1
"""
KEPT = "SELECT name, sum(rows)::bigint AS rows FROM totals GROUP BY name HAVING sum(rows) <> 0"


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Any]:
    """Opens connections, to be closed at the end."""
    opened: list[Any] = []
    url = parse_database_url(database_url)
    arguments = {"user": url.user, "password": url.password, "database": url.database} | url.connect_args

    async def connect() -> Any:
        opened.append(await asyncpg.connect(**arguments))
        return opened[-1]

    yield connect
    for connection in opened:
        await connection.close()


@pytest.fixture
async def connection(connect: Any) -> Any:
    """A connection to a database with 10 users and 40 posts, half of them published."""
    connection = await connect()
    await connection.execute(NEW_USERS, 10)
    await connection.execute(NEW_POSTS, 4)
    return connection


async def assert_kept(connection: Any) -> None:
    counted, kept = await connection.fetch(COUNTED), await connection.fetch(KEPT)
    assert dict(map(tuple, kept)) == dict(map(tuple, counted))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET is_active = false WHERE email < '8'",
        "UPDATE users SET role = 'admin', is_active = NOT is_active",
        "UPDATE users SET first_name = 'Ada'",
        "UPDATE posts SET published = NOT published",
        "DELETE FROM posts WHERE title = 'A title' AND published",
        "DELETE FROM users WHERE email < 'a'",  # its posts go with it
        "DELETE FROM users",
        "TRUNCATE posts",
        "TRUNCATE users CASCADE",
        "MERGE INTO users USING (SELECT 'x') AS x ON email < '8' WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT (id, email, role, password_hash) VALUES (gen_random_uuid(), 'm', 'user', '-')",
    ],
)
async def test_totals_are_what_counting_gives(connection: Any, statement: str) -> None:
    await assert_kept(connection)
    await connection.execute(statement)
    await assert_kept(connection)
    await connection.execute(NEW_USERS, 3)
    await assert_kept(connection)


async def test_what_was_undone_does_not_count(connection: Any) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(NEW_USERS, 5)
    await connection.execute("DELETE FROM posts")
    await assert_kept(connection)
    await transaction.rollback()
    await assert_kept(connection)


async def test_rows_that_are_copied_in_count(connection: Any) -> None:
    rows = [(f"00000000-0000-7000-8000-{number:012}", f"{number}@example.com", "user", "-") for number in range(100)]
    await connection.copy_records_to_table("users", columns=("id", "email", "role", "password_hash"), records=rows)
    await assert_kept(connection)


async def test_writers_in_open_transactions_wait_for_none_of_the_others(connect: Any, connection: Any) -> None:
    writers = [await connect() for _ in range(8)]
    transactions = [writer.transaction() for writer in writers]
    for writer, transaction in zip(writers, transactions, strict=True):
        await transaction.start()
        await writer.execute("SET LOCAL lock_timeout = '2s'")
        await writer.execute(NEW_USERS, 1)
    for transaction in transactions:
        await transaction.commit()
    await assert_kept(connection)


async def test_writers_of_many_rows_in_any_order_neither_miscount_nor_deadlock(connect: Any, connection: Any) -> None:
    ids = [row["id"] for row in await connection.fetch("SELECT id FROM users ORDER BY id")]

    async def write(number: int) -> None:
        writer = await connect()
        for user_id in ids:  # in one order, as those who lock users do
            async with writer.transaction():
                statements = [
                    "UPDATE users SET is_active = NOT is_active WHERE id = $1",
                    "UPDATE posts SET published = NOT published WHERE author_id = $1",
                ]
                await writer.execute(statements[0], user_id)
                await writer.execute(statements[1], user_id)
                await writer.execute(NEW_USERS, number)

    await asyncio.gather(*(write(number) for number in range(8)))
    await assert_kept(connection)
    slots = await connection.fetchval("SELECT max(count) FROM (SELECT count(*) FROM totals GROUP BY name) AS slots")
    assert slots <= 9
