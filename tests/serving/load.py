"""Clients that keep their connections alive, and count what they were promised and did not get."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext

Outcomes = Counter[str]
REQUEST = b"GET /pid HTTP/1.1\r\nHost: toy\r\n\r\n"


async def until_answered(outcomes: Outcomes, count: int = 100) -> None:
    """Until the load is there: so many have been answered."""
    async with asyncio.timeout(120):
        while outcomes["answered"] < count:  # noqa: ASYNC110  no event comes
            await asyncio.sleep(0.01)


@asynccontextmanager
async def hammering(
    port: int, clients: int = 32, tls: SSLContext | None = None, request: bytes = REQUEST
) -> AsyncIterator[Outcomes]:
    """Requests as fast as they are answered, until the block ends or nobody listens any more.

    Counts `answered` (with 200, and other statuses by themselves), `dropped` (a connection that was made and then gave
    no whole answer) and `refused`.
    """
    outcomes: Outcomes = Counter()
    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(_hammer(port, tls, request, outcomes, over))
        try:
            yield outcomes
        finally:
            over.set()


async def _hammer(port: int, tls: SSLContext | None, request: bytes, outcomes: Outcomes, over: asyncio.Event) -> None:
    while not over.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        except OSError:
            outcomes["refused"] += 1
            return
        try:
            await _converse(reader, writer, request, outcomes, over)
        finally:
            writer.close()


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: bytes,
    outcomes: Outcomes,
    over: asyncio.Event,
) -> None:
    while not over.is_set():
        try:
            writer.write(request)
            status, closes = await read_answer(reader)
        except (OSError, asyncio.IncompleteReadError):
            outcomes["dropped"] += 1
            return
        outcomes["answered" if status == 200 else str(status)] += 1
        if closes:
            return


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status, and whether the server said that it closes the connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split(" ", 2)[1]), "connection: close" in head
