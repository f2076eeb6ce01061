"""A shorter way through Quart for most requests, by Quart's own class attributes (docs/decisions/0019).

A request whose body has come whole is handled in the task that the server made for it. Quart's own way needs two tasks
more, to hear of a client that leaves; here nobody listens, and the request's time limits bound what is done for nobody.
Everything else goes Quart's way: bodies in pieces, answers that are streamed, WebSockets.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import cached_property, lru_cache, partial
from itertools import chain
from types import EllipsisType
from typing import Any, NamedTuple, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Request as QuartRequest
from quart import Response
from quart.ctx import AppContext, RequestContext
from quart.globals import _cv_app, _cv_request
from quart.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)
from quart.typing import ResponseReturnValue, ResponseTypes
from quart.wrappers.response import DataBody

from domain.time_limits import within
from inkwell.bridge import Connection, InkwellQuart
from inkwell.routing import QuickRoutes
from inkwell.whole_request import NO_SESSION, WholeBody, WholeContext, WholeRequest
from routes.request import ReceivedHeaders, Request, blueprints_of, raw_name

MOST_FUNCTIONS = 1024  # views and hooks are some dozens, and so are endpoints
SIGNALS = (
    request_started,
    request_finished,
    appcontext_pushed,
    appcontext_popped,
    appcontext_tearing_down,
    request_tearing_down,
)


# A GET that announces no body has none, so that the server need not be asked for it (nor says 100 to who expects that).
NO_BODY: Any = {"type": "http.request", "body": b"", "more_body": False}


class LeanConnection(Connection):
    """One request and its answer, in one task where that will do."""

    app: "LeanQuart"
    _is_late = False  # whether nothing of its body came in time
    _came_at_once = False  # whether all of it came with the first message

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self.app.gate.came()
        if self._is_special:
            return await super().__call__(receive, send)
        scope = self.scope
        headers = ReceivedHeaders(scope["headers"], (scope.get("client") or ["<local>"])[0])  # type: ignore[arg-type]
        may_wait = headers.announce_a_body or scope["http_version"] != "1.1"  # HTTP/2 need not announce a body
        if not may_wait and scope["method"] == "GET":
            first = NO_BODY
        else:
            first = await (self._in_time(receive) if may_wait else receive())
        if first is None or first["type"] != "http.request" or first.get("more_body", False):
            return await super().__call__(_again(first, receive), send)
        self._came_at_once = True
        body = WholeBody(first.get("body", b""), self.app.config["MAX_CONTENT_LENGTH"])
        push = partial(self._send_push_promise, send)
        await self.handle_request(WholeRequest(scope, headers, body, push), send)

    @property
    def _is_whole(self) -> bool:
        return self._came_at_once or super()._is_whole

    @property
    def _is_special(self) -> bool:
        scope = self.scope
        return scope["http_version"] < "1.1" or bool(scope.get("root_path")) or scope["path"][0] != "/"

    async def _in_time(self, receive: ASGIReceiveCallable) -> Any:
        """What comes first; None for a body of which nothing comes in time."""
        with suppress(TimeoutError), within(self.app.config["BODY_TIMEOUT"]):
            return await receive()
        self._is_late = True
        return None

    def _create_request_from_scope(self, send: ASGISendCallable) -> QuartRequest:
        request = super()._create_request_from_scope(send)
        if self._is_late:
            request.body_timeout = 0
        return request

    async def handle_request(self, request: QuartRequest, send: ASGISendCallable) -> None:
        # A request that has not come in full is refused by Quart's way, which waits for its end.
        at_once = self._came_at_once and self.app.gate.is_full
        if at_once and await self.app.refusals.refuse(cast(Request, request), send):
            self.app.gate.refuse()
            return
        response = await self.app.handle_request(request)
        try:
            await self._send_in_time(send, response)
        except TimeoutError:
            return  # to a client that does not read

    async def _send_in_time(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        given = getattr(response, "timeout", ...)
        if isinstance(given, EllipsisType):
            with within(self.app.config["RESPONSE_TIMEOUT"]):
                return await self._send_response(send, response)
        async with asyncio.timeout(given):
            await self._send_response(send, response)

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        body = response.response
        if not (self._came_at_once and isinstance(body, DataBody)):
            return await super()._send_response(send, response)
        headers = [(raw_name(name), value.encode()) for name, value in response.headers._list]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body.data, "more_body": False})


Hook = Callable[[Any], Awaitable[Any]]


class Hooks(NamedTuple):
    """What is called before and after a view."""

    preprocessors: list[Callable[..., None]]
    before: list[Callable[[], Awaitable[Any]]]
    after: list[Hook]


class LeanQuart(InkwellQuart):
    """InkwellQuart without what no request of ours needs."""

    asgi_http_class = LeanConnection

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Quart's own answer, which is the same each time and takes a look at the function's code.
        self.ensure_async = lru_cache(MOST_FUNCTIONS)(super().ensure_async)  # type: ignore[method-assign]
        self._hooks_of = lru_cache(MOST_FUNCTIONS)(self._find_hooks)

    def request_context(self, request: QuartRequest) -> RequestContext:
        """With a session at hand."""
        return RequestContext(self, request, NO_SESSION)

    def asgi_app(self, scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        if scope["type"] == "http":
            return self.asgi_http_class(self, scope)(receive, send)
        return super().asgi_app(scope, receive, send)

    async def handle_request(self, request: QuartRequest) -> ResponseTypes:
        """Quart's own answer. Where nobody waits for its contexts to come and go, they do so without ceremony."""
        if self._is_watched or "_quart._preserve_context" in request.scope:
            return await super().handle_request(request)
        context = WholeContext(self, request)
        app_token, request_token = _cv_app.set(AppContext(self)), _cv_request.set(context)
        try:
            self._match(context)
            return await self._dispatched(context)
        except Exception as error:
            return await self.handle_exception(error)
        finally:
            _cv_request.reset(request_token)
            _cv_app.reset(app_token)

    def _match(self, context: WholeContext) -> None:
        request = context.request_websocket
        found = None if request.root_path else self._quick_routes.find(request.method, request.path)
        if found:
            request.url_rule, request.view_args = found
        else:
            context.match_request()

    @cached_property
    def _quick_routes(self) -> QuickRoutes:
        return QuickRoutes(self.url_map)  # no more rules can be added once a request is served

    async def _dispatched(self, context: WholeContext) -> ResponseTypes:
        """Quart's full_dispatch_request(), with the hooks of an endpoint looked up once."""
        hooks = self._hooks_of(context.request_websocket.endpoint)
        try:
            result: Any = await self._preprocessed(context, hooks)
        except Exception as error:
            result = await self.handle_user_exception(error)
        response = result if isinstance(result, Response) else await self.make_response(result)
        for function in context._after_request_functions:
            response = await cast(Hook, self.ensure_async(function))(response)
        for after in hooks.after:
            response = await after(response)
        return response

    async def _preprocessed(self, context: WholeContext, hooks: Hooks) -> ResponseReturnValue:
        request = context.request_websocket
        for preprocess in hooks.preprocessors:
            preprocess(request.endpoint, request.view_args)
        for before in hooks.before:
            if (result := await before()) is not None:
                return cast(ResponseReturnValue, result)
        return await self.dispatch_request(context)

    def _find_hooks(self, endpoint: str | None) -> Hooks:
        blueprints = blueprints_of(endpoint) if endpoint else []
        inward, outward = [None, *reversed(blueprints)], [*blueprints, None]
        return Hooks(
            [*chain.from_iterable(self.url_value_preprocessors.get(name, ()) for name in inward)],
            [self.ensure_async(hook) for name in inward for hook in self.before_request_funcs.get(name, ())],
            [self.ensure_async(hook) for name in outward for hook in reversed(self.after_request_funcs.get(name, ()))],
        )

    @property
    def _is_watched(self) -> bool:
        if self.teardown_appcontext_funcs or any(self.teardown_request_funcs.values()):
            return True
        for signal in SIGNALS:  # noqa: SIM110  any() would make a generator, for each request
            if signal.receivers:
                return True
        return False


def _again(first: Any, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    """As if the first message had not been taken yet."""
    waiting = [] if first is None else [first]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    return again
