"""Hypercorn's HTTP/1.1 in fewer steps (docs/decisions/0037): h11 reads every request, and hypercorn does what is not a
plain request with one whole answer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import h11
from hypercorn.asyncio.task_group import TaskGroup, _handle
from hypercorn.config import Config
from hypercorn.events import Event as ConnectionEvent
from hypercorn.events import RawData, Updated
from hypercorn.protocol.events import Body, EndBody, Event, Request
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol, H11WSConnection
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, HTTPResponseStartEvent, Scope
from hypercorn.utils import suppress_body

from inkwell.servers import are_harmless, as_bytes

SPECIAL = {b"connection", b"transfer-encoding"}
WITHOUT_LENGTH = {204, 304}


class Inbox(asyncio.Queue[ASGIReceiveEvent]):
    """asyncio's queue, with a short way where nobody has to wait, nor waits. Nobody counts unfinished tasks here."""

    _queue: deque[ASGIReceiveEvent]
    _getters: deque[Any]
    _putters: deque[Any]

    async def put(self, item: ASGIReceiveEvent) -> None:
        if self._getters or len(self._queue) >= self.maxsize:
            await super().put(item)
        else:
            self._queue.append(item)

    async def get(self) -> ASGIReceiveEvent:
        if self._putters or not self._queue:
            return await super().get()
        return self._queue.popleft()


class Tasks(TaskGroup):
    """Hypercorn's, for ASGI alone."""

    async def spawn_app(
        self, app: AppWrapper, config: Config, scope: Scope, send: Callable[[ASGISendEvent | None], Awaitable[None]]
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        inbox = Inbox(config.max_app_queue_size)
        self.spawn(_handle, app, config, scope, inbox.get, send, None, None)
        return inbox.put


class Http1Stream(HTTPStream):
    """A request and its answer: each is mostly whole, so a piece of a body waits for what h11 says next, to be its only
    one, and an answer's head waits for the body, to be written with it."""

    _piece: Body | None = None
    _head: HTTPResponseStartEvent | None = None

    def __init__(self, protocol: "Http1Protocol") -> None:
        made_of = protocol.app, protocol.config, protocol.context, protocol.task_group, protocol.ssl
        super().__init__(*made_of, protocol.client, protocol.server, protocol.stream_send, STREAM_ID)
        self._protocol = protocol

    async def handle(self, event: Event) -> None:
        if self._piece:
            is_last = isinstance(event, EndBody)
            await self._pass_on(self._piece, more_body=not is_last)
            if is_last:
                return
        if isinstance(event, Body):
            self._piece = event
        else:
            await super().handle(event)

    async def flush(self) -> None:
        """Passes on the piece that waits, if there is one."""
        if self._piece:
            await self._pass_on(self._piece, more_body=True)

    async def _pass_on(self, piece: Body, *, more_body: bool) -> None:
        self._piece = None
        if not self.closed:
            await self.app_put({"type": "http.request", "body": bytes(piece.data), "more_body": more_body})

    async def app_send(self, message: ASGISendEvent | None) -> None:
        head, self._head = self._head, None
        if head is None and message and message["type"] == "http.response.start":
            self._head = message
            return
        if head:
            if await self._answer_in_one_piece(head, message):
                return
            await super().app_send(head)
        await super().app_send(message)

    async def _answer_in_one_piece(self, head: HTTPResponseStartEvent, last: Any) -> bool:
        """Whether that was possible."""
        if self.state is not ASGIHTTPState.REQUEST or not _is_last(last) or head.get("trailers"):
            return False
        answer = self._protocol.in_one_piece(head, last.get("body", b""), self.scope["method"])
        if answer:
            self.state = ASGIHTTPState.CLOSED
            await self._protocol.write_and_begin_anew(answer)
        return bool(answer)


class Reader(h11.Connection):
    """h11's, to which whatever comes behind a connection's last request is an error: hypercorn would tell the client of
    it, in place of the answer."""

    is_over = False

    def receive_data(self, data: bytes) -> None:
        if not self._drops:
            super().receive_data(data)

    def next_event(self) -> Any:
        return h11.NEED_DATA if self._drops else super().next_event()

    @property
    def _drops(self) -> bool:
        return self.is_over or self.their_state is h11.MUST_CLOSE


class Http1Protocol(H11Protocol):
    """Hypercorn's, which does not change to HTTP/2 in clear, and trusts the application's headers. What has been
    answered in one piece leaves nothing behind: the next request is read as a connection's first one."""

    connection: h11.Connection | H11WSConnection

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._begin()

    def _begin(self) -> None:
        self.connection = Reader(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)

    async def handle(self, event: ConnectionEvent) -> None:
        await super().handle(event)
        if isinstance(self.stream, Http1Stream):
            await self.stream.flush()

    async def _check_protocol(self, event: h11.Request) -> None:
        """Whoever asks for HTTP/2 by Upgrade is answered in HTTP/1.1, as RFC 9110 (7.8) has it; who begins with it gets
        an error. There is no option for that."""

    async def _create_stream(self, request: h11.Request) -> None:
        headers = [(name.lower(), value) for name, value in request.headers.raw_items()]
        if b"upgrade" in dict(headers):  # to a WebSocket, perhaps
            return await super()._create_stream(request)
        method, version = request.method.decode().upper(), request.http_version.decode()
        self.stream = Http1Stream(self)
        await self.stream.handle(Request(STREAM_ID, headers, version, method, request.target, self.connection_state))
        self.keep_alive_requests += 1
        await self.context.mark_request()

    def in_one_piece(self, head: HTTPResponseStartEvent, body: bytes, method: str) -> bytes | None:
        """An answer as h11 writes it; None for one that h11 has to refuse, to frame, or to end the connection after.

        Nobody may wait between this and the writing: until then, what was looked at here stays as it is.
        """
        status, pairs = head["status"], [*head["headers"], *self.config.response_headers("h11")]
        length = None if status in WITHOUT_LENGTH else b"%d" % len(body)
        named = dict(pairs)
        if not (self._goes_on and SPECIAL.isdisjoint(named) and named.get(b"content-length") == length):
            return None
        sent = b"" if suppress_body(method, status) else body
        return as_bytes(b"HTTP/1.1 %d \r\n" % status, pairs, sent) if are_harmless(pairs) else None

    @property
    def _goes_on(self) -> bool:
        """Whether another request may follow the one that has come in full: DONE is neither one of HTTP/1.0, nor with
        `Connection: close`, nor a change to another protocol."""
        if self.context.terminated.is_set() or self.keep_alive_requests >= self.config.keep_alive_max_requests:
            return False
        return self.connection.their_state is h11.DONE and self.connection.our_state is h11.SEND_RESPONSE

    async def _maybe_recycle(self) -> None:
        """At a connection's end what came behind is dropped: h11 would pause before it, and who reads wait for ever."""
        both_done = self.connection.our_state is self.connection.their_state is h11.DONE
        if isinstance(self.connection, Reader) and (self.context.terminated.is_set() or not both_done):
            self.connection.is_over = True
        await super()._maybe_recycle()

    async def write_and_begin_anew(self, answer: bytes) -> None:
        """With what has come meanwhile, unless the worker is at its end after the client took its time to read."""
        await self.send(RawData(answer))
        if self.context.terminated.is_set():
            return await self._maybe_recycle()
        await self._close_stream()
        came, has_ended = self.connection.trailing_data
        self._begin()
        if came:
            self.connection.receive_data(came)
        if has_ended:
            self.connection.receive_data(b"")
        await self.can_read.set()
        await self.send(Updated(idle=True))


def _is_last(message: Any) -> bool:
    return bool(message) and message["type"] == "http.response.body" and not message.get("more_body")
