"""A shorter way through Quart for most requests, by Quart's own class attributes (docs/decisions/0019).

A request whose body has come whole is handled in the task that the server made for it. Quart's own way needs two tasks
more, to hear of a client that leaves; here nobody listens, and the request's time limits bound what is done for nobody.
Everything else goes Quart's way: bodies in pieces, answers that are streamed, WebSockets.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from types import EllipsisType
from typing import Any, cast

from flask.sessions import NullSession
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Quart
from quart import Request as QuartRequest
from quart.sessions import SessionInterface
from quart.typing import ResponseTypes
from quart.utils import encode_headers
from quart.wrappers import BaseRequestWebsocket
from quart.wrappers.response import DataBody

from inkwell.bridge import Connection, InkwellQuart
from routes.request import Request

MOST_FUNCTIONS = 1024  # views and hooks are some dozens


class LeanConnection(Connection):
    """One request and its answer, in one task where that will do."""

    app: InkwellQuart

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        first = await self._first(receive)
        if first is None or first["type"] != "http.request" or first.get("more_body", False):
            return await super().__call__(_again(first, receive), send)
        request = self._create_request_from_scope(send)
        request.body.set_result(first.get("body", b""))
        self._all_came.set()
        await self.handle_request(request, send)

    async def _first(self, receive: ASGIReceiveCallable) -> Any:
        """What comes first; None for a body of which nothing comes in time."""
        names = {name for name, _ in self.scope["headers"]}
        if not names & {b"content-length", b"transfer-encoding"}:
            return await receive()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.app.config["BODY_TIMEOUT"]):
                return await receive()
        self._is_late = True
        return None

    def _create_request_from_scope(self, send: ASGISendCallable) -> QuartRequest:
        request = super()._create_request_from_scope(send)
        if getattr(self, "_is_late", False):
            request.body_timeout = 0
        return request

    async def handle_request(self, request: QuartRequest, send: ASGISendCallable) -> None:
        # A request that has not come in full is refused by Quart's way, which waits for its end.
        at_once = self._all_came.is_set() and self.app.gate.is_full
        if at_once and await self.app.refusals.refuse(cast(Request, request), send):
            self.app.gate.refuse()
            return
        response = await self.app.handle_request(request)
        given = getattr(response, "timeout", ...)
        limit = self.app.config["RESPONSE_TIMEOUT"] if isinstance(given, EllipsisType) else given
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._send_response(send, response)

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        body = response.response
        if not (isinstance(body, DataBody) and self._all_came.is_set()):
            return await super()._send_response(send, response)
        headers = encode_headers(response.headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body.data, "more_body": False})


class NoSessions(SessionInterface):
    """There are no cookies here: nothing is looked for, signed or stored."""

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> NullSession:
        return NullSession()


class LeanQuart(InkwellQuart):
    """InkwellQuart without what no request of ours needs."""

    asgi_http_class = LeanConnection
    session_interface = NoSessions()  # type: ignore[assignment]  # Quart names the default's class, not the interface

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._ensured = lru_cache(MOST_FUNCTIONS)(super().ensure_async)

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """Quart's own answer, which is the same each time and takes a look at the function's code."""
        return self._ensured(func)


def _again(first: Any, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    """As if the first message had not been taken yet."""
    waiting = [] if first is None else [first]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    return again
