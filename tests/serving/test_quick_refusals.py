"""Refusals in front of the HTTP parser, of either server, around the real application."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from quart import Quart

from inkwell.app import create_app
from inkwell.lean import LeanQuart
from inkwell.quick_refusals import simple_path
from inkwell.servers import find_server
from inkwell.settings import Settings

GET = b"GET /api/posts HTTP/1.1\r\nHost: a\r\n\r\n"
USUAL = GET.replace(b"\r\n\r\n", b"\r\nX-Request-ID: mine\r\n\r\n")  # what names itself is not refused quickly
SLOW = GET.replace(b"/api/posts", b"/slow")
KEEP_ALIVE_S = 2.0
PATIENCE_S = 30  # guards against hanging


@dataclass
class Caller:
    """One connection."""

    reader: StreamReader
    writer: StreamWriter

    async def ask(self, *pieces: bytes) -> "Heard":
        for number, piece in enumerate(pieces):
            await asyncio.sleep(0.05 if number else 0)
            self.writer.write(piece)
        return await self.hear()

    async def hear(self) -> "Heard":
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.strip().split("\r\n")
            headers = dict(each.split(": ", 1) for each in lines)
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Heard(int(line.split()[1]), headers, body, len(lines))

    async def is_left_alone_after(self) -> float:
        """Seconds until the server closes the connection."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(PATIENCE_S):
            assert await self.reader.read() == b""
        return loop.time() - began


@dataclass
class Heard:
    status: int
    headers: dict[str, str]
    body: bytes
    lines: int

    @property
    def same(self) -> tuple[Any, ...]:
        """All but what differs from one answer to the next, and the headers' order."""
        id_ = self.headers["x-request-id"].encode()
        assert self.body.count(id_) == 1
        changing = {"x-request-id": "", "date": "", "content-length": str(len(self.body) - len(id_))}
        return self.status, self.lines, sorted((self.headers | changing).items()), self.body.replace(id_, b"")


@dataclass
class Serving:
    """A server with one place."""

    app: LeanQuart
    port: int
    free: asyncio.Event = field(default_factory=asyncio.Event)
    log: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[Caller]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Caller(reader, writer)
        finally:
            writer.close()

    @asynccontextmanager
    async def full(self, *, known: bool = True) -> AsyncIterator[None]:
        """The place is taken by a slow request, and one was refused the usual way."""
        async with self.caller() as slow, self.caller() as first:
            answer = asyncio.create_task(slow.ask(SLOW))
            while not self.app.gate.running:  # noqa: ASYNC110  no event comes
                await asyncio.sleep(0.01)
            if known:
                assert (await first.ask(USUAL)).status == 503
            try:
                yield
            finally:
                self.free.set()
            assert (await answer).status == 200

    @property
    def usual(self) -> int:
        """How many came to the application, but for the slow one."""
        return len(self.log)

    def counted(self, route: str) -> float | None:
        labels = {"method": "GET", "route": route, "status": "503"}
        registry = self.app.extensions["metrics"].registry
        found: float | None = registry.get_sample_value("inkwell_http_request_duration_seconds_count", labels)
        return found


Start = Callable[..., Any]


@pytest.fixture(params=["hypercorn", "uvicorn"])
def start(
    request: pytest.FixtureRequest, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> Start:
    """Runs the server until the end of the block."""
    monkeypatch.setattr(f"inkwell.servers.{request.param}.KEEP_ALIVE_SECONDS", KEEP_ALIVE_S)

    @asynccontextmanager
    async def started(**changes: Any) -> AsyncIterator[Serving]:
        room = {"requests_at_once": 1, "requests_waiting": 0}
        settings = make_settings(**{"server": request.param, **room, **changes})
        app, over = create_app(settings), asyncio.Event()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = Serving(app, listener.getsockname()[1])  # type: ignore[arg-type]
            watch(app, serving)
            serve: Any = find_server(request.param)
            running = asyncio.create_task(serve(app, settings, listener, over.wait))
            try:
                yield serving
            finally:
                over.set()
                await running

    return started


@pytest.fixture
async def serving(start: Start) -> AsyncIterator[Serving]:
    async with start() as serving:
        yield serving


def watch(app: Quart, serving: Serving) -> None:
    @app.get("/slow")
    async def slow() -> str:
        await serving.free.wait()
        return "done"

    heard = app.asgi_app

    async def hear(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] != "/slow":
            serving.log.append(scope["path"])
        await heard(scope, receive, send)

    app.asgi_app = hear  # type: ignore[method-assign]


async def test_a_quick_refusal_is_the_usual_one_but_for_the_id_and_the_connection_stays(serving: Serving) -> None:
    async with serving.caller() as caller:
        async with serving.full():
            usual, seen = await caller.ask(USUAL), serving.usual
            quick = [await caller.ask(GET) for _ in range(3)]
            assert serving.usual == seen
            assert {repr(each.same) for each in quick} == {repr(usual.same)}
            assert len({each.headers["x-request-id"] for each in quick}) == 3
        assert (await caller.ask(GET)).status == 200


async def test_quick_refusals_count(serving: Serving) -> None:
    async with serving.full(), serving.caller() as caller:
        before = serving.app.gate.refused
        for path in (b"/api/posts?limit=5&q=a%20b", b"/api/users/me", b"/api/posts/7"):
            assert (await caller.ask(GET.replace(b"/api/posts", path))).status == 503
        assert serving.usual == 1
        assert serving.app.gate.refused == before + 3
        assert (serving.counted("/api/posts"), serving.counted("/api/posts/<post_id>")) == (2, 1)


async def test_the_first_refusal_is_made_the_usual_way(serving: Serving) -> None:
    async with serving.full(known=False), serving.caller() as caller:
        assert [(await caller.ask(GET)).status for _ in range(3)] == [503] * 3
        assert serving.usual == 1


@pytest.mark.parametrize(
    ("pieces", "statuses"),
    [
        ((GET[:30], GET[30:]), [503]),
        ((GET[:-2], GET[-2:]), [503]),
        ((GET + GET,), [503, 503]),
        ((GET + GET[:30], GET[30:]), [503, 503]),
        ((GET[:20], GET[20:] + GET), [503, 503]),
        ((GET.replace(b"/api/posts", b"/healthz"),), [200]),
        ((GET.replace(b"/api/posts", b"/%68ealthz"),), [200]),
        ((GET.replace(b"/api/posts", b"/nope"),), [404]),
        ((GET.replace(b"/api/posts", b"/api/auth/login"),), [405]),
        # A header, or a body, that looks like a request is none.
        ((b"GET /nope HTTP/1.1\r\nX: ", GET), [404]),
        ((b"POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GET), GET), [404]),
        ((GET[:-2] + b"Content-Length: %d\r\n\r\n" % len(GET), GET), [503]),
    ],
)
async def test_what_is_not_one_simple_request_goes_the_usual_way(
    serving: Serving, pieces: tuple[bytes, ...], statuses: list[int]
) -> None:
    async with serving.full(), serving.caller() as caller:
        seen = serving.usual
        heard = [(await caller.ask(*pieces)).status, *[(await caller.hear()).status for _ in statuses[1:]]]
        assert (heard, serving.usual - seen) == (statuses, len(statuses))
        with pytest.raises((TimeoutError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(caller.reader.readexactly(1), 0.1)


async def test_of_a_crowd_that_comes_at_once_only_those_get_in_for_whom_there_is_room(start: Start) -> None:
    async with start(requests_waiting=3) as serving, AsyncExitStack() as undo:
        crowd = [await undo.enter_async_context(serving.caller()) for _ in range(40)]
        async with serving.full(known=False):
            first = [asyncio.create_task(each.ask(USUAL)) for each in crowd[:4]]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*first)
        seen = serving.usual
        for each in crowd:
            each.writer.write(GET)
        statuses = [(await each.hear()).status for each in crowd]
        assert serving.usual - seen == statuses.count(200) >= 4


async def test_what_follows_a_request_that_is_worked_on_waits_for_its_answer(serving: Serving) -> None:
    async with serving.caller() as caller:
        caller.writer.write(SLOW)
        while not serving.app.gate.running:  # noqa: ASYNC110  no event comes
            await asyncio.sleep(0.01)
        async with serving.caller() as other:
            assert (await other.ask(USUAL)).status == 503
        caller.writer.write(GET)
        await asyncio.sleep(0.1)
        serving.free.set()
        assert (await caller.hear()).body == b"done"
        assert (await caller.hear()).status == 200


async def test_a_draining_worker_and_one_without_the_lean_bridge_refuse_the_usual_way(start: Start) -> None:
    async with start() as serving, serving.full(), serving.caller() as caller:
        serving.app.extensions["draining"].begin()
        assert (await caller.ask(GET)).headers["connection"] == "close"
    async with start(lean_bridge=False) as serving, serving.full(), serving.caller() as caller:
        assert [(await caller.ask(GET)).status for _ in range(2)] == [503] * 2
        assert serving.usual == 3


async def test_an_idle_connection_is_closed_in_time_and_a_quick_refusal_begins_the_time_anew(serving: Serving) -> None:
    async with serving.full(), serving.caller() as caller:
        for _ in range(4):
            assert (await caller.ask(GET)).status == 503
            await asyncio.sleep(KEEP_ALIVE_S * 0.6)
        assert (await caller.ask(GET)).status == 503
        assert serving.usual == 1
        assert KEEP_ALIVE_S * 0.8 < await caller.is_left_alone_after() < KEEP_ALIVE_S * 5


async def test_the_time_of_an_idle_connection_begins_with_its_last_answer(serving: Serving) -> None:
    async with serving.caller() as caller:
        caller.writer.write(SLOW)
        await asyncio.sleep(KEEP_ALIVE_S * 2.5)  # a request may take longer than that
        serving.free.set()
        assert (await caller.hear()).status == 200
        await asyncio.sleep(KEEP_ALIVE_S * 0.6)
        assert (await caller.ask(USUAL)).status == 200
        assert KEEP_ALIVE_S * 0.8 < await caller.is_left_alone_after() < KEEP_ALIVE_S * 5


SPECIAL = ["content-length", "Transfer-Encoding", "ORIGIN", "X-Request-Id", "expect", "Upgrade", "Connection"]
HEADS = {
    "another method": b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD": b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nAccept: a\r\n\r\n",
    "no headers": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
    "not all": b"GET / HTTP/1.1\r\nHost: a\r\n",
    "more than one": b"GET / HTTP/1.1\r\nHost: a\r\n\r\nG",
    "a body": b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n",
    "before it": b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a whole address": b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "an escape": b"GET /%68ealthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
    "a blank": b"GET / a HTTP/1.1\r\nHost: a\r\n\r\n",
    "not ASCII": b"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "value not ASCII": b"GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa4\r\n\r\n",
    "bare ends of lines": b"GET / HTTP/1.1\nHost: a\n\r\n\r\n",
    "a bare LF": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nContent-Length: 5\r\n\r\n",
    "a bare CR": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "a blank before the colon": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    "to be closed": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "kept open, and more": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\r\n",
    "kept open, and not": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
    "too long": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 16384 + b"\r\n\r\n",
} | {
    f"{name} first={first}": b"GET / HTTP/1.1\r\n" + b"".join(lines if first else reversed(lines)) + b"\r\n"
    for name in [*SPECIAL, "Proxy-Connection"]
    for first in (True, False)
    for lines in [(f"{name}: 5\r\n".encode(), b"Host: a\r\n")]
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_heads_that_are_not_simple(head: bytes) -> None:
    assert simple_path(head) is None


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz", b"/metrics", b"/healthz?a=b"])
def test_probes_are_not_refused(path: bytes) -> None:
    assert simple_path(GET.replace(b"/api/posts", path)) is None


@pytest.mark.parametrize(
    ("head", "path"),
    [
        (GET, "/api/posts"),
        (b"GET / HTTP/1.1\r\nhost:a\r\n\r\n", "/"),
        (GET.replace(b"posts", b"posts?limit=5&q=%20+a&fields=id,title"), "/api/posts"),
        (GET[:-2] + b"Connection: keep-alive\r\n\r\n", "/api/posts"),
        (GET[:-2] + b"connection:\tKeep-Alive \r\nA: b\r\n\r\n", "/api/posts"),
        (GET[:-2] + b"Authorization: Bearer a.b-c_d=\r\nX-Origin: a: b\r\nEmpty:\r\n\r\n", "/api/posts"),
    ],
)
def test_heads_that_are_simple(head: bytes, path: str) -> None:
    assert simple_path(head) == path
