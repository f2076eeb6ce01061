"""What an attacker or a broken client sends, to every route: refused in the contract's shape, and never a crash."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from quart import Quart

from tests.support import Answer, Client

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"{",
    "invalid UTF-8": b'{"email": "\xff\xfe", "password": "\xc3"}',
    "UTF-16": '{"email": "a@b.org"}'.encode("utf-16"),
    "a NUL": b'{"email": "a\\u0000@b.org", "password": "long\\u0000enough!", "title": "\\u0000", "content": "\\u0000"}',
    "a lone surrogate": b'{"email": "\\ud800@b.org", "password": "\\udfff23456789", "title": "\\ud83d"}',
    "a lone surrogate as key": b'{"\\ud800": 1, "email": "a@b.org", "password": "x", "title": "x", "content": "x"}',
    "deep arrays": b"[" * 5000 + b"]" * 5000,
    "deep objects": b'{"title":' * 5000 + b"1" + b"}" * 5000,
    "deep inside": b'{"title": '
    + b"[" * 5000
    + b"]" * 5000
    + b', "content": "x", "email": "a@b.org", "password": "x"}',
    "NaN": b'{"email": NaN, "password": NaN, "title": NaN, "content": NaN, "published": NaN}',
    "Infinity": b'{"email": Infinity, "password": -Infinity, "title": Infinity, "content": -Infinity}',
    "beyond a double": b'{"email": 1e999, "password": 1, "title": 1e999, "content": 1e999}',
    "beyond 64 bits": b'{"email": 99999999999999999999, "password": 1, "title": 99999999999999999999, "content": 1}',
    "5,000 digits": b'{"email": ' + b"9" * 5000 + b', "password": "x", "title": "x", "content": "x"}',
    "duplicate keys": b'{"email": "a@b.org", "email": "c@d.org", "password": "x", "title": "x", "title": "y"}',
    "an array": b'[{"email": "a@b.org"}]',
    "a string": b'"email"',
    "a number": b"7",
    "null": b"null",
    "wrong types": b'{"email": {}, "password": [], "title": {}, "content": [], "published": "yes", "role": 7}',
    "a thousand unknown keys": json.dumps({f"key{number}": number for number in range(1000)}).encode(),
    "a huge address": json.dumps({"email": "a@" + "b." * 500_000, "password": "x" * 20, "title": {}}).encode(),
    "a huge key": json.dumps({"k" * 100_000: 1}).encode(),
}
QUERIES = [
    "page=-1",
    "page=0",
    "page=1e9",
    "limit=1e9",
    "limit=101",
    "limit=0",
    "page=99999999999999999999",
    "page=1_0",
    "page=%D9%A3",
    "page=1&page=1",
    "unknown=1",
    "unknown",
    "%FF=1",
    "q=%FF",
    "q=%00",
    "page=%00",
    "=",
    "q=" + "x" * 101,
    "&".join(f"a{number}=1" for number in range(100)),
    "published=true",
    "author=7",
    "cursor=AQ",
    "cursor=%00",
    "sort=id;--",
    "total=all",
]
IDS = ["7", "%00", "%FF", "%C3%28", "..", "%2e%2e", "' OR 1=1 --", "x" * 2000, "01890a5d-ac96-774b-bcce-b302099a8057x"]
PARAMETER = re.compile("<[^>]+>")
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
# What machines ask, and where mailed links lead, is answered whatever was added to it.
OPEN = {"/", "/healthz", "/readyz", "/metrics", "/reset", "/verify", "/links.css", "/links.js", "/front.css", "/docs"}
PAGE_FILES = {"/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/docs.css", "/docs/docs.js"}


def routes(app: Quart) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule.rule


def assert_refused(answer: Answer, asked: object) -> None:
    assert 400 <= answer.status < 500, (asked, answer.status, answer.body[:300])
    assert list(answer.json)[:4] == ["error", "code", "message", "request_id"], asked


@pytest.fixture
async def targets(app: Quart, ada: Client, admin: Client) -> list[tuple[str, str]]:
    """Every route of the app, with ids of what is really there."""
    post = await ada.write()
    return [
        (method, rule.replace("<user_id>", ada.id).replace("<post_id>", post["id"]).replace("<session_id>", NOBODY))
        for method, rule in routes(app)
    ]


@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_body_is_refused_by_every_route_that_takes_one(
    targets: list[tuple[str, str]], ada: Client, admin: Client, name: str
) -> None:
    optional = {("POST", "/api/auth/logout"), ("POST", "/api/auth/verify-email/resend")}
    no_body_will_do = optional if name == "nothing" else set()
    taking = [target for target in targets if target[0] in {"POST", "PATCH"} and target not in no_body_will_do]
    assert len(taking) >= 6
    for method, path in taking:
        for client in (ada, admin):
            answer = await client.send(method, path, headers={"Content-Type": "application/json"}, data=BODIES[name])
            assert_refused(answer, (method, path, name))


@pytest.mark.parametrize("query", QUERIES)
async def test_a_hostile_query_is_refused_by_every_route(
    targets: list[tuple[str, str]], admin: Client, query: str
) -> None:
    body: Any = {"title": "x", "content": "x", "email": "new@example.com", "password": "a fine long password"}
    for method, path in targets:
        if path in OPEN | PAGE_FILES:
            continue
        answer = await admin.send(method, f"{path}?{query}", json=body if method in {"POST", "PATCH"} else None)
        assert_refused(answer, (method, path, query))


@pytest.mark.parametrize("raw_id", IDS)
async def test_an_id_that_is_no_uuid_is_refused_by_every_route(app: Quart, admin: Client, raw_id: str) -> None:
    for method, rule in routes(app):
        if "<" not in rule:
            continue
        path = PARAMETER.sub(lambda _: raw_id, rule)
        answer = await admin.send(method, path, json={} if method in {"POST", "PATCH"} else None)
        assert_refused(answer, (method, path))
        assert answer.status in {404, 405} or answer.code == "missing_fields"  # which is told first


async def test_every_route_but_the_public_ones_asks_who_is_there(app: Quart, api: Client) -> None:
    public = {
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/api/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/front.css"),
        *(("GET", path) for path in PAGE_FILES),
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/forgot"),
        ("POST", "/api/auth/reset"),
        ("POST", "/api/auth/verify-email"),
        ("GET", "/reset"),
        ("GET", "/verify"),
        ("GET", "/links.css"),
        ("GET", "/links.js"),
        ("GET", "/api/posts"),
        ("GET", "/api/users/<user_id>/posts"),
        ("GET", "/api/posts/<post_id>"),
    }
    guarded = set(routes(app)) - public
    assert len(guarded) >= 9
    for method, rule in guarded:
        answer = await api.send(method, PARAMETER.sub("7", rule))
        assert (answer.status, answer.code) == (401, "token_missing"), (method, rule)


async def test_every_route_belongs_to_a_blueprint(app: Quart) -> None:
    assert all("." in rule.endpoint for rule in app.url_map.iter_rules())


@pytest.mark.parametrize("host", ["evil.example", "a b", "[", "x" * 300, "äö", "127.0.0.1:99999999"])
async def test_a_forged_host_is_never_repeated(api: Client, host: str) -> None:
    answer = await api.get("/api/posts", headers={"Host": host})
    assert answer.status in {200, 400}
    assert host not in str(answer.headers)


@pytest.mark.parametrize("name", ["Content-Length", "If-Match", "Accept", "X-Forwarded-For", "Origin", "User-Agent"])
async def test_strange_headers_are_no_crash(ada: Client, name: str) -> None:
    for value in ("", "x" * 4000, "-1", "é\xff", "1, 2", "\t"):
        assert (await ada.get("/api/users", headers={name: value})).status < 500
