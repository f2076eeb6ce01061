"""A shorter way through Quart for most requests, by Quart's own class attributes (docs/decisions/0019).

A request whose body has come whole is handled in the task that the server made for it. Quart's own way needs two tasks
more, to hear of a client that leaves; here nobody listens, and the request's time limits bound what is done for nobody.
Everything else goes Quart's way: bodies in pieces, answers that are streamed, WebSockets.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache, partial
from types import EllipsisType
from typing import Any, cast

from flask.sessions import NullSession
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Request as QuartRequest
from quart.ctx import AppContext, RequestContext
from quart.globals import _cv_app, _cv_request
from quart.signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down, request_tearing_down
from quart.typing import ResponseTypes
from quart.utils import encode_headers
from quart.wrappers.response import DataBody

from domain.time_limits import within
from inkwell.bridge import Connection, InkwellQuart
from routes.request import ReceivedHeaders, Request

MOST_FUNCTIONS = 1024  # views and hooks are some dozens
NO_SESSION = NullSession()
CONTEXT_SIGNALS = (appcontext_pushed, appcontext_popped, appcontext_tearing_down, request_tearing_down)


class LeanConnection(Connection):
    """One request and its answer, in one task where that will do."""

    app: "LeanQuart"
    _is_late = False  # whether nothing of its body came in time

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self.app.gate.came()
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
        scope, config = self.scope, self.app.config
        if scope["http_version"] < "1.1" or scope.get("root_path") or scope["path"][0] != "/":
            return super()._create_request_from_scope(send)
        return self.app.request_class(
            scope["method"],
            scope["scheme"],
            scope["path"],
            scope["query_string"],
            ReceivedHeaders(scope["headers"], (scope.get("client") or ["<local>"])[0]),
            "",
            scope["http_version"],
            max_content_length=config["MAX_CONTENT_LENGTH"],
            body_timeout=0 if self._is_late else config["BODY_TIMEOUT"],
            send_push_promise=partial(self._send_push_promise, send),
            scope=scope,
        )

    async def handle_request(self, request: QuartRequest, send: ASGISendCallable) -> None:
        # A request that has not come in full is refused by Quart's way, which waits for its end.
        at_once = self._all_came.is_set() and self.app.gate.is_full
        if at_once and await self.app.refusals.refuse(cast(Request, request), send):
            self.app.gate.refuse()
            return
        response = await self.app.handle_request(request)
        given, usual = getattr(response, "timeout", ...), self.app.config["RESPONSE_TIMEOUT"]
        with suppress(TimeoutError):
            if not isinstance(given, EllipsisType):
                async with asyncio.timeout(given):
                    return await self._send_response(send, response)
            with within(usual):
                await self._send_response(send, response)

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        body = response.response
        if not (isinstance(body, DataBody) and self._all_came.is_set()):
            return await super()._send_response(send, response)
        headers = encode_headers(response.headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body.data, "more_body": False})


class LeanQuart(InkwellQuart):
    """InkwellQuart without what no request of ours needs."""

    asgi_http_class = LeanConnection

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._ensured = lru_cache(MOST_FUNCTIONS)(super().ensure_async)

    def request_context(self, request: QuartRequest) -> RequestContext:
        """With a session at hand: there are no cookies here, so nothing is looked for, signed or stored."""
        return RequestContext(self, request, NO_SESSION)

    async def handle_request(self, request: QuartRequest) -> ResponseTypes:
        """Quart's own answer. Where nobody waits for its contexts to come and go, they do so without ceremony."""
        if self._is_watched or "_quart._preserve_context" in request.scope:
            return await super().handle_request(request)
        context = self.request_context(request)
        app_token, request_token = _cv_app.set(AppContext(self)), _cv_request.set(context)
        try:
            context.match_request()
            return await self._answer(context)
        finally:
            _cv_request.reset(request_token)
            _cv_app.reset(app_token)

    async def _answer(self, context: RequestContext) -> ResponseTypes:
        try:
            return await self.full_dispatch_request(context)
        except Exception as error:
            return await self.handle_exception(error)

    @property
    def _is_watched(self) -> bool:
        functions = self.teardown_appcontext_funcs or any(self.teardown_request_funcs.values())
        return bool(functions or any(signal.receivers for signal in CONTEXT_SIGNALS))

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """Quart's own answer, which is the same each time and takes a look at the function's code."""
        return self._ensured(func)


def _again(first: Any, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    """As if the first message had not been taken yet."""
    waiting = [] if first is None else [first]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    return again
