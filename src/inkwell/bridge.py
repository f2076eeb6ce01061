"""Where Quart is asked to do otherwise, through its own class attributes and methods."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from functools import cached_property
from typing import Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from quart import Quart, Response
from quart import Request as QuartRequest
from quart.asgi import ASGIHTTPConnection, ASGIWebsocketConnection
from quart.ctx import RequestContext
from quart.globals import request_ctx
from quart.typing import ResponseReturnValue, ResponseTypes
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.routing import MapAdapter

from domain.errors import TookTooLong
from domain.time_limits import within
from inkwell.gate import Gate
from routes.http import no_content
from routes.refusals import Refusals
from routes.request import PROBES, Request

LINGER_SECONDS = 1.5  # for the rest of a body that was refused: what arrives after the end is answered with a reset,
# by which a client that writes all before it reads loses the answer


class Connection(ASGIHTTPConnection):
    """One request and its answer. An answer given before the request's end waits a little for that end.

    Until then what comes is read and dropped. A client that has seen enough ends it by closing.
    """

    def __init__(self, app: Quart, scope: HTTPScope) -> None:
        # A target that is all query comes without a path from hypercorn.
        super().__init__(app, scope if scope["path"] else cast(HTTPScope, {**scope, "path": "/"}))

    @cached_property
    def _all_came(self) -> asyncio.Event:
        return asyncio.Event()

    @property
    def _is_whole(self) -> bool:
        """Whether the request has come to its end."""
        return self._all_came.is_set()

    async def handle_messages(self, request: QuartRequest, receive: ASGIReceiveCallable) -> None:
        async def watched() -> Any:
            message = await receive()
            if message["type"] == "http.request" and not message["more_body"]:
                self._all_came.set()
            return message

        await super().handle_messages(request, watched)

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        async def lingering(message: Any) -> None:
            if message["type"] == "http.response.body" and not message["more_body"]:
                await self._rest_of_the_request()
            await send(message)

        if self._is_whole:
            return await super()._send_response(send, response)
        if self.scope["http_version"].startswith("1"):
            response.headers["Connection"] = "close"  # what comes next on it may be the rest of this request
        await super()._send_response(lingering, response)

    async def _rest_of_the_request(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_came.wait(), LINGER_SECONDS)


class Handshake(ASGIWebsocketConnection):
    """A WebSocket handshake. Where the application has no WebSocket, it is answered as the GET that it also is."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if any(rule.websocket for rule in self.app.url_map.iter_rules()):
            return await super().__call__(receive, send)

        async def answer(message: Any) -> None:
            await send(message | {"type": f"websocket.{message['type']}"})

        scope = cast(HTTPScope, {**self.scope, "type": "http", "method": "GET", "scheme": "http"})
        connection = ASGIHTTPConnection(self.app, scope)
        return await connection.handle_request(connection._create_request_from_scope(answer), answer)


class InkwellQuart(Quart):
    """Quart, with our request, and with routes that do not depend on what a client says of the host or in the query.

    Quart's own look at Host and query comes before its error handling: a host that is no name, or a query that is no
    UTF-8, ended the request without an answer of ours.
    """

    request_class = Request
    asgi_http_class = Connection
    asgi_websocket_class = Handshake
    gate: Gate
    refusals: Refusals  # unless the gate is never full

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        if request is None:
            return None
        method = getattr(request, "method", "GET")  # a WebSocket's handshake has none of its own
        # Made by hand, since bind() encodes the server's name anew each time, and there is one name.
        return MapAdapter(self.url_map, "inkwell", f"{request.root_path}/", "", request.scheme, request.path, method)

    async def dispatch_request(self, request_context: RequestContext | None = None) -> ResponseReturnValue:
        """The view's answer, in time; a body is waited for before a place is taken, for a slow client costs nothing."""
        request: Any = (request_context or request_ctx).request_websocket
        if request.routing_exception or request.path in PROBES:
            return await super().dispatch_request(request_context)
        if request.method in ("POST", "PATCH") and not request.body.has_come:
            await request.get_data()
        limit = within(self.config["REQUEST_TIMEOUT"])
        if not self.gate.enter_at_once():
            await self.gate.wait()
        try:
            with limit:
                answer: ResponseReturnValue = await self._viewed(request)
                return answer
        except TimeoutError:
            if limit.was_reached:
                raise TookTooLong from None
            raise
        finally:
            self.gate.leave()

    def _viewed(self, request: Any) -> Awaitable[Any]:
        """What Quart's own dispatch_request() waits for."""
        rule = request.url_rule
        if request.method == "OPTIONS" and rule.provide_automatic_options:
            return self.make_default_options_response()
        return self.ensure_async(self.view_functions[rule.endpoint])(**request.view_args)

    async def make_default_options_response(self) -> Response:
        answer = no_content()
        answer.headers["Allow"] = ", ".join(sorted(cast(MapAdapter, request_ctx.url_adapter).allowed_methods()))
        return answer
