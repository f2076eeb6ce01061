"""What every view does: read the input, learn who is asking, reply."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar, cast
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from quart import Response, current_app
from quart import request as current_request
from quart.globals import request_ctx
from werkzeug.local import LocalProxy

from domain.auth import Tokens
from domain.errors import (
    BadJson,
    Detail,
    InvalidFields,
    InvalidQuery,
    MissingFields,
    NotFound,
    NotJson,
    TokenInvalid,
    TokenMissing,
)
from domain.pages import Page, Pagination
from domain.users import Actor, Client
from routes.request import Request
from service import Services
from service.fields import LAST_PAGE, as_uuid

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")

MOST_PARAMETERS = 50
MOST_DETAILS = 20  # somebody who sends a thousand wrong fields is told of the first ones
LONGEST_FIELD_NAME = 100
UNKNOWN_FIELD = ("unknown", "Not known here")

services = cast(Services, LocalProxy(lambda: current_app.extensions["inkwell"]))
request = cast(Request, current_request)


def this_request() -> Request:
    """What `request` stands for, for who asks it many things: each look through the proxy takes a microsecond."""
    return cast(Request, request_ctx.request)


async def actor() -> Actor:
    """Who is asking. Raises a kind of Unauthenticated."""
    found = await visitor()
    if found is None:
        raise TokenMissing
    return found


async def visitor() -> Actor | None:
    """Who is asking, or None for somebody who shows no token. Raises a kind of Unauthenticated for a bad one."""
    token = bearer_token()
    if token is None:
        return None
    found = await services.auth.authenticate(token, client())
    request.user_id = found.id
    return found


def bearer_token() -> str | None:
    """The token that is shown, whatever it is worth. Raises TokenInvalid for another kind of credentials."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid
    return token.strip(" ")


def client() -> Client:
    """Where the request comes from."""
    asking = this_request()
    return Client(asking.client_ip, asking.user_agent_name, asking.request_id)


async def body(model: type[Model], *, optional: bool = False) -> Model:
    """The JSON body as the model; where it is `optional`, no body means `{}`.

    Raises NotJson, BadJson, MissingFields, InvalidFields, InvalidQuery.
    """
    no_query()
    if optional and not await request.get_data():
        return model()
    if not request.is_json:
        raise NotJson
    value = _json_object(await request.get_data(cache=False, as_text=False, parse_form_data=False))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        _refuse(error, InvalidFields)


def query(model: type[Model]) -> Model:
    """The query as the model. Raises InvalidQuery."""
    try:
        return model.model_validate(_parameters())
    except ValidationError as error:
        _refuse(error, InvalidQuery)


def no_query() -> None:
    """For what takes no query: a key that nobody reads is a mistake worth telling. Raises InvalidQuery."""
    if request.query_string:
        query(_NoQuery)


def path_id(text: str, missing: type[NotFound]) -> UUID:
    """The id in a path; what is no UUID is nobody's. Raises `missing`."""
    try:
        return as_uuid(text)
    except ValueError:
        raise missing from None


def reply(
    adapter: TypeAdapter[T], value: T, status: int = 200, *, headers: Mapping[str, str] | None = None
) -> Response:
    """The value as JSON."""
    request.gives_tokens = isinstance(value, Tokens)
    return Response(adapter.dump_json(value), status, {"Content-Type": "application/json", **(headers or {})})


def reply_page(adapter: TypeAdapter[Page[T]], page: Page[T]) -> Response:
    """The page as JSON, with links to the first, the previous and the next one (RFC 8288)."""
    answer = reply(adapter, page)
    answer.headers["Link"] = ", ".join(f'<{target}>; rel="{name}"' for name, target in _links(page.pagination))
    return answer


def no_content() -> Response:
    return bodiless(204)


def bodiless(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A 204 or 304: with no body, and nothing said of one (RFC 9110, 8.6)."""
    answer = Response(b"", status, dict(headers or {}))
    del answer.headers["Content-Type"], answer.headers["Content-Length"]
    return answer


class _NoQuery(BaseModel):
    model_config = {"extra": "forbid"}


def _links(here: Pagination) -> Iterator[tuple[str, str]]:
    yield "first", _elsewhere()
    if here.page is not None and here.page > 1:
        yield "prev", _elsewhere(page=str(here.page - 1))
    if here.next_cursor and here.page in (None, LAST_PAGE):  # beyond that page, the numbers end
        yield "next", _elsewhere(cursor=here.next_cursor)
    elif here.next_cursor and here.page is not None:
        yield "next", _elsewhere(page=str(here.page + 1))


def _elsewhere(**place: str) -> str:
    """The same list from another place on, as a relative reference."""
    kept = {key: value for key, value in _parameters().items() if key not in ("page", "cursor")}
    found = urlencode(kept | place, quote_via=quote)
    return quote(request.path) + (f"?{found}" if found else "")


def _json_object(raw: bytes) -> dict[str, Any]:
    """One JSON object, strictly: UTF-8, no repeated keys, no NaN, no halves of a character."""
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
        if b"\\ud" in raw.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise BadJson from None
    if not isinstance(value, dict):
        raise BadJson
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise BadJson
    return value


def _no_constant(_: str) -> NoReturn:
    raise BadJson


def _parameters() -> dict[str, str]:
    if request.query_string.count(b"&") >= MOST_PARAMETERS:
        raise InvalidQuery([Detail("", "too_many", f"More than {MOST_PARAMETERS} parameters")])
    try:
        pairs = parse_qsl(request.query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise InvalidQuery([Detail("", "encoding", "The query cannot be read as UTF-8 parameters")]) from None
    repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if repeated:
        raise InvalidQuery([Detail(_readable(key), "repeated", "Given more than once") for key in repeated])
    return dict(pairs)


def _refuse(error: ValidationError, refusal: type[InvalidFields]) -> NoReturn:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    missing = [str(problem["loc"][0]) for problem in problems if problem["type"] == "missing"]
    if missing:
        raise MissingFields(missing) from None
    raise refusal([_detail(problem) for problem in problems[:MOST_DETAILS]]) from None


def _detail(problem: Any) -> Detail:
    unknown = problem["type"] == "extra_forbidden"
    code, message = UNKNOWN_FIELD if unknown else (problem["type"], problem["msg"])
    return Detail(_field(problem["loc"]), code, message)


def _field(location: Sequence[Any]) -> str:
    return _readable(".".join(str(part) for part in location))


def _readable(name: str) -> str:
    return name[:LONGEST_FIELD_NAME]
