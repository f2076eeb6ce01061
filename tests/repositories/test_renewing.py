"""The pool is renewed while connections of it are in use: after a fail-over, or when the listener lost its own."""

import asyncio

import pytest
from sqlalchemy import text

from repositories.database import Database, Work


async def backends(work: Work, condition: str) -> list[int]:
    found = await work.users._session.execute(text(f"SELECT pid FROM pg_stat_activity WHERE {condition}"))  # noqa: S608
    return [row[0] for row in found]


@pytest.mark.parametrize("block", ["read", "write"])
async def test_a_connection_that_was_in_use_is_closed_when_it_comes_back(database: Database, block: str) -> None:
    async with getattr(database, block)() as work:
        mine = (await backends(work, "pid = pg_backend_pid()"))[0]
        await database.renew()
        assert await backends(work, f"pid = {mine}") == [mine]
    async with asyncio.timeout(30), database.read() as work:
        while await backends(work, f"pid = {mine}"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
