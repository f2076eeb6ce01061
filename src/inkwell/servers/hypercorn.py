"""Hypercorn: HTTP/1.1, and HTTP/2 over TLS."""

import asyncio
import logging
from contextlib import suppress
from ssl import SSLContext
from time import time
from typing import Any

import h11
from hypercorn import protocol as protocols
from hypercorn.asyncio import run as hypercorns
from hypercorn.asyncio import serve as serve_by_hypercorn
from hypercorn.asyncio import tcp_server
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from quart import Quart

from inkwell.quick_refusals import QuickRefusals, quick_refusals
from inkwell.servers import KEEP_ALIVE_SECONDS, SHUTDOWN_SECONDS, Drain, context_of
from inkwell.servers.hypercorn_http1 import Http1Protocol, Tasks
from inkwell.settings import Settings
from inkwell.supervisor import BACKLOG
from routes.headers import LONGEST_HEADERS_BYTES


class OwnConfig(Config):
    """Hypercorn's settings, with a TLS context that is made already."""

    tls: SSLContext | None = None
    _made: list[tuple[bytes, bytes]]
    _made_at = 0

    @property
    def ssl_enabled(self) -> bool:
        return self.tls is not None

    def create_ssl_context(self) -> SSLContext | None:
        return self.tls

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """The date alone, which is made once a second."""
        now = int(time())
        if now != self._made_at:
            self._made, self._made_at = super().response_headers(protocol), now
        return self._made


class HypercornConnection(TCPServer):
    """Hypercorn's, which would keep a client's socket and tasks for KEEP_ALIVE_SECONDS after the client has left, and
    makes two tasks to wait for that time, anew for each request. What can be refused quickly does not get to its
    protocol.
    """

    quick_refusals: QuickRefusals | None = None
    _left = False
    _idle_since: float | None = None  # None while a request is under way

    async def _read_data(self) -> None:
        self._idle_since = self.loop.time()  # here: a request that came at once is read before the watching begins
        self._usual_way = self.protocol.handle
        self.protocol.handle = self._handle  # type: ignore[method-assign]
        await super()._read_data()
        self._left = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Updated):
            self._idle_since = self.loop.time() if event.idle else None
            if event.idle and self.context.terminated.is_set():
                self._task_group.spawn(self._initiate_server_close)
        else:
            await super().protocol_send(event)

    async def _write(self, data: bytes) -> None:
        """Without hypercorn's lock: what is written at once cannot get between, and many may wait for the client."""
        if not data:
            return
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (ConnectionError, RuntimeError):
            await self.protocol.handle(Closed())

    async def _handle(self, event: Event) -> None:
        answer = self._refusal(event.data) if isinstance(event, RawData) else None
        if answer:
            self._idle_since = self.loop.time()
            await self.protocol_send(RawData(answer))
        else:
            await self._usual_way(event)

    def _refusal(self, data: bytes) -> bytes | None:
        """Of what came where nothing is under way: neither HTTP/2 nor a WebSocket, nor what began before."""
        protocol, quick = self.protocol.protocol, self.quick_refusals
        if not (quick and isinstance(protocol, H11Protocol) and _is_idle(protocol.connection)):
            return None
        if protocol.keep_alive_requests >= self.config.keep_alive_max_requests:
            return None  # the usual way closes the connection
        answer = quick.refuse(data, lambda: self.config.response_headers("h11"))
        protocol.keep_alive_requests += bool(answer)
        return answer

    async def _idle_timeout(self) -> None:
        """Closes what was idle for too long, or is when the worker ends: one task for as long as there is a client."""
        while (rest_s := self._rest_s) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.context.terminated.wait(), rest_s)
                break
        if not (self._is_busy or self._left):  # whoever has left is closed by what reads
            await asyncio.shield(self._initiate_server_close())

    @property
    def _is_busy(self) -> bool:
        return self._idle_since is None

    @property
    def _rest_s(self) -> float:
        passed_s = 0 if self._idle_since is None else self.loop.time() - self._idle_since
        return self.config.keep_alive_timeout - passed_s


def _is_idle(connection: Any) -> bool:
    return bool(connection.our_state is connection.their_state is h11.IDLE and not connection.trailing_data[0])


async def serve(app: Quart, settings: Settings, listener: Any, drain: Drain) -> None:
    # Hypercorn has no option for what it makes its parts of: it finds their classes where it imported them.
    protocols.H11Protocol = Http1Protocol  # type: ignore[attr-defined, assignment]
    tcp_server.TaskGroup = Tasks  # type: ignore[attr-defined]
    HypercornConnection.quick_refusals = quick_refusals(app)
    hypercorns.TCPServer = HypercornConnection  # type: ignore[attr-defined]
    await serve_by_hypercorn(app, _config(settings, listener), shutdown_trigger=drain)


def _config(settings: Settings, listener: Any) -> OwnConfig:
    config = OwnConfig()
    config.bind = f"fd://{listener.dup().detach()}"
    config.backlog = BACKLOG
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.h11_max_incomplete_size = config.h2_max_header_list_size = LONGEST_HEADERS_BYTES
    config.include_server_header = False
    config.graceful_timeout = settings.grace_seconds
    config.shutdown_timeout = SHUTDOWN_SECONDS
    config.tls = context_of(settings, ["h2", "http/1.1"])
    config.errorlog = logging.getLogger("hypercorn.error")  # as configure_logging() left it, without greetings
    return config
