"""What Quart promises holds on the shorter way through it as well."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart, Response, after_this_request, copy_current_request_context, g, request, websocket
from quart.typing import TestClientProtocol as Visitor

from inkwell.bridge import InkwellQuart
from inkwell.gate import Gate
from inkwell.lean import LeanQuart

pytestmark = pytest.mark.parametrize("kind", [LeanQuart, InkwellQuart])


@pytest.fixture
def app(kind: type[InkwellQuart]) -> InkwellQuart:
    app = kind("toy", static_folder=None, template_folder=None)
    app.gate = Gate(10, 10, 1)
    app.config.update(BODY_TIMEOUT=0.1, MAX_CONTENT_LENGTH=1000, REQUEST_TIMEOUT=5)
    app.config.update(TRUSTED_PROXIES=0, PROPAGATE_EXCEPTIONS=False)
    return app


@pytest.fixture
def client(app: Quart) -> Visitor:
    return app.test_client()


async def raw(app: Quart, *messages: dict[str, Any], method: str = "POST", headers: Any = ()) -> list[dict[str, Any]]:
    """What the app sends to a client that sends this, and then nothing."""
    coming, sent = list(messages), []

    async def receive() -> Any:
        return coming.pop(0) if coming else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await asyncio.wait_for(app(scope(method, headers), receive, send), 5)
    return sent


def scope(method: str, headers: Any = ()) -> Any:
    """A request to / as an ASGI server tells of it."""
    line = {"type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": "/", "query_string": b""}
    return {**line, "headers": [(b"host", b"x"), *headers], "asgi": {"version": "3.0"}, "client": ("127.0.0.1", 1)}


async def test_an_answer_is_streamed_in_pieces(app: Quart) -> None:
    @app.get("/")
    async def stream() -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in (b"one", b"two"):
                yield piece

        return pieces()

    sent = await raw(app, {"type": "http.request", "body": b"", "more_body": False}, method="GET")
    assert [message.get("body") for message in sent] == [None, b"one", b"two", b""]
    assert [message.get("more_body") for message in sent] == [None, True, True, False]


async def test_a_websocket_talks(app: Quart, client: Visitor) -> None:
    @app.websocket("/talk")
    async def talk() -> None:
        await websocket.send(str(await websocket.receive()) + " yourself")

    async with client.websocket("/talk") as other:
        await other.send("echo")
        assert await other.receive() == "echo yourself"


async def test_a_body_in_pieces_comes_whole(app: Quart) -> None:
    @app.post("/")
    async def echo() -> Any:
        return await request.get_data(as_text=False)

    pieces = [{"type": "http.request", "body": b"x" * 400, "more_body": more} for more in (True, False)]
    sent = await raw(app, *pieces, headers=[(b"content-length", b"800")])
    assert b"".join(message.get("body", b"") for message in sent) == b"x" * 800


@pytest.mark.parametrize("announced", [[(b"content-length", b"2000")], [(b"transfer-encoding", b"chunked")]])
async def test_a_body_that_is_too_large_is_refused(app: Quart, announced: Any) -> None:
    @app.post("/")
    async def read() -> Any:
        return await request.get_data(as_text=False)

    sent = await raw(app, {"type": "http.request", "body": b"x" * 2000, "more_body": False}, headers=announced)
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("came", [[], [{"type": "http.request", "body": b"a piece", "more_body": True}]])
async def test_a_body_that_does_not_come_in_time_is_given_up(app: Quart, came: list[dict[str, Any]]) -> None:
    @app.post("/")
    async def read() -> Any:
        return await request.get_data(as_text=False)

    sent = await raw(app, *came, headers=[(b"content-length", b"800")])
    assert sent[0]["status"] == 408


async def test_a_body_that_http_2_does_not_announce_is_given_up_too(app: Quart) -> None:
    @app.post("/")
    async def read() -> Any:
        return await request.get_data(as_text=False)

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    await asyncio.wait_for(app(scope("POST") | {"http_version": "2"}, receive, send), 5)
    assert sent[0]["status"] == 408


async def test_head_is_answered_as_get(app: Quart, client: Visitor) -> None:
    app.add_url_rule("/", view_func=_hello)
    answer = await client.head("/")
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "5")


async def test_errors_find_their_handlers(app: Quart, client: Visitor) -> None:
    @app.get("/")
    async def fail() -> str:
        raise KeyError("x")

    @app.errorhandler(KeyError)
    async def handle(_: KeyError) -> tuple[str, int]:
        return "handled", 418

    assert (await client.get("/")).status_code == 418
    assert (await client.get("/nowhere")).status_code == 404


async def test_hooks_run_in_their_order(app: Quart, client: Visitor) -> None:
    order: list[str] = []

    @app.before_request
    async def before() -> None:
        order.append("before")

    @app.after_request
    async def after(answer: Response) -> Response:
        order.append("after")
        return answer

    @app.teardown_request
    async def teardown(_: BaseException | None) -> None:
        order.append("teardown")

    @app.get("/")
    async def view() -> str:
        @after_this_request
        async def own(answer: Any) -> Any:
            order.append("own")
            return answer

        return "view"

    await client.get("/")
    assert order == ["before", "own", "after", "teardown"]


async def test_plain_functions_are_run_in_a_thread_and_do_not_hold_up_the_loop(app: Quart, client: Visitor) -> None:
    @app.get("/")
    def view() -> str:
        return threading.current_thread().name

    assert await (await client.get("/")).get_data() != threading.main_thread().name.encode()


async def test_each_request_has_a_context_of_its_own(app: Quart, client: Visitor) -> None:
    @app.get("/<name>")
    async def view(name: str) -> str:
        g.name = name
        await asyncio.sleep(0.01)
        return f"{g.name} {request.path}"

    answers = await asyncio.gather(*(client.get(f"/{number}") for number in range(20)))
    assert [await answer.get_data(as_text=True) for answer in answers] == [f"{n} /{n}" for n in range(20)]


async def test_a_context_can_be_copied_into_a_task(app: Quart, client: Visitor) -> None:
    @app.get("/")
    async def view() -> str:
        @copy_current_request_context
        async def elsewhere() -> str:
            return request.path

        return await asyncio.create_task(elsewhere())

    assert await (await client.get("/")).get_data() == b"/"


async def test_background_tasks_run_after_the_answer(app: Quart) -> None:
    done = asyncio.Event()

    @app.get("/")
    async def view() -> str:
        async def later() -> None:
            done.set()

        app.add_background_task(later)
        return "at once"

    async with app.test_app() as running:
        assert (await running.test_client().get("/")).status_code == 200
        await asyncio.wait_for(done.wait(), 5)


async def test_an_answer_that_nobody_reads_is_given_up(app: Quart) -> None:
    app.config["RESPONSE_TIMEOUT"] = 0.05
    app.add_url_rule("/", view_func=_hello)

    async def receive() -> Any:
        if not received:
            received.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()

    async def send(_: Any) -> None:
        await asyncio.Event().wait()

    received: list[bool] = []
    await asyncio.wait_for(app(scope("GET"), receive, send), 5)


async def _hello() -> str:
    return "hello"
