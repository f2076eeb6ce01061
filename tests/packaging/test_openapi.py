"""The OpenAPI document: valid, complete, and the same as its copy in docs/."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from quart import Quart

from domain import errors
from domain.errors import DomainError
from tests.documented import DOCUMENT, check_answer
from tests.support import Answer, Client

ROOT = Path(__file__).parents[2]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() - {"parameters"}:
            yield method.upper(), path, item[method]


def test_the_copy_is_what_the_code_says() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "api-document"), "--check"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


async def test_what_is_served_is_the_copy(api: Client) -> None:
    answer = await api.get("/api/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json == DOCUMENT


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_route_is_documented_and_nothing_else(app: Quart) -> None:
    served = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(method, path) for method, path, _ in operations()} == served


def test_operation_ids_are_names_of_their_own() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)
    assert all(name.isidentifier() for name in ids)


def test_every_refusal_of_the_domain_is_documented_somewhere() -> None:
    told = {code for name in DOCUMENT["components"]["responses"] for code in name.split(".")[1:]}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DomainError)]
    assert {kind.code for kind in kinds if hasattr(kind, "code")} <= told


def test_every_parameter_and_header_is_explained() -> None:
    for _, _, operation in operations():
        queries = [one for one in operation.get("parameters", []) if one.get("in") == "query"]
        assert all(one["description"] and "anyOf" not in one["schema"] for one in queries)
    assert all(header["description"] for header in DOCUMENT["components"]["headers"].values())


@pytest.fixture
async def profile(ada: Client) -> Answer:
    return await ada.get("/api/auth/profile")


def test_an_answer_as_documented_passes(app: Quart, profile: Answer) -> None:
    check_answer(app, "GET", "/api/auth/profile", 200, profile.headers, profile.body)


@pytest.mark.parametrize(
    ("status", "header", "old", "new"),
    [
        (418, {}, b"", b""),
        (200, {"X-Strange": "1"}, b"", b""),
        (200, {"ETag": "weak"}, b"", b""),
        (200, {"ETag": ""}, b"", b""),
        (200, {}, b'"role":"user",', b""),
        (200, {}, b'"role"', b'"rank"'),
        (200, {}, b'"role":"user"', b'"role":"user","more":1'),
        (200, {}, b'"role":"user"', b'"role":"king"'),
    ],
)
def test_an_answer_that_is_not_documented_fails(
    app: Quart, profile: Answer, status: int, header: dict[str, str], old: bytes, new: bytes
) -> None:
    profile.headers.update(header)
    with pytest.raises(AssertionError):
        check_answer(app, "GET", "/api/auth/profile", status, profile.headers, profile.body.replace(old, new))
