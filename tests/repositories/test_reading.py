"""Looks at the database: what they give back, what they send, and what becomes of a connection that fails."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from asyncpg import DataError, PostgresError, QueryCanceledError
from sqlalchemy import REAL, Integer, Numeric, Text, bindparam, func, literal, select, text, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from repositories.database import Database
from repositories.pool import Connections
from repositories.reading import PATIENCE, GivenUp, Look, OneChange
from tests.conftest import Server

BACKEND = text("SELECT pg_backend_pid()")


@pytest.fixture
def connections(database: Database) -> Connections:
    return database._connections


@pytest.fixture
async def look(connections: Connections) -> AsyncIterator[Look]:
    look = Look(connections)
    yield look
    await look.aclose()


async def backend(connections: Connections) -> int:
    """The server process at the other end of the pool's connection."""
    look = Look(connections)
    pid: int = (await look.execute(BACKEND)).one()[0]
    await look.aclose()
    return pid


async def test_constants_and_parameters_arrive_in_their_places(look: Look) -> None:
    statement = select(literal("constant"), bindparam("second", type_=Text), bindparam("first", type_=Integer))
    assert tuple((await look.execute(statement, {"first": 1, "second": "two"})).one()) == ("constant", "two", 1)


async def test_values_are_translated_where_their_type_needs_it(look: Look) -> None:
    statement = select(bindparam("given", type_=JSONB), type_coerce(func.to_jsonb(text("'é'::text")), JSONB))
    given = {"list": [1, None], "word": "é"}
    assert list((await look.execute(statement, {"given": given})).one()) == [given, "é"]


async def test_numbers_are_what_they_are_in_the_database(look: Look) -> None:
    statement = select(bindparam("real", type_=REAL), bindparam("exact", type_=Numeric))
    row = (await look.execute(statement, {"real": 0.1, "exact": Decimal("0.10")})).one()
    assert [repr(value) for value in row] == ["0.1", "Decimal('0.10')"]


async def test_a_parameter_that_was_forgotten_is_not_taken_for_null(look: Look) -> None:
    with pytest.raises(KeyError):
        await look.execute(select(bindparam("forgotten", type_=Text)))


async def test_one_row_is_one_row(look: Look) -> None:
    two = await look.execute(text("VALUES (1), (2)"))
    none = await look.execute(text("SELECT 1 WHERE false"))
    assert (list(two.scalars()), len(two.all()), none.one_or_none()) == ([1, 2], 2, None)
    with pytest.raises(MultipleResultsFound):
        two.one()
    with pytest.raises(NoResultFound):
        none.one()


async def test_nothing_is_begun_and_nothing_left_open(look: Look, connections: Connections) -> None:
    states = text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
    first, second = (await look.execute(text("SELECT txid_current()"))).one(), await look.execute(states)
    assert (await look.execute(text("SELECT txid_current()"))).one() != first
    assert second.one()[0] == 0


async def test_a_look_that_never_looked_takes_no_connection(connections: Connections) -> None:
    await Look(connections).aclose()
    assert connections.in_use == 0


async def test_a_statement_that_was_refused_leaves_the_connection_in_use(look: Look, connections: Connections) -> None:
    before = (await look.execute(BACKEND)).one()[0]
    with pytest.raises(PostgresError):
        await look.execute(text("SELECT 1 / 0"))
    await look.aclose()
    assert await backend(connections) == before


async def test_a_connection_on_which_an_answer_is_still_to_come_is_not_used_again(connections: Connections) -> None:
    look = Look(connections)
    before = (await look.execute(BACKEND)).one()[0]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(look.execute(text("SELECT pg_sleep(20)")), 0.05)
    await look.aclose()
    assert await backend(connections) != before
    assert connections.in_use == 0


async def test_a_look_is_given_up_for_its_patience_and_the_next_one_is_as_any_other(look: Look) -> None:
    before = (await look.execute(BACKEND)).one()[0]
    slow = text("SELECT pg_sleep(20)").execution_options(**{PATIENCE: 0.05})
    with pytest.raises(GivenUp):
        await look.execute(slow)
    assert (await look.execute(BACKEND)).one()[0] == before


async def test_a_statement_that_the_server_ended_leaves_the_connection_as_it_is(look: Look) -> None:
    before = (await look.execute(BACKEND)).one()[0]
    await look.execute(text("SET statement_timeout = 20"))
    with pytest.raises(QueryCanceledError):
        await look.execute(text("SELECT pg_sleep(20)"))
    assert (await look.execute(BACKEND)).one()[0] == before
    await look.execute(text("RESET statement_timeout"))


async def test_a_connection_that_was_cut_is_replaced(connections: Connections) -> None:
    before = await backend(connections)
    look = Look(connections)
    with pytest.raises(PostgresError):
        await look.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    await look.aclose()
    assert await backend(connections) != before


async def test_connections_that_were_cut_while_they_lay_in_the_pool_are_replaced_unnoticed(
    connections: Connections, server: Server, database_url: str
) -> None:
    looks = [Look(connections) for _ in range(3)]
    before = {rows.one()[0] for rows in await asyncio.gather(*(look.execute(BACKEND) for look in looks))}
    for look in looks:
        await look.aclose()
    await server.cut_off(database_url)
    await asyncio.sleep(0.05)
    assert before.isdisjoint({await backend(connections) for _ in looks})
    assert connections.in_use == 0


async def test_what_changes_without_a_transaction_takes_one_statement(connections: Connections) -> None:
    change = OneChange(connections)
    await change.execute(BACKEND)
    with pytest.raises(RuntimeError, match="transaction"):
        await change.execute(BACKEND)
    await change.aclose()


async def test_a_statement_is_prepared_anew_when_the_schema_has_changed(look: Look) -> None:
    await look.execute(text("CREATE TEMPORARY TABLE things (number int)"))
    await look.execute(text("INSERT INTO things VALUES (7)"))
    all_things = text("SELECT * FROM things")
    found = [(await look.execute(all_things)).one()[0] for _ in range(2)]
    await look.execute(text("ALTER TABLE things ALTER number TYPE text"))
    assert [*found, (await look.execute(all_things)).one()[0]] == [7, 7, "7"]
    await look.execute(text("DROP TABLE things"))


async def test_a_value_of_another_type_is_refused_whether_or_not_the_statement_is_prepared(look: Look) -> None:
    for _ in range(2):
        with pytest.raises(DataError):
            await look.execute(select(bindparam("number", type_=Integer)), {"number": "seven"})
