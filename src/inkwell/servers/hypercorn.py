"""Hypercorn: HTTP/1.1, and HTTP/2 over TLS."""

import logging
from ssl import SSLContext
from typing import Any

from hypercorn.asyncio import run as hypercorns
from hypercorn.asyncio import serve as serve_by_hypercorn
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.protocol.h11 import H11Protocol
from quart import Quart

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
    """Hypercorn's, which would keep a client's socket and tasks for KEEP_ALIVE_SECONDS after the client has left."""

    _left = False

    async def _read_data(self) -> None:
        await super()._read_data()
        self._left = True
        await self.idle_task.stop()

    async def _idle_timeout(self) -> None:
        if not self._left:  # the answer to a client that has left would begin another wait
            await super()._idle_timeout()


async def serve(app: Quart, settings: Settings, listener: Any, drain: Drain) -> None:
    # HTTP/2 without TLS has no option against it. Who asks for it by Upgrade is answered in HTTP/1.1, as RFC 9110 (7.8)
    # has it; who begins with it gets an error.
    H11Protocol._check_protocol = _stay  # type: ignore[method-assign, assignment]
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
