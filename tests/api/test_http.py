"""What HTTP asks of every route: methods, bodies and their types, compression, and who may read an answer."""

import gzip
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from quart import Quart

from domain.errors import EmailTaken, IdempotencyKeyReused, PreconditionFailed, TooManyRequests, Unavailable
from inkwell.app import create_app
from inkwell.settings import Settings
from routes.compression import LONGEST_AT_ONCE_BYTES
from tests.documented import DOCUMENT
from tests.support import PASSWORD, Answer, Client

ORIGIN = {"Origin": "https://app.example.com"}
GUARDS = ("X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy", "Cache-Control", "X-Request-ID")
REFUSALS = {
    409: EmailTaken(),
    412: PreconditionFailed(),
    422: IdempotencyKeyReused(),
    429: TooManyRequests(7),
    503: Unavailable(),
}
ZIPPED = {"Accept-Encoding": "gzip"}
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
async def paths(app: Quart, ada: Client) -> dict[str, set[str]]:
    """Every path of the app, with ids of what is there, and the methods that it takes."""
    ids = {"<user_id>": ada.id, "<post_id>": (await ada.write())["id"], "<session_id>": NOBODY}
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        path = re.sub("<[^>]+>", lambda match: ids[match[0]], rule.rule)
        found.setdefault(path, set()).update(rule.methods or ())
    return found


def is_of_a_page(path: str) -> bool:
    """A page for people, or a file that one loads."""
    content = DOCUMENT["paths"].get(path, {}).get("get", {}).get("responses", {}).get("200", {}).get("content", {})
    return bool(content) and "application/json" not in content and path != "/metrics"


def allowed(answer: Answer) -> set[str]:
    return set(answer.headers["Allow"].split(", "))


async def test_options_tells_every_paths_methods(paths: dict[str, set[str]], api: Client) -> None:
    for path, methods in paths.items():
        answer = await api.wire("OPTIONS", path)
        assert (answer.status, answer.body, allowed(answer)) == (204, b"", methods), path
        assert "Content-Type" not in answer.headers
        assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PATCH", "DELETE", "POST", "GET", "BREW"])
async def test_a_method_that_a_path_does_not_take_is_told_those_that_it_does(
    paths: dict[str, set[str]], ada: Client, method: str
) -> None:
    for path, methods in paths.items():
        if method not in methods:
            answer = await ada.wire(method, path)
            assert (answer.status, answer.code, allowed(answer)) == (405, "method_not_allowed", methods), path


async def test_head_says_what_get_says(paths: dict[str, set[str]], admin: Client) -> None:
    moving = {"x-request-id", "date"}
    for path in (path for path, methods in paths.items() if "GET" in methods and path != "/metrics"):
        for headers in ({}, ZIPPED, {"If-None-Match": "*"}):
            got, told = [await admin.wire(method, path, headers) for method in ("GET", "HEAD")]
            assert got.status in (200, 304), path
            heads = [sorted(pair for pair in one.headers if pair[0].lower() not in moving) for one in (got, told)]
            assert (told.status, heads[1]) == (got.status, heads[0]), path


async def test_every_body_is_json_and_counted(paths: dict[str, set[str]], ada: Client, api: Client) -> None:
    for path, methods in paths.items():
        if is_of_a_page(path):
            continue
        for client in (ada, api):
            answer = await client.wire("GET" if "GET" in methods else "PUT", path)
            assert answer.headers["Content-Type"] == "application/json", path
            assert int(answer.headers["Content-Length"]) == len(answer.body), path


async def test_a_204_has_no_body_and_no_type(ada: Client) -> None:
    answer = await ada.wire("DELETE", f"/api/posts/{(await ada.write())['id']}")
    assert (answer.status, answer.body) == (204, b"")
    assert not any(name in answer.headers for name in ("Content-Type", "Content-Length"))


@pytest.fixture
async def browser(make_settings: Callable[..., Settings]) -> AsyncIterator[Client]:
    settings = make_settings(cors_origins=ORIGIN["Origin"], body_limit_bytes=1024)
    async with create_app(settings).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


async def crash() -> str:
    raise RuntimeError


@pytest.mark.parametrize(
    ("status", "method", "path", "more"),
    [
        (400, "POST", "/api/auth/login", {"json": {}}),
        (401, "GET", "/api/users", {}),
        (404, "GET", "/nope", {}),
        (404, "GET", "/api/posts/7", {}),
        (405, "PUT", "/api/posts", {}),
        (413, "POST", "/api/auth/login", {"json": {"email": "x" * 2000, "password": "x"}}),
        (431, "GET", "/api/posts", {"headers": {**ORIGIN, "X-Long": "x" * 17_000}}),
        (500, "GET", "/crash", {}),
    ],
)
async def test_every_failure_is_guarded_and_can_be_read_by_a_named_origin(
    browser: Client, status: int, method: str, path: str, more: dict[str, Any]
) -> None:
    browser.app.add_url_rule("/crash", view_func=crash)
    answer = await browser.send(method, path, **{"headers": ORIGIN, **more})
    assert answer.status == status
    assert all(name in answer.headers for name in GUARDS)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


async def refuse(status: int) -> str:
    raise REFUSALS[status]


async def test_so_is_every_refusal_of_the_domain(browser: Client) -> None:
    browser.app.add_url_rule("/refuse/<int:status>", view_func=refuse)
    for status in REFUSALS:
        answer = await browser.get(f"/refuse/{status}", headers=ORIGIN)
        assert answer.status == status
        assert all(name in answer.headers for name in GUARDS)
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
        assert ("Retry-After" in answer.headers) is (status in {429, 503})


async def test_without_named_origins_nobody_is_allowed_anything(paths: dict[str, set[str]], api: Client) -> None:
    for path in paths:
        for method, wish in (("OPTIONS", {"Access-Control-Request-Method": "GET"}), ("GET", {})):
            answer = await api.wire(method, path, ORIGIN | wish)
            assert not any(name.lower().startswith("access-control-") for name, _ in answer.headers.items()), path


async def test_every_path_answers_a_preflight(paths: dict[str, set[str]], browser: Client) -> None:
    sendable = "authorization, content-type, if-match, if-none-match, idempotency-key, x-request-id"
    for path, methods in paths.items():
        for method in methods:
            wish = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": sendable}
            answer = await browser.wire("OPTIONS", path, ORIGIN | wish)
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN["Origin"])
            assert method in answer.headers["Access-Control-Allow-Methods"]
            told = answer.headers["Access-Control-Allow-Headers"].lower().split(",")
            assert {name.strip() for name in told} == set(sendable.split(", "))


async def test_an_answer_depends_on_the_origin_whether_or_not_one_is_named(browser: Client) -> None:
    for headers in ({}, ORIGIN, {"Origin": "https://evil.example"}):
        assert "Origin" in (await browser.get("/api/posts", headers=headers)).headers["Vary"]


@pytest.fixture
async def long_list(ada: Client) -> str:
    """The path of a list that is above 1 KiB."""
    for number in range(5):
        await ada.write(f"Post {number}", content="A sentence that is said again. " * 10)
    return "/api/posts"


ENCODINGS = {
    "gzip": True,
    "GZIP": True,
    "deflate, gzip;q=0.5, br": True,
    "*": True,
    "gzip, identity": True,
    "identity;q=0": False,
    "identity;q=0, *": True,
    "identity;q=0.5, gzip;q=1.0": True,
    "identity, gzip;q=0.5": False,
    "gzip;q=0": False,
    "gzip;q=0, *": False,
    "*;q=0": False,
    "br": False,
    "gzipped": False,
    "": False,
    ";;q=,": False,
}


@pytest.mark.parametrize("accepted", ENCODINGS)
async def test_long_answers_are_packed_for_those_who_ask_for_it(ada: Client, long_list: str, accepted: str) -> None:
    plain = await ada.get(long_list)
    answer = await ada.get(long_list, headers={"Accept-Encoding": accepted})
    packed = answer.headers.get("Content-Encoding") == "gzip"
    assert packed is ENCODINGS[accepted]
    assert (gzip.decompress(answer.body) if packed else answer.body) == plain.body
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert plain.headers["Vary"] == answer.headers["Vary"] == "Accept-Encoding"


async def test_very_long_answers_are_packed_beside_the_loop(ada: Client) -> None:
    content = "".join(f"{number} bottles. " for number in range(10_000))
    assert len(content) > LONGEST_AT_ONCE_BYTES
    await ada.write(content=content)
    answer = await ada.get("/api/posts", headers=ZIPPED)
    assert gzip.decompress(answer.body) == (await ada.get("/api/posts")).body


async def test_long_failures_are_packed_too(api: Client) -> None:
    wrong = {f"unknown{number}": 1 for number in range(20)} | {"email": "a@example.com", "password": PASSWORD}
    answer = await api.post("/api/auth/register", wrong, headers=ZIPPED)
    assert (answer.status, answer.headers["Content-Encoding"]) == (400, "gzip")


async def test_short_answers_are_not_packed(ada: Client) -> None:
    answer = await ada.get("/api/posts", headers=ZIPPED)
    assert len(answer.body) <= 1024
    assert not {"Content-Encoding", "Vary"} & {name.title() for name, _ in answer.headers}


async def test_what_bears_a_tag_is_not_packed(ada: Client) -> None:
    post = await ada.write(content="x" * 5000)
    answer = await ada.get(f"/api/posts/{post['id']}", headers=ZIPPED)
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Authorization"


async def test_tokens_are_not_packed(api: Client) -> None:
    names = {"first_name": "A" * 100, "last_name": "\U0001f600" * 100}
    await api.join("ada@example.com", **names)
    login = await api.post("/api/auth/login", {"email": "ada@example.com", "password": PASSWORD}, headers=ZIPPED)
    token = {"refresh_token": login.json["refresh_token"]}
    for answer in (login, await api.post("/api/auth/refresh", token, headers=ZIPPED)):
        assert answer.json["access_token"]
        assert "Content-Encoding" not in answer.headers
    assert len(login.body) > 1024
