"""What is said to requests for which there is no room, in a part of the time that Quart's way takes."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json
from quart import Quart
from quart.utils import encode_headers

from domain.errors import Overloaded
from routes.errors import refused
from routes.headers import log_answer
from routes.metrics import CountRequest, route_of
from routes.request import PROBES, Request

CHANGING = (b"content-length", b"x-request-id")  # what differs from one refusal to the next, and in the body the id

Send = Callable[[Any], Awaitable[None]]


class Refusal(NamedTuple):
    """An answer, but for what differs."""

    headers: list[tuple[bytes, bytes]]
    problem: dict[str, Any]


class Refusals:
    """Answers to Overloaded: the first one is made as any answer is, and those after it are made like it.

    `count_request` gets route, method, status and seconds of those.
    """

    def __init__(self, app: Quart, count_request: CountRequest) -> None:
        self._app, self._count_request = app, count_request
        self._first: dict[bool, Refusal] = {}  # by whether the worker drains

    async def refuse(self, request: Request, send: Send) -> bool:
        """Sends the refusal, or nothing, and returns False, where Quart has to see to it."""
        async with self._app.request_context(request):
            if _is_quarts(request):
                return False
            headers, body = await self._answer(request)
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return True

    async def _answer(self, request: Request) -> tuple[list[tuple[bytes, bytes]], bytes]:
        draining = bool(self._app.extensions["draining"])
        is_first = draining not in self._first
        first = self._first[draining] = await self._made() if is_first else self._first[draining]
        body = to_json(first.problem | {"request_id": request.request_id})
        own = zip(CHANGING, (b"%d" % len(body), request.request_id.encode()), strict=True)
        if not is_first:
            self._note(request, len(body))
        return [*first.headers, *own], body

    async def _made(self) -> Refusal:
        """By Quart's way, on which it is noted."""
        answer = await refused(Overloaded())
        problem = from_json(await answer.get_data(as_text=False))
        finished = await self._app.process_response(answer)
        return Refusal([pair for pair in encode_headers(finished.headers) if pair[0].lower() not in CHANGING], problem)

    def _note(self, request: Request, length: int) -> None:
        log_answer(request, 503, length)
        self._count_request(route_of(request), request.method, 503, request.age_ms / 1000)


def _is_quarts(request: Request) -> bool:
    """What needs no room; and what browsers ask for another site, whose answers name that site."""
    return bool(request.routing_exception or request.path in PROBES or "Origin" in request.headers)
