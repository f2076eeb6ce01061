"""A request that has come whole, and its context: made by hand, since Quart's and werkzeug's constructors together call
each other thirty times. A test holds both to the same attributes as theirs."""

import asyncio
from collections.abc import Generator
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from flask.sessions import NullSession
from quart import Request as QuartRequest
from quart.ctx import RequestContext
from quart.sessions import SessionMixin
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import MapAdapter

from routes.request import Body, ReceivedHeaders, Request

if TYPE_CHECKING:
    from inkwell.bridge import InkwellQuart

NO_SESSION = NullSession()  # there are no cookies here, so nothing is looked for, signed or stored


class WholeBody(Body):
    """Quart's body, without its ways to wait for what comes."""

    has_come = True

    def __init__(self, data: bytes, most: int | None) -> None:
        self._whole = data
        self._is_too_large = most is not None and len(data) > most

    def __await__(self) -> Generator[Any, None, bytes]:
        yield from ()
        return self._read()

    async def __anext__(self) -> bytes:
        data = self._read()
        self.clear()
        if not data:
            raise StopAsyncIteration
        return data

    def clear(self) -> None:
        self._whole = b""

    def _read(self) -> bytes:
        if self._is_too_large:
            raise RequestEntityTooLarge
        return self._whole


class WholeRequest(Request):
    """A request of HTTP/1.1 or 2 to the root of the server, from ASGI's scope."""

    body: WholeBody

    def __init__(self, scope: Any, headers: ReceivedHeaders, body: WholeBody, send_push_promise: Any) -> None:
        self.method, self.scheme, self.server = scope["method"].upper(), scope["scheme"], scope.get("server")
        self.root_path, self.path, self.query_string = "", "/" + scope["path"].lstrip("/"), scope["query_string"]
        self.headers, self.remote_addr = headers, headers.remote_address
        self.http_version, self.scope = scope["http_version"], scope
        self.body_timeout, self.body, self._send_push_promise = None, body, send_push_promise
        self._cached_json, self._parsing_lock = {False: ..., True: ...}, asyncio.Lock()
        self._form = self._files = self.routing_exception = None
        self._begin()

    async def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        """Quart's own answer, which would make a task to wait for the body."""
        if parse_form_data:
            await self._load_form_data()
        data = await self.body
        if not cache:
            self.body.clear()
        return data.decode() if as_text else data


class WholeContext(RequestContext):
    """A request's context that is not pushed by Quart's ceremony, and that has its adapter made if somebody asks."""

    app: "InkwellQuart"
    request = property(attrgetter("request_websocket"))

    def __init__(self, app: "InkwellQuart", request: QuartRequest, session: SessionMixin | None = NO_SESSION) -> None:
        self.app, self.request_websocket, self.session = app, request, session
        request.json_module = app.json
        self.preserved, self.flashes = False, None
        self._cv_tokens, self._after_request_functions = [], []

    @cached_property
    def url_adapter(self) -> MapAdapter | None:  # type: ignore[override]
        return self.app.create_url_adapter(self.request_websocket)
