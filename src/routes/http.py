"""What every view does: read the input, learn who is asking, reply."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn, TypeVar, cast
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from quart import Response
from quart import request as current_request
from quart.globals import _cv_app, _cv_request

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
from domain.pages import Page
from domain.users import Actor, Client
from routes.request import Request
from routes.response import JsonResponse
from service import Services
from service.fields import LAST_PAGE, as_uuid

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

MOST_PARAMETERS = 50
MOST_QUERIES, LONGEST_REMEMBERED_QUERY = 1024, 256
MOST_DETAILS = 20  # somebody who sends a thousand wrong fields is told of the first ones
LONGEST_FIELD_NAME = 100
UNKNOWN_FIELD = ("unknown", "Not known here")

request = cast(Request, current_request)


class _Services:
    """Those of the application that answers; werkzeug's LocalProxy would take six times as long for each look, and
    __getattr__ twice as long, since it is asked after a look that fails."""

    def __getattribute__(self, name: str) -> Any:
        return getattr(_cv_app.get().app.extensions["inkwell"], name)


services = cast(Services, _Services())


def this_request() -> Request:
    """What `request` stands for, for who asks it many things: each look through the proxy takes a microsecond."""
    asked: Request = _cv_request.get().request_websocket  # type: ignore[assignment]
    return asked


async def actor() -> Actor:
    """Who is asking. Raises a kind of Unauthenticated."""
    found = await visitor()
    if found is None:
        raise TokenMissing
    return found


async def visitor() -> Actor | None:
    """Who is asking, or None for somebody who shows no token. Raises a kind of Unauthenticated for a bad one."""
    asked = this_request()
    token = bearer_token(asked)
    if token is None:
        return None
    found = await services.auth.authenticate(token, asked.client)
    asked.user_id = found.id
    return found


def bearer_token(asked: Request) -> str | None:
    """The token that is shown, whatever it is worth. Raises TokenInvalid for another kind of credentials."""
    header = asked.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid
    return token.strip(" ")


def client() -> Client:
    """Where the request comes from."""
    return this_request().client


async def body(model: type[Model], *, optional: bool = False) -> Model:
    """The JSON body as the model; where it is `optional`, no body means `{}`.

    Raises NotJson, BadJson, MissingFields, InvalidFields, InvalidQuery.
    """
    no_query()
    asked = this_request()
    if optional and not await asked.get_data():
        return model()
    if asked.headers.get("Content-Type") != "application/json" and not asked.is_json:  # which takes it apart
        raise NotJson
    value = _json_object(await asked.get_data(cache=False, as_text=False, parse_form_data=False))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        _refuse(error, InvalidFields)


def query(model: type[Model]) -> Model:
    """The query as the model, which belongs to all who ask the same: nobody changes it. Raises InvalidQuery."""
    return cast(Model, _query(model, this_request().query_string))


def _remembered(function: F) -> F:
    """Keeps its results where its last argument, a query string, is short: first pages are asked for all the time."""
    short = lru_cache(MOST_QUERIES)(function)
    return cast(F, lambda *given: (short if len(given[-1]) <= LONGEST_REMEMBERED_QUERY else function)(*given))


def said(name: str) -> str | None:
    """The first value of a parameter, before the query is looked at as a whole."""
    return _said(name, this_request().query_string)


@_remembered
def _said(name: str, query_string: bytes) -> str | None:
    pairs = parse_qsl(query_string.decode("latin1"), keep_blank_values=True)
    return next((value for key, value in pairs if key == name), None)


@_remembered
def _query(model: type[BaseModel], query_string: bytes) -> BaseModel:
    try:
        return model.model_validate(_parameters(query_string))
    except ValidationError as error:
        _refuse(error, InvalidQuery)


def no_query() -> None:
    """For what takes no query: a key that nobody reads is a mistake worth telling. Raises InvalidQuery."""
    if this_request().query_string:
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
    if isinstance(value, Tokens):
        this_request().gives_tokens = True
    return JsonResponse(adapter.serializer.to_json(value), status, headers or {})


def reply_page(adapter: TypeAdapter[Page[T]], page: Page[T]) -> Response:
    """The page as JSON, with links to the first, the previous and the next one (RFC 8288)."""
    asked = this_request()
    link = _link(*_neighbours(page), asked.path, asked.query_string)
    return reply(adapter, page, headers={"Link": link})


def no_content() -> Response:
    return bodiless(204)


def bodiless(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A 204 or 304: with no body, and nothing said of one (RFC 9110, 8.6)."""
    answer = Response(b"", status, dict(headers or {}))
    del answer.headers["Content-Type"], answer.headers["Content-Length"]
    return answer


class _NoQuery(BaseModel):
    model_config = {"extra": "forbid"}


def _neighbours(page: Page[Any]) -> tuple[str | None, str | None]:
    """Where the pages before and after it begin, as parameters."""
    shown, number = page.pagination, page.pagination.page
    by_cursor = shown.next_cursor and f"cursor={shown.next_cursor}"
    if number is None:
        return None, by_cursor
    before = f"page={number - 1}" if number > 1 else None
    # Beyond the last page there are no numbers, and none lead on from a page for which there was no time.
    needs_cursor = number == LAST_PAGE or len(page.data) < shown.limit
    return before, by_cursor if needs_cursor else by_cursor and f"page={number + 1}"


@_remembered
def _link(before: str | None, after: str | None, path: str, query_string: bytes) -> str:
    """The same list from other places on, as relative references."""
    kept = {key: value for key, value in _parameters(query_string).items() if key not in ("page", "cursor")}
    here, others = quote(path), urlencode(kept, quote_via=quote)
    places = {"first": "", "prev": before, "next": after}.items()
    return ", ".join(f'<{_at(here, others, place)}>; rel="{name}"' for name, place in places if place is not None)


def _at(path: str, *parameters: str) -> str:
    found = "&".join(part for part in parameters if part)
    return f"{path}?{found}" if found else path


def _json_object(raw: bytes) -> dict[str, Any]:
    """One JSON object, strictly: UTF-8, no repeated keys, no NaN, no halves of a character."""
    try:
        value = _STRICT.decode(raw.decode())
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


# json.loads() would make one each time.
_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _parameters(query_string: bytes) -> dict[str, str]:
    if query_string.count(b"&") >= MOST_PARAMETERS:
        raise InvalidQuery([Detail("", "too_many", f"More than {MOST_PARAMETERS} parameters")])
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
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
