"""Rows whose time is over, removed by any number of workers at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from inkwell.app import connect
from inkwell.database_url import parse_database_url
from inkwell.settings import Settings
from repositories.database import Database
from service import Services
from tests.support import Client

pytestmark = pytest.mark.usefixtures("api")


@pytest.fixture
async def other_node(make_settings: Callable[..., Settings]) -> AsyncIterator[Database]:
    database = connect(make_settings())
    yield database
    await database.close()


async def test_expired_sessions_are_removed_and_others_stay(ada: Client, services: Services) -> None:
    await ada.sign_in("ada@example.com")
    with time_machine.travel(datetime.now() + timedelta(days=6), tick=True):
        assert await services.sessions.purge() == 0
    with time_machine.travel(datetime.now() + timedelta(days=8), tick=True):
        assert await services.sessions.purge() > 0
        assert await services.sessions.purge() == 0


async def test_no_row_is_removed_twice_and_nobody_waits(
    ada: Client, services: Services, other_node: Database, database_url: str
) -> None:
    for _ in range(5):
        await ada.sign_in("ada@example.com")
    later = datetime.now().astimezone() + timedelta(days=30)
    async with other_node.write() as work:
        assert await work.sessions.purge(later, 2) == 2  # and the transaction stays open meanwhile
        with time_machine.travel(later, tick=True):
            rest = await asyncio.wait_for(services.sessions.purge(), 10)
    assert rest + 2 == 6 - await _left(database_url)


async def _left(url: str) -> int:
    parsed = parse_database_url(url)
    engine = create_async_engine(parsed.sqlalchemy_url, connect_args=parsed.connect_args)
    async with engine.connect() as connection:
        left: int = (await connection.execute(text("SELECT count(*) FROM sessions"))).scalar_one()
    await engine.dispose()
    return left
