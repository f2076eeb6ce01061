"""The OpenAPI document: made of the routes, of what their views say of themselves, and of the types that run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.resources import files
from inspect import getdoc
from typing import Any, get_origin

from pydantic import BaseModel
from pydantic_core import from_json
from quart import Quart

from domain.errors import (
    AdminRequired,
    BadJson,
    DomainError,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InvalidFields,
    InvalidQuery,
    MissingCredentials,
    MissingFields,
    NotJson,
    PreconditionFailed,
    SessionEnded,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TooManyRequests,
    Unavailable,
    UserInactive,
)
from domain.pages import Page
from routes.documented import JSON, Media, Operation
from routes.errors import FRAMEWORK, Problem, status_of
from routes.request import PROBES
from routes.schemas import Schema, Use, make_schemas, name_of, ref, without_null
from routes.words import ABOUT, HEADERS, OUTCOMES, PARAMETERS, SENT, TAG_OF, TAGS

METHODS = ("GET", "POST", "PATCH", "DELETE")
COMMON = ("X-Request-ID", "Cache-Control", "Vary", "RateLimit", "RateLimit-Policy")
OF_STATUS = {201: ("Location",), 401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
BAD_TOKEN = (TokenInvalid, TokenExpired, SessionEnded, UserInactive)
BEARER: list[Schema] = [{"bearer": []}]
SECURITY: dict[str, list[Schema]] = {
    "anyone": [],
    "visitor": [{}, *BEARER],
    "user": BEARER,
    "admin": BEARER,
    "monitor": [{}, {"metrics": []}],
}
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The access token of a login"},
    "metrics": {"type": "http", "scheme": "bearer", "description": "METRICS_TOKEN, for callers on other machines"},
}
ID = {"type": "string", "format": "uuid"}
EXAMPLES = from_json((files("routes") / "examples.json").read_bytes())


@dataclass(frozen=True)
class Call:
    """An operation where it is served."""

    method: str
    rule: str
    tag: str
    view: Any

    @property
    def operation(self) -> Operation:
        operation: Operation = self.view.operation
        return operation

    @property
    def path(self) -> str:
        return re.sub("<([^>]+)>", r"{\1}", self.rule)

    @property
    def path_parameters(self) -> list[str]:
        return re.findall("<([^>]+)>", self.rule)

    @property
    def is_conditional(self) -> bool:
        return self.operation.tagged and self.method != "POST"

    @cached_property
    def refusals(self) -> dict[int, dict[str, str]]:
        """The sentences by the codes by the statuses."""
        found: dict[int, dict[str, str]] = {}
        for error in (*self.operation.errors, *self._errors()):
            found.setdefault(status_of(error), {})[error.code] = error.message
        for status in (*self.operation.statuses, *self._statuses()):
            code, message = FRAMEWORK[status]
            found.setdefault(status, {})[code] = message
        return found

    def _errors(self) -> Iterator[type[DomainError]]:
        operation = self.operation
        if operation.caller in {"user", "admin", "visitor"}:
            yield from BAD_TOKEN
        if operation.caller in {"user", "admin"}:
            yield TokenMissing
        if operation.caller == "admin":
            yield AdminRequired
        if operation.body:
            yield from (NotJson, BadJson, InvalidFields)
            if _has_required(operation.body) and MissingCredentials not in operation.errors:
                yield MissingFields
        if not operation.any_query:
            yield InvalidQuery
        if operation.once:
            yield from (IdempotencyInProgress, IdempotencyKeyReused)
        if self.is_conditional and self.method != "GET":
            yield from (InvalidFields, PreconditionFailed)
        if self.rule not in PROBES:
            yield from (TooManyRequests, Unavailable)

    def _statuses(self) -> Iterator[int]:
        yield from (431, 500)
        if self.method in {"POST", "PATCH"}:
            yield from (408, 413)
        if self.path_parameters:
            yield 404  # an id with a slash in it leads elsewhere


def make_document(app: Quart) -> Schema:
    """The document of the app's documented routes."""
    calls = list(find_calls(app))
    schemas = make_schemas(_uses(calls))
    _leave_out_defaults(schemas, calls)
    responses: dict[str, Schema] = {}
    paths: dict[str, Schema] = {}
    for call in calls:
        path = paths.setdefault(call.path, {"parameters": [{"$ref": "#/components/parameters/X-Request-ID"}]})
        path[call.method.lower()] = _described(call, schemas, responses, calls)
    queries = {name_of(call.operation.query) for call in calls if call.operation.query}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Inkwell",
            "version": version("inkwell"),
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name not in queries},
            "responses": dict(sorted(responses.items())),
            "parameters": {name: {"name": name, "in": "header", **sent} for name, sent in SENT.items()},
            "headers": HEADERS,
            "examples": {code: {"value": problem} for code, problem in sorted(EXAMPLES["errors"].items())},
            "securitySchemes": SCHEMES,
        },
    }


def find_calls(app: Quart) -> Iterator[Call]:
    """What the app serves and its views document, in the order of the code: signing in comes before leaving."""
    for rule in app.url_map.iter_rules():
        view, blueprint = app.view_functions[rule.endpoint], rule.endpoint.partition(".")[0]
        for method in METHODS:
            if method in (rule.methods or ()) and hasattr(view, "operation"):
                yield Call(method, rule.rule, TAG_OF.get(blueprint, "Server"), view)


def _uses(calls: Sequence[Call]) -> list[Use]:
    """Which types are sent and answered."""
    operations = [call.operation for call in calls]
    sent = [kind for operation in operations for kind in (operation.body, operation.query) if kind]
    answers = [_json_of(answer) for operation in operations for answer in operation.answers.values()]
    answered = [Problem, *filter(None, answers)]
    return [(kind, "validation") for kind in sent] + [(kind, "serialization") for kind in answered]


def _has_required(body: type[BaseModel]) -> bool:
    return any(field.is_required() for field in body.model_fields.values())


def _leave_out_defaults(schemas: dict[str, Schema], calls: Sequence[Call]) -> None:
    """A PATCH leaves as it is what is not sent: the defaults in its model are never read."""
    for body in [call.operation.body for call in calls if call.method == "PATCH"]:
        for schema in schemas[name_of(body)]["properties"].values():
            schema.pop("default", None)


def _described(
    call: Call, schemas: Mapping[str, Schema], responses: dict[str, Schema], calls: Sequence[Call]
) -> Schema:
    operation = call.operation
    described: Schema = {"operationId": operation.id, "summary": operation.summary, "tags": [call.tag]}
    if words := getdoc(call.view):
        described["description"] = words
    described["security"] = SECURITY[operation.caller]
    if parameters := list(_parameters(call, schemas)):
        described["parameters"] = parameters
    if operation.body:
        content = {JSON: {"schema": ref(operation.body)}}
        described["requestBody"] = {"required": not operation.optional_body, "content": content}
    described["responses"] = _answers(call, calls) | _refused(call, responses)
    return described


def _parameters(call: Call, schemas: Mapping[str, Schema]) -> Iterator[Schema]:
    for name in call.path_parameters:
        yield {"name": name, "in": "path", "required": True, "schema": ID}
    listing = schemas[name_of(call.operation.query)]["properties"] if call.operation.query else {}
    for name, schema in listing.items():
        yield {"name": name, "in": "query", "description": PARAMETERS[name], "schema": without_null(schema)}
    if call.is_conditional:
        yield {"$ref": f"#/components/parameters/{'If-None-Match' if call.method == 'GET' else 'If-Match'}"}
    if call.operation.once:
        yield {"$ref": "#/components/parameters/Idempotency-Key"}


def _answers(call: Call, calls: Sequence[Call]) -> Schema:
    found = {str(status): _answer(call, status, kind) for status, kind in call.operation.answers.items()}
    if call.is_conditional and call.method == "GET":
        found["304"] = {"description": OUTCOMES[304], "headers": _headers("ETag")}
    if "201" in found:
        found["201"]["links"] = dict(_links(call.operation.answers[201], calls))
    return found


def _answer(call: Call, status: int, kind: Any) -> Schema:
    names = [*OF_STATUS.get(status, ()), *call.operation.headers.get(status, ())]
    names += ["ETag"] if call.operation.tagged and kind else []
    names += ["Link"] if get_origin(kind) is Page else []
    names += ["Idempotency-Replayed"] if call.operation.once else []
    answer: Schema = {"description": OUTCOMES[status], "headers": _headers(*names)}
    return answer | ({"content": _content(call, status, kind)} if kind else {})


def _content(call: Call, status: int, kind: Any) -> Schema:
    media = kind.types if isinstance(kind, Media) else ()
    content: Schema = {name: {"schema": {"type": "string"}} for name in media}
    if _json_of(kind):
        content[JSON] = {"schema": ref(_json_of(kind))}
        if example := EXAMPLES["answers"].get(call.operation.id, {}).get(str(status)):
            content[JSON]["examples"] = {"returned": {"value": example}}
    return content


def _json_of(kind: Any) -> Any:
    return kind.json if isinstance(kind, Media) else kind


def _links(kind: Any, calls: Sequence[Call]) -> Iterator[tuple[str, Schema]]:
    """From what was made to what can be done with it."""
    key = next(iter(kind.__annotations__))
    for call in calls:
        if call.path_parameters == [f"{key}_id"]:
            found = {f"{key}_id": f"$response.body#/{key}/id"}
            yield call.operation.id, {"operationId": call.operation.id, "parameters": found}


def _refused(call: Call, responses: dict[str, Schema]) -> Schema:
    """References to the responses, which are the same in many calls."""
    found = {}
    for status, sentences in sorted(call.refusals.items()):
        name = f"{status}.{'.'.join(sorted(sentences))}"
        responses.setdefault(name, _refusal(status, dict(sorted(sentences.items()))))
        found[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return found


def _refusal(status: int, sentences: dict[str, str]) -> Schema:
    schema = {"allOf": [ref(Problem), {"properties": {"code": {"enum": list(sentences)}}}]}
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in sentences if code in EXAMPLES["errors"]}
    return {
        "description": "\n".join(f"* `{code}`: {sentence}" for code, sentence in sentences.items()),
        "headers": _headers(*OF_STATUS.get(status, ())),
        "content": {JSON: {"schema": schema, "examples": examples}},
    }


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *COMMON)}
