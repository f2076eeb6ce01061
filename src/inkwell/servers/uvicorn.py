"""Uvicorn with httptools: HTTP/1.1 in less time. Where hypercorn has a limit and uvicorn has none, it is added here."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from quart import Quart
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from inkwell.quick_refusals import QuickRefusals, quick_refusals
from inkwell.servers import KEEP_ALIVE_SECONDS, Drain, are_harmless, as_bytes, context_of
from inkwell.settings import Settings
from inkwell.supervisor import BACKLOG
from routes.headers import LONGEST_HEADERS_BYTES

TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
SPECIAL = {b"connection", b"transfer-encoding"}


class Server(uvicorn.Server):
    """Without signal handlers: the worker has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Cycle(httptools_impl.RequestResponseCycle):
    """One request and its answer, whose head is written with one look at all headers where uvicorn has two at each."""

    async def send(self, message: Any) -> None:
        """The usual way for whatever is not a plain beginning of a known length, on a connection that stays open."""
        # uvloop raises where a transport that closes is written to, and uvicorn hears of its end later.
        self.disconnected = self.disconnected or self.transport.is_closing()
        starts = message["type"] == "http.response.start" and not self.response_started
        if not starts or not self.keep_alive or self.flow.write_paused or self.disconnected:
            return await super().send(message)
        pairs = [*message["headers"], *self.default_headers]
        named = dict(pairs)
        if not SPECIAL.isdisjoint(named) or b"content-length" not in named or not are_harmless(pairs):
            return await super().send(message)
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, int(named[b"content-length"])
        self.transport.write(as_bytes(STATUS_LINE[message["status"]], pairs))


class UvicornProtocol(HttpToolsProtocol):
    """One connection, with limits of time and length on what comes before the body, and after it.

    uvicorn's timer of an idle connection runs on here until all of a request's headers have come.
    """

    quick_refusals: QuickRefusals | None = None
    _kept_bytes = 0  # that the parser has taken since it last gave something back
    _reads_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_expecting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_idle and self._is_refused(data):
            return
        self._kept_bytes += len(data)
        super().data_received(data)
        if self._kept_bytes > LONGEST_HEADERS_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_headers_complete(self) -> None:
        self._kept_bytes, self._reads_head = 0, False
        self._stop_expecting()
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser leaves what follows to a protocol that we do not have

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reads_head:  # what comes after the body is a trailer, and ignored
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._kept_bytes = 0
        super().on_body(body)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reads_head = True
        self._expect_request()

    def on_message_complete(self) -> None:
        self._kept_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._stop_expecting()  # that of a request that has begun meanwhile: it gets another
        super().on_response_complete()
        if self._reads_head and not self.transport.is_closing():
            self._expect_request()

    def _is_refused(self, data: bytes) -> bool:
        """Quickly, where that can be done."""
        quick = self.quick_refusals
        answer = quick and quick.refuse(data, lambda: self.server_state.default_headers)
        if answer:
            self.transport.write(answer)
            self.on_response_complete()
        return bool(answer)

    @property
    def _is_idle(self) -> bool:
        """Whether nothing was begun, and the client has taken what it was told."""
        cycle: Any = self.cycle  # none before the first request
        has_ended = cycle is None or (cycle.response_complete and not cycle.more_body)
        return has_ended and not (self._kept_bytes or self.flow.write_paused or self.transport.is_closing())

    def _expect_request(self) -> None:
        if not self.timeout_keep_alive_task:
            self.timeout_keep_alive_task = self.loop.call_later(KEEP_ALIVE_SECONDS, self.timeout_keep_alive_handler)

    def _stop_expecting(self) -> None:
        super()._unset_keepalive_if_required()

    def _unset_keepalive_if_required(self) -> None:
        """Not as soon as something comes: whoever sends a header now and then would never be late."""

    def _refuse(self) -> None:
        if getattr(self.cycle, "response_complete", True):  # there is no cycle before the first request
            self.transport.write(TOO_LONG)
        self.transport.close()


async def serve(app: Quart, settings: Settings, listener: Any, drain: Drain) -> None:
    UvicornProtocol.quick_refusals = quick_refusals(app)
    httptools_impl.RequestResponseCycle = Cycle  # type: ignore[misc]
    server = Server(_config(app, settings))
    serving = asyncio.create_task(server.serve(sockets=[listener.dup()]))
    draining = asyncio.ensure_future(drain())
    await asyncio.wait([serving, draining], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving


def _config(app: Quart, settings: Settings) -> uvicorn.Config:
    tls = context_of(settings, ["http/1.1"])
    return uvicorn.Config(
        app,
        http=UvicornProtocol,
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.grace_seconds,  # type: ignore[arg-type]  # given to asyncio as it is
        ssl_context_factory=(lambda *_: tls) if tls else None,
        server_header=False,
        access_log=False,
        proxy_headers=False,  # X-Forwarded-For is looked at in one place
        log_config=None,
    )
