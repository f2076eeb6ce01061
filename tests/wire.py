"""What goes over the wire to PostgreSQL: a relay on loopback that takes down every round trip and what it asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from inkwell.database_url import DatabaseUrl, parse_database_url

# The messages that matter (PostgreSQL's manual, 55.7). After the last three the client waits for answers.
PARSE, BIND, QUERY, SYNC, FLUSH = b"PBQSH"


class Wire:
    """`trips` are the SQL texts of each round trip since it was last cleared, several of one trip joined."""

    def __init__(self) -> None:
        self.trips: list[str] = []

    def reader(self) -> "_Reader":
        return _Reader(self.trips)


class _Reader:
    """Reads what a client says on one connection, in whatever pieces it comes."""

    def __init__(self, trips: list[str]) -> None:
        self._trips, self._left = trips, b""
        self._known: dict[bytes, str] = {}  # the SQL of prepared statements, by their names
        self._asked: list[str] = []
        self._introduced = False  # the first message has no kind

    def feed(self, data: bytes) -> None:
        self._left += data
        while (message := self._next()) is not None:
            self._read(*message)

    def _next(self) -> tuple[int, bytes] | None:
        head = 1 if self._introduced else 0
        end = head + int.from_bytes(self._left[head : head + 4])
        if len(self._left) < max(end, head + 4):
            return None
        kind, body, self._left = (self._left[0] if head else 0), self._left[head + 4 : end], self._left[end:]
        self._introduced = True
        return kind, body

    def _read(self, kind: int, body: bytes) -> None:
        parts = body.split(b"\0", 2)
        if kind == PARSE:
            self._known[parts[0]] = _line(parts[1])
            self._asked.append(f"prepare {self._known[parts[0]]}")
        elif kind == BIND:
            self._asked.append(self._known[parts[1]])
        elif kind == QUERY:
            self._trips.append(_line(parts[0]))
        elif kind in (SYNC, FLUSH):
            self._trips.append(" + ".join(self._asked))
            self._asked.clear()


@asynccontextmanager
async def relayed(database_url: str, wire: Wire) -> AsyncIterator[str]:
    """The URL of the same database, by way of the relay."""
    target = parse_database_url(database_url)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await _connect(target)
        await asyncio.gather(_pass_on(reader, to_server, wire.reader()), _pass_on(from_server, writer))

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        login = f"{quote(target.user or '', safe='')}:{quote(target.password or '', safe='')}"
        yield f"postgresql://{login}@127.0.0.1:{port}/{target.database}?sslmode=disable"


async def _connect(target: DatabaseUrl) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = target.hosts[0], target.ports[0]
    if host.startswith("/"):
        return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
    return await asyncio.open_connection(host, port)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: _Reader | None = None) -> None:
    while data := await reader.read(65536):
        if seen:
            seen.feed(data)
        writer.write(data)
        await writer.drain()
    writer.close()


def _line(sql: bytes) -> str:
    return " ".join(sql.decode().split())
