"""Every failure in one shape, and what every answer carries."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart
from werkzeug.datastructures import Headers

from inkwell.app import create_app
from inkwell.settings import Settings
from tests.support import Answer, Client

Events = Callable[[], list[dict[str, Any]]]


def assert_problem(answer: Answer, status: int, phrase: str, code: str) -> None:
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
    assert list(answer.json)[:4] == ["error", "code", "message", "request_id"]
    assert (answer.json["error"], answer.code) == (phrase, code)
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/nope", "/api", "/api/users/", "/api//users", "/static/x", "/%FF"])
async def test_an_unknown_path_is_not_found(api: Client, path: str) -> None:
    answer = await api.get(path)
    assert_problem(answer, 404, "Not Found", "not_found")
    assert answer.json["message"] == "Resource does not exist"


async def test_a_wrong_method_is_told_the_right_ones(api: Client) -> None:
    answer = await api.send("PUT", "/api/users")
    assert_problem(answer, 405, "Method Not Allowed", "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_and_head_work_on_every_path(app: Quart, admin: Client) -> None:
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<user_id>", admin.id).replace("<post_id>", (await admin.write())["id"])
        options = await admin.send("OPTIONS", path)
        assert (options.status, "OPTIONS" in options.headers["Allow"]) == (204, True)
        if "GET" in (rule.methods or ()):
            near = {"client": ("127.0.0.1", 1)}  # /metrics is for nobody else
            answers = [await admin.send(method, path, scope_base=near) for method in ("HEAD", "GET")]
            assert [answer.status for answer in answers] == [200, 200]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "json", ";;"])
async def test_a_body_that_is_not_json_by_its_type_is_refused(api: Client, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await api.send("POST", "/api/auth/login", headers=headers, data=b'{"email": "a@b.org", "password": "x"}')
    assert_problem(answer, 400, "Bad Request", "not_json")
    assert answer.json["message"] == "Request body must be JSON"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/vnd.api+json"])
async def test_json_may_say_more_of_itself(api: Client, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = await api.send("POST", "/api/auth/login", headers=headers, data=b'{"email": "a@b.org", "password": "x"}')
    assert answer.code == "invalid_credentials"


async def test_missing_fields_are_named_before_wrong_ones(api: Client) -> None:
    answer = await api.post("/api/auth/register", {"first_name": 7, "surprise": 1})
    assert_problem(answer, 400, "Bad Request", "missing_fields")
    assert answer.json["message"] == "Missing required fields"
    assert answer.json["missing_fields"] == ["email", "password"]


async def test_wrong_and_unknown_fields_are_named_one_by_one(api: Client) -> None:
    answer = await api.post("/api/auth/register", {"email": "nope", "password": "short", "surprise": 1})
    assert_problem(answer, 400, "Bad Request", "invalid_fields")
    assert answer.json["message"] == "Invalid email format"
    assert [detail["field"] for detail in answer.json["details"]] == ["email", "password", "surprise"]
    assert answer.json["details"][0] == {
        "field": "email",
        "code": "email_format",
        "message": "Invalid email format",
    }


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("x" * 9, "string_too_short"),
        ("x" * 129, "string_too_long"),
        ("my-CAROLINE-password", "password_contains_email"),
        ("Password123", "password_common"),
    ],
)
async def test_a_weak_password_is_refused_where_it_is_set(api: Client, password: str, code: str) -> None:
    answer = await api.post("/api/auth/register", {"email": "caroline@example.com", "password": password})
    assert (answer.code, answer.json["details"][0]["field"]) == ("invalid_fields", "password")
    assert answer.json["details"][0]["code"] == code
    assert password.encode() not in answer.body


async def test_a_crash_is_told_without_its_internals(app: Quart, api: Client, log_events: Events) -> None:
    async def crash() -> str:
        raise RuntimeError("the secret is 42")

    app.add_url_rule("/crash", view_func=crash)
    answer = await api.get("/crash", headers={"X-Request-ID": "find-me"})
    assert_problem(answer, 500, "Internal Server Error", "internal")
    assert b"42" not in answer.body
    told = [event for event in log_events() if "the secret is 42" in str(event)]
    assert [event["request_id"] for event in told] == ["find-me"]


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2_3", True), ("x" * 65, False), ("a b", False), ("", False), ("é", False)]
)
async def test_a_harmless_request_id_is_kept(api: Client, given: str, kept: bool) -> None:
    answer = await api.get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is kept
    assert answer.headers["X-Request-ID"]


async def test_every_answer_is_guarded_and_says_nothing_of_the_server(api: Client, ada: Client) -> None:
    for answer in (await api.get("/nope"), await ada.get("/api/users"), await api.post("/api/auth/login", {})):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in answer.headers
        assert "Server" not in answer.headers


async def test_a_body_above_the_limit_is_too_large(ada: Client) -> None:
    answer = await ada.post("/api/posts", {"title": "x", "content": "x" * 1_100_000})
    assert_problem(answer, 413, "Content Too Large", "body_too_large")


async def test_a_body_that_does_not_come_times_out(make_settings: Callable[..., Settings]) -> None:
    async with create_app(make_settings(body_timeout_seconds=0.05)).test_app() as running:
        headers = {"Content-Type": "application/json", "Content-Length": "100"}
        client = running.app.test_client()  # type: ignore[attr-defined]
        async with client.request("/api/auth/login", method="POST", headers=headers) as connection:
            await connection.send(b'{"email":')
            body = await connection.receive()
    assert (connection.status_code, json.loads(body)["code"]) == (408, "request_timeout")


@pytest.fixture
async def browser(make_settings: Callable[..., Settings]) -> Any:
    settings = make_settings(cors_origins="https://app.example.com,https://two.example.com", hsts_seconds=60)
    async with create_app(settings).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


async def test_named_origins_may_call_and_read_the_headers_that_matter(browser: Client) -> None:
    answer = await browser.get("/api/posts", headers={"Origin": "https://app.example.com"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    exposed = {name.strip().lower() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"etag", "link", "location", "x-request-id", "retry-after", "ratelimit"} <= exposed
    assert "origin" in answer.headers["Vary"].lower()
    assert answer.headers["Strict-Transport-Security"] == "max-age=60"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null"]
)
async def test_other_origins_may_not(browser: Client, api: Client, origin: str) -> None:
    for client in (browser, api):
        answer = await client.get("/api/posts", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_error_answers_can_be_read_by_the_named_origins(browser: Client) -> None:
    origin = {"Origin": "https://two.example.com"}
    for answer in (await browser.get("/nope", headers=origin), await browser.get("/api/users", headers=origin)):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://two.example.com"


async def test_a_preflight_is_told_what_it_may_send(browser: Client) -> None:
    wish = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,x-evil",
    }
    answer = await browser.send("OPTIONS", "/api/posts/7", headers={"Origin": "https://app.example.com"} | wish)
    assert answer.status == 204
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert allowed == {"authorization", "content-type"}


async def test_the_address_behind_a_trusted_proxy_is_the_clients(
    make_settings: Callable[..., Settings], log_events: Events
) -> None:
    async with create_app(make_settings(trusted_proxies=1)).test_app() as running:
        client = Client(running.app)  # type: ignore[attr-defined]
        for lines in (["6.6.6.6, 203.0.113.7"], ["6.6.6.6", "203.0.113.7"]):
            await client.get("/api/posts", headers=Headers([("X-Forwarded-For", line) for line in lines]))
            assert log_events()[-1]["ip"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("told", "address"),
    [("203.0.113.7:51234", "203.0.113.7"), ("[2001:db8::1]:443", "2001:db8::1"), ("2001:db8::1", "2001:db8::1")],
)
async def test_a_proxy_may_tell_the_port_too(
    make_settings: Callable[..., Settings], log_events: Events, told: str, address: str
) -> None:
    async with create_app(make_settings(trusted_proxies=1)).test_app() as running:
        await Client(running.app).get("/api/posts", headers={"X-Forwarded-For": told})  # type: ignore[attr-defined]
    assert log_events()[-1]["ip"] == address


async def test_a_forwarded_address_from_nowhere_is_not_believed(api: Client, log_events: Events) -> None:
    await api.get("/api/posts", headers={"X-Forwarded-For": "6.6.6.6"})
    assert log_events()[-1]["ip"] is None
