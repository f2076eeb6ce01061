"""Whether an answer is what the document of the API says: its status, its headers, and every field of its body."""

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from quart import Quart
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from routes.headers import SECURITY

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "docs" / "openapi.json").read_text())
RESOURCES = Registry().with_resource("urn:inkwell", DRAFT202012.create_resource(DOCUMENT))
# What is said once for all answers, in the document's prose; and what belongs to the connection or to the body.
EVERYWHERE = {name.lower() for name in SECURITY} | {"strict-transport-security", "allow"}
TRANSPORT = {"content-type", "content-length", "content-encoding", "connection", "date", "server"}
FORMATS = Draft202012Validator.FORMAT_CHECKER
assert {"date-time", "email", "uuid"} <= set(FORMATS.checkers)  # without rfc3339-validator, any text would be a time


def check_answer(app: Quart, method: str, path: str, status: int, headers: Any, body: bytes) -> None:
    """Fails for what the document does not tell. Routes that a test itself added are nobody's business."""
    operation = find_operation(app, method, path)
    if operation is None:
        return
    told = response_of(operation, str(status))
    assert told is not None, f"{method} {path}: {status} is not documented: {body[:200]!r}"
    _check_headers(told, headers, f"{method} {path} {status}")
    if method != "HEAD":
        _check_body(told, headers, body, f"{method} {path} {status}")


def find_operation(app: Quart, method: str, path: str) -> str | None:
    """The place of the operation in the document; None for paths and methods that there are not."""
    try:
        rule, _ = app.url_map.bind("inkwell").match(unquote(path.partition("?")[0]), method=method, return_rule=True)
    except (HTTPException, RequestRedirect, MethodNotAllowed):
        return None
    place = rule.rule.replace("<", "{").replace(">", "}")
    verb = "get" if method == "HEAD" else method.lower()
    return f"/paths/{_escaped(place)}/{verb}" if verb in DOCUMENT["paths"].get(place, {}) else None


@cache
def response_of(operation: str, status: str) -> str | None:
    """The place of the response in the document."""
    response = at(operation)["responses"].get(status)
    if response is None:
        return None
    return response["$ref"].removeprefix("#") if "$ref" in response else f"{operation}/responses/{status}"


def _check_headers(place: str, headers: Any, what: str) -> None:
    told = at(place)["headers"]
    for name in told:
        header = at(told[name]["$ref"].removeprefix("#"))
        if value := headers.get(name):
            integer = header["schema"]["type"] == "integer"
            _validate(told[name]["$ref"].removeprefix("#") + "/schema", int(value) if integer else value, what)
        else:
            assert not header.get("required"), f"{what}: {name} is missing"
    known = {name.lower() for name in told} | EVERYWHERE | TRANSPORT
    strange = {name.lower() for name, _ in headers.items()} - known
    assert not {name for name in strange if not name.startswith("access-control-")}, f"{what}: {strange}"


def _check_body(place: str, headers: Any, body: bytes, what: str) -> None:
    content = at(place).get("content")
    if content is None:
        assert body == b"", f"{what}: a body that is not documented"
        return
    kind = headers["Content-Type"].partition(";")[0]
    assert kind in content, f"{what}: {kind} is not documented"
    if kind == "application/json" and headers.get("Content-Encoding") is None:
        _validate(f"{place}/content/application~1json/schema", json.loads(body), what)


def _validate(place: str, value: Any, what: str) -> None:
    for error in _validator(place).iter_errors(value):
        raise AssertionError(f"{what}: {error.json_path} {error.message}")


@cache
def _validator(place: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"urn:inkwell#{place}"}, registry=RESOURCES, format_checker=FORMATS)


@cache
def at(place: str) -> Any:
    """What stands at the place (RFC 6901)."""
    found: Any = DOCUMENT
    for part in place.split("/")[1:]:
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
