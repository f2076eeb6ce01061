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


class Answer(NamedTuple):
    """What is sent."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class Refusal(NamedTuple):
    """An answer, but for what differs."""

    headers: list[tuple[bytes, bytes]]
    problem: dict[str, Any]


class Refusals:
    """Answers to Overloaded: the first one is made as any answer is, and those after it are made like it.

    `count_request` gets route, method, status and seconds of those.
    """

    def __init__(self, app: Quart, count_request: CountRequest) -> None:
        self._app, self.count_request = app, count_request
        self._first: dict[bool, Refusal] = {}  # by whether the worker drains

    async def refuse(self, request: Request, send: Send) -> bool:
        """Sends the refusal, or nothing, and returns False, where Quart has to see to it."""
        async with self._app.request_context(request):
            if _is_quarts(request):
                return False
            answer = self.another(request.request_id)
            if answer:
                self._note(request, len(answer.body))
            else:
                answer = await self._made(request.request_id)
        await send({"type": "http.response.start", "status": 503, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})
        return True

    def another(self, request_id: str) -> Answer | None:
        """Made like the first one, for the caller to note; None as long as there was none."""
        first = self._first.get(bool(self._app.extensions["draining"]))
        return first and _answer(first, request_id)

    async def _made(self, request_id: str) -> Answer:
        """By Quart's way, on which it is noted."""
        draining, answer = bool(self._app.extensions["draining"]), await refused(Overloaded())
        problem = from_json(await answer.get_data(as_text=False))
        finished = await self._app.process_response(answer)
        headers = [pair for pair in encode_headers(finished.headers) if pair[0].lower() not in CHANGING]
        first = self._first[draining] = Refusal(headers, problem)
        return _answer(first, request_id)

    def _note(self, request: Request, length: int) -> None:
        log_answer(request, 503, length)
        self.count_request(route_of(request), request.method, 503, request.age_ms / 1000)


def _answer(first: Refusal, request_id: str) -> Answer:
    body = to_json(first.problem | {"request_id": request_id})
    own = zip(CHANGING, (b"%d" % len(body), request_id.encode()), strict=True)
    return Answer([*first.headers, *own], body)


def _is_quarts(request: Request) -> bool:
    """What needs no room; and what browsers ask for another site, whose answers name that site."""
    return bool(request.routing_exception or request.path in PROBES or "Origin" in request.headers)
