"""Hypercorn: HTTP/1.1, and HTTP/2 over TLS."""

import asyncio
import logging
from contextlib import suppress
from ssl import SSLContext
from typing import Any

import h11
from hypercorn.asyncio import run as hypercorns
from hypercorn.asyncio import serve as serve_by_hypercorn
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.events import Event, RawData
from hypercorn.protocol.h11 import H11Protocol
from quart import Quart

from inkwell.quick_refusals import QuickRefusals, quick_refusals
from inkwell.servers import KEEP_ALIVE_SECONDS, SHUTDOWN_SECONDS, Drain, context_of
from inkwell.settings import Settings
from inkwell.supervisor import BACKLOG
from routes.headers import LONGEST_HEADERS_BYTES


class OwnConfig(Config):
    """Hypercorn's settings, with a TLS context that is made already."""

    tls: SSLContext | None = None

    @property
    def ssl_enabled(self) -> bool:
        return self.tls is not None

    def create_ssl_context(self) -> SSLContext | None:
        return self.tls


class Connection(TCPServer):
    """Hypercorn's, which would keep a client's socket and tasks for KEEP_ALIVE_SECONDS after the client has left.

    What can be refused quickly does not get to its protocol.
    """

    quick_refusals: QuickRefusals | None = None
    _left = False
    _idle_since = 0.0

    async def _read_data(self) -> None:
        self._usual_way = self.protocol.handle
        self.protocol.handle = self._handle  # type: ignore[method-assign]
        await super()._read_data()
        self._left = True
        await self.idle_task.stop()

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
        """Hypercorn's, but that a quick refusal begins the time anew without another task."""
        self._idle_since = self.loop.time()
        while not self._left and (rest_s := self._idle_since + self.config.keep_alive_timeout - self.loop.time()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.context.terminated.wait(), rest_s)
                break
        if not self._left:  # the answer to a client that has left would begin another wait
            await asyncio.shield(self._initiate_server_close())


def _is_idle(connection: Any) -> bool:
    return bool(connection.our_state is connection.their_state is h11.IDLE and not connection.trailing_data[0])


async def serve(app: Quart, settings: Settings, listener: Any, drain: Drain) -> None:
    # HTTP/2 without TLS has no option against it. Who asks for it by Upgrade is answered in HTTP/1.1, as RFC 9110 (7.8)
    # has it; who begins with it gets an error.
    H11Protocol._check_protocol = _stay  # type: ignore[method-assign, assignment]
    Connection.quick_refusals = quick_refusals(app)
    hypercorns.TCPServer = Connection  # type: ignore[attr-defined]
    await serve_by_hypercorn(app, _config(settings, listener), shutdown_trigger=drain)


async def _stay(*_: object) -> None:
    """At the protocol that was begun with."""


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
