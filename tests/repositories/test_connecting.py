"""How connections are opened: which of several hosts is asked, for how long, and what is not said to a pooler."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from inkwell.database_url import parse_database_url
from repositories.connecting import connect
from repositories.database import Limits

HOST = "127.0.0.1"
REFUSAL = b"SFATAL\0C28P01\0Mnot with this password\0\0"


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where the kernel takes connections and nobody ever says a word, as on a machine that froze."""
    with socket.create_server((HOST, 0)) as nobody:
        yield nobody.getsockname()[1]


@pytest.fixture
async def refusing() -> AsyncIterator[int]:
    """A server that lets nobody in."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"E" + (len(REFUSAL) + 4).to_bytes(4) + REFUSAL)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]


async def answer(url: str, port_before: int) -> object:
    """What the database of the URL answers where another host is named before it."""
    database = parse_database_url(url)
    arguments = database.connect_args
    hosts, ports = [HOST, *arguments.pop("host")], [port_before, *arguments.pop("port")]
    named = {"user": database.user, "password": database.password, "database": database.database}
    connection = await connect(host=hosts, port=ports, timeout=10, **named, **arguments)
    try:
        return await connection.fetchval("SELECT 'here'")
    finally:
        await connection.close()


async def test_a_host_where_nobody_listens_is_passed_over(database_url: str) -> None:
    assert await answer(database_url, 1) == "here"


async def test_a_host_that_is_silent_leaves_time_for_the_next(database_url: str, silent: int) -> None:
    assert await answer(database_url, silent) == "here"


async def test_where_all_are_silent_the_time_is_for_all_of_them_together(silent: int) -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        await connect(host=[HOST] * 10, port=[silent] * 10, user="inkwell", timeout=1)
    assert time.monotonic() - begun < 5  # and not 10


async def test_a_server_that_does_not_let_us_in_is_not_passed_over(refusing: int, database_url: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await answer(database_url, refusing)


def test_behind_a_pooler_nothing_is_prepared_and_no_setting_asked_of_the_server() -> None:
    arguments = Limits(behind_pooler=True).connect_args({"server_settings": {"application_name": "ours"}})
    assert arguments["server_settings"] == {"application_name": "ours"}
    assert (arguments["statement_cache_size"], arguments["prepared_statement_cache_size"]) == (0, 0)


def test_without_one_the_server_is_told_our_time_outs_and_statements_are_prepared_once() -> None:
    arguments = Limits(statement_timeout_s=1.5).connect_args({})
    assert arguments["server_settings"]["statement_timeout"] == "1500"
    assert "statement_cache_size" not in arguments
