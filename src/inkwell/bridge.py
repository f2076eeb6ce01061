"""Where Quart is asked to do otherwise, through its own class attributes and methods."""

from typing import Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from quart import Quart, Response
from quart.asgi import ASGIHTTPConnection, ASGIWebsocketConnection
from quart.globals import request_ctx
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.routing import MapAdapter

from routes.http import no_content
from routes.request import Request


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
    asgi_websocket_class = Handshake

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        if request is None:
            return None
        method = getattr(request, "method", "GET")  # a WebSocket's handshake has none of its own
        return self.url_map.bind("inkwell", request.root_path, None, request.scheme, method, request.path)

    async def make_default_options_response(self) -> Response:
        answer = no_content()
        answer.headers["Allow"] = ", ".join(sorted(cast(MapAdapter, request_ctx.url_adapter).allowed_methods()))
        return answer
