"""Which index serves which statement, on enough rows for PostgreSQL to want one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Select, text

from inkwell.database_url import parse_database_url
from inkwell.demo import Demo, load
from inkwell.migrations import connected
from inkwell.settings import load_settings
from repositories import posts, users
from tests.conftest import SECRET, Server

PAGE = {"limit": 20, "offset": 0}


@pytest.fixture(scope="module")
async def full_database(server: Server, template: str) -> AsyncIterator[str]:
    """The URL of a database with 20,000 users and 9,000 posts."""
    url = await server.create(template)
    cheap = {"hash_memory_kib": 8, "hash_passes": 1}
    settings = load_settings(env="testing", database_url=url, jwt_secret_key=SECRET, **cheap)
    await load(settings, Demo(users=20_000, posts=9000, seed=1), lambda _: None)
    yield url
    await server.drop(url)


async def plan(url: str, statement: Select[Any], **values: object) -> str:
    """What PostgreSQL would do for the repository's own statement."""
    async with connected(parse_database_url(url)) as connection:
        sql = statement.compile(dialect=connection.dialect)
        given = tuple(sql.construct_params(values)[name] for name in sql.positiontup or ())
        found = await connection.exec_driver_sql(f"EXPLAIN {sql}", given)
        return "\n".join(row[0] for row in found)


async def keenest_author(url: str) -> Any:
    async with connected(parse_database_url(url)) as connection:
        return await connection.scalar(
            text("SELECT author_id FROM posts GROUP BY author_id ORDER BY count(*) DESC LIMIT 1")
        )


async def test_the_newest_posts_come_from_their_index(full_database: str) -> None:
    found = await plan(full_database, posts._published_page(False), **PAGE)
    assert "Index Scan Backward using ix_posts_published_at_id on posts" in found


async def test_an_authors_posts_come_from_the_authors_index(full_database: str) -> None:
    author_id = await keenest_author(full_database)
    found = await plan(full_database, posts._published_page(True), **PAGE, author_id=author_id)
    assert "Index Scan Backward using ix_posts_author_id_published_at_id on posts" in found


async def test_ones_own_posts_come_from_the_authors_index(full_database: str) -> None:
    author_id = await keenest_author(full_database)
    found = await plan(full_database, posts._own_page(None), **PAGE, author_id=author_id)
    assert "Index Scan Backward using ix_posts_author_id_created_at_id on posts" in found


async def test_the_directory_comes_from_its_index(full_database: str) -> None:
    found = await plan(full_database, users._page(False, False, True), **PAGE)
    assert "Index Scan using ix_users_created_at_id on users" in found


@pytest.mark.parametrize("by_address", [True, False])
async def test_a_search_for_few_in_the_directory_uses_the_trigrams(full_database: str, by_address: bool) -> None:
    found = await plan(full_database, users._page(True, False, by_address), **PAGE, q="1-19999@")
    assert "Bitmap Index Scan on ix_users_search" in found
    assert "Seq Scan" not in found
