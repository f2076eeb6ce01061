"""What is made by hand has all that the framework's own constructors would give it."""

from typing import Any

import pytest
from quart import Response
from quart.ctx import RequestContext
from werkzeug.exceptions import RequestEntityTooLarge

from inkwell.bridge import InkwellQuart
from inkwell.whole_request import NO_SESSION, WholeBody, WholeContext, WholeRequest
from routes.request import ReceivedHeaders, Request
from routes.response import JsonResponse

SCOPE: Any = {
    "type": "http",
    "http_version": "1.1",
    "method": "post",
    "scheme": "https",
    "server": ("127.0.0.1", 8000),
    "path": "//a/b",
    "query_string": b"c=d",
    "headers": [(b"x-request-id", b"7"), (b"content-type", b"application/json")],
}


async def push(*_: object) -> None: ...


@pytest.fixture
def headers() -> ReceivedHeaders:
    return ReceivedHeaders(SCOPE["headers"], "10.0.0.1")


@pytest.fixture
def whole(headers: ReceivedHeaders) -> WholeRequest:
    return WholeRequest(SCOPE, headers, WholeBody(b'{"e": 1}', 100), push)


@pytest.fixture
def usual(headers: ReceivedHeaders) -> Request:
    parts = (SCOPE["method"], SCOPE["scheme"], SCOPE["path"], SCOPE["query_string"], headers, "", SCOPE["http_version"])
    return Request(*parts, scope=SCOPE, max_content_length=100, body_timeout=None, send_push_promise=push)


OWN = {"_began", "body", "_parsing_lock"}  # of each request: times and things to wait on


async def test_a_request_is_as_quart_makes_it(whole: WholeRequest, usual: Request) -> None:
    plain, expected = vars(whole) | {"routing_exception": None}, vars(usual) | {"routing_exception": None}
    cached = {"content_length"}  # which Quart's constructor asks for
    assert {name: plain[name] for name in plain if name not in OWN} == {
        name: expected[name] for name in expected if name not in OWN | cached
    }
    assert whole.content_length == usual.content_length
    assert whole.path == "/a/b"


async def test_a_body_is_read_in_every_way(whole: WholeRequest) -> None:
    assert await whole.get_data(as_text=False) == await whole.body == b'{"e": 1}'
    assert await whole.get_json() == {"e": 1}
    assert await whole.get_data(as_text=True, cache=False) == '{"e": 1}'
    assert await whole.get_data() == b""


async def test_a_form_is_read(headers: ReceivedHeaders) -> None:
    scope = SCOPE | {"headers": [(b"content-type", b"application/x-www-form-urlencoded")]}
    headers = ReceivedHeaders(scope["headers"], "10.0.0.1")
    whole = WholeRequest(scope, headers, WholeBody(b"e=1&f=2", 100), push)
    assert dict(await whole.form) == {"e": "1", "f": "2"}


async def test_a_body_comes_once_in_pieces() -> None:
    assert [piece async for piece in WholeBody(b"all of it", None)] == [b"all of it"]
    assert [piece async for piece in WholeBody(b"", None)] == []


async def test_a_body_that_is_too_large_is_refused_however_it_is_read() -> None:
    body = WholeBody(b"x" * 11, 10)
    with pytest.raises(RequestEntityTooLarge):
        await body
    with pytest.raises(RequestEntityTooLarge):
        await anext(body)


async def test_a_context_is_as_quart_makes_it(whole: WholeRequest) -> None:
    app = InkwellQuart("toy", static_folder=None)
    quick, usual = WholeContext(app, whole), RequestContext(app, whole, NO_SESSION)
    for attribute in ("path_info", "default_method", "server_name", "script_name", "url_scheme"):
        assert getattr(quick.url_adapter, attribute) == getattr(usual.url_adapter, attribute)
    del quick.url_adapter, usual.url_adapter
    assert vars(quick) == vars(usual)
    assert quick.request is usual.request
    assert (quick.copy().request_websocket, quick.copy().session) == (whole, NO_SESSION)


async def test_an_answer_is_as_quart_makes_it() -> None:
    quick = JsonResponse(b"{}", 201, {"ETag": '"1"'})
    usual = Response(b"{}", 201, {"ETag": '"1"'}, content_type="application/json")
    assert vars(quick).keys() == vars(usual).keys()
    assert (quick.status, quick.status_code, quick.timeout) == (usual.status, usual.status_code, usual.timeout)
    assert dict(quick.headers) == dict(usual.headers)
    assert await quick.get_data() == await usual.get_data()
