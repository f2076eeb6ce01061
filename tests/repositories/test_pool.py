"""Whose turn it is when there are more who want a connection than there are connections."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
from sqlalchemy import text

from domain.errors import Unavailable
from inkwell.app import connect
from inkwell.settings import Settings
from repositories.database import Database
from repositories.reading import Look
from tests.conftest import Server

ONE = text("SELECT 1")
STILL_S = 20


@pytest.fixture
async def narrow(make_settings: Callable[..., Settings]) -> AsyncIterator[Database]:
    """A database with two connections."""
    database = connect(make_settings(database_pool_size=2, database_pool_timeout_seconds=0.2))
    yield database
    await database.close()


async def look(database: Database) -> None:
    async with database.read() as work:
        await work._session.execute(ONE)


async def change(database: Database) -> None:
    async with database.write() as work:
        await work._session.execute(ONE)


async def test_nobody_is_overtaken_by_those_who_ask_again_at_once(narrow: Database) -> None:
    served: list[int] = []

    async def greedy(number: int) -> None:
        for _ in range(20):
            await (look if number % 2 else change)(narrow)
            served.append(number)

    await asyncio.gather(*(greedy(number) for number in range(10)))
    in_turn = [len(set(served[begin : begin + 20])) for begin in range(20, 160, 20)]
    assert min(in_turn) >= 9  # of ten callers, whichever twenty answers one looks at


async def test_looks_and_changes_share_the_connections(narrow: Database) -> None:
    await asyncio.gather(*(work(narrow) for work in (look, change) * 20))
    assert (narrow.pool.in_use, narrow.pool.open) == (0, 2)


@pytest.mark.parametrize("before", [look, change])
@pytest.mark.parametrize("renewed", [False, True])
async def test_changes_do_not_notice_connections_that_were_cut_while_nobody_used_them(
    narrow: Database, server: Server, database_url: str, before: Callable[[Database], Awaitable[None]], renewed: bool
) -> None:
    if renewed:
        await narrow.renew()
    await asyncio.gather(before(narrow), before(narrow))
    await server.cut_off(database_url)
    await asyncio.sleep(0.05)
    await asyncio.gather(*(change(narrow) for _ in range(4)))
    assert (narrow.pool.in_use, narrow.pool.open) == (0, 2)


async def test_a_probe_does_not_notice_that_its_connection_was_cut(
    narrow: Database, server: Server, database_url: str
) -> None:
    known = await narrow.schema_version()
    await server.cut_off(database_url)
    await asyncio.sleep(0.05)
    assert await narrow.schema_version() == known


async def test_those_who_gave_up_waiting_lose_no_connection(narrow: Database) -> None:
    async def impatient(seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(look(narrow), seconds)

    for step in range(20):
        await asyncio.gather(*(impatient(0.0002 * step) for _ in range(20)))
    assert narrow.pool.in_use == 0
    await asyncio.gather(look(narrow), change(narrow))
    assert narrow.pool.open == 2


async def test_whoever_waits_for_too_long_is_refused(narrow: Database) -> None:
    held = [Look(narrow._connections) for _ in range(2)]
    await asyncio.gather(*(one.execute(ONE) for one in held))
    for work in (look, change):
        with pytest.raises(Unavailable):
            await work(narrow)
    for one in held:
        await one.aclose()
    await asyncio.gather(look(narrow), change(narrow))


async def test_work_that_is_given_up_between_two_statements_keeps_no_place(
    make_settings: Callable[..., Settings],
) -> None:
    database, loop = connect(make_settings(database_work_timeout_seconds=0.3)), asyncio.get_running_loop()
    began, stopped = loop.time(), list[int]()
    with pytest.raises(Unavailable):
        await stand_still(database, stopped)
    waited_s = loop.time() - began
    os.kill(stopped[0], signal.SIGCONT)
    assert (waited_s < STILL_S / 2, database.pool.in_use) == (True, 0)
    await change(database)
    await database.close()


async def stand_still(database: Database, stopped: list[int]) -> None:
    """A change whose server hears nothing, not even ROLLBACK, for STILL_S at most."""
    async with database.write() as work:
        stopped += (await work._session.execute(text("SELECT pg_backend_pid()"))).scalars()
        os.kill(stopped[0], signal.SIGSTOP)
        asyncio.get_running_loop().call_later(STILL_S, os.kill, stopped[0], signal.SIGCONT)
        await asyncio.sleep(STILL_S)  # as for a password to be hashed


async def test_connections_that_are_in_use_at_a_renewal_are_closed_afterwards(narrow: Database) -> None:
    backend = text("SELECT pg_backend_pid()")
    held = Look(narrow._connections)
    before = (await held.execute(backend)).one()[0]
    await look(narrow)
    await narrow.renew()
    await held.aclose()
    fresh = Look(narrow._connections)
    assert (await fresh.execute(backend)).one()[0] != before
    await fresh.aclose()
    assert (narrow.pool.in_use, narrow.pool.open) == (0, 1)


async def test_a_connection_that_was_being_opened_at_a_renewal_is_not_kept(narrow: Database) -> None:
    await asyncio.gather(look(narrow), narrow.renew(), look(narrow), narrow.renew())
    current = narrow._engine.pool
    assert all(one.pooled._pool is current for one in narrow._connections._idle)
    await narrow.close()
    assert (narrow.pool.in_use, narrow.pool.open) == (0, 0)


async def test_two_renewals_at_once_leave_no_pool_behind(narrow: Database) -> None:
    await asyncio.gather(look(narrow), look(narrow))
    await asyncio.gather(narrow.renew(), narrow.renew(), look(narrow), narrow.renew(), change(narrow))
    await asyncio.gather(look(narrow), change(narrow))
    assert narrow.pool.open <= 2
