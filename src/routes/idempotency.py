"""Idempotency-Key (an IETF draft): the same request again gets the answer that the first one got, byte for byte."""

import re
from collections.abc import Callable
from typing import TypeVar

from pydantic_core import from_json, to_json
from quart import Response
from werkzeug.datastructures import Headers

from domain.errors import Detail, InvalidFields
from routes.http import this_request
from service.idempotency import Once, Replayed

T = TypeVar("T")

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def once(answered: Callable[[T], Response]) -> Once[T] | None:
    """What the caller wants done once, and how that is answered; None without a key. Raises InvalidFields."""
    asking = this_request()
    keys = asking.headers.getlist("Idempotency-Key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise InvalidFields([Detail("Idempotency-Key", "idempotency_key_format", "1 to 255 visible ASCII characters")])
    content = await asking.get_data(cache=True, as_text=False, parse_form_data=False)
    asked = f"{asking.method} {asking.path}\n".encode() + content
    return Once(keys[0], asked, lambda value: _written(answered(value)))


async def replayed(done: Replayed) -> Response:
    """The answer that was kept."""
    head, _, body = done.answer.partition(b"\n")
    status, headers = from_json(head)
    return Response(body, status, Headers([*headers, ("Idempotency-Replayed", "true")]))


async def _written(answer: Response) -> bytes:
    """A line of JSON with status and headers, and then the body."""
    content = await answer.get_data(as_text=False)
    return to_json([answer.status_code, list(answer.headers)]) + b"\n" + content
