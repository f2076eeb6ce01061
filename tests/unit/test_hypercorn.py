"""What hypercorn is spared, it need not do: answers that go past h11 are as h11 would have them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from unittest.mock import AsyncMock

import h11
import pytest
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Body, EndBody
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import ConnectionState

from inkwell.servers.hypercorn import OwnConfig
from inkwell.servers.hypercorn_http1 import Http1Protocol, Http1Stream, Inbox, Tasks

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, *tuple[bytes, ...]]  # and its body, in pieces
Writing = Callable[[WorkerContext], Awaitable[None]]

USUAL = [(b"content-type", b"application/json"), (b"etag", b'"\xe4"'), (b"x", b"a\tb")]
GET = b"GET /a?b HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


def sized(*pieces: bytes, more: Headers | None = None) -> Answer:
    return 200, [*USUAL, (b"content-length", b"%d" % len(b"".join(pieces))), *(more or [])], *pieces


@pytest.fixture
def config() -> OwnConfig:
    made = OwnConfig()
    made.include_date_header = False  # which another second would change
    return made


async def told(
    kind: type[H11Protocol], config: OwnConfig, request: bytes, answer: Answer, writing: Writing | None = None
) -> list[Event]:
    """What is told to a client that sends the request, and sends it again; `writing` is what happens meanwhile."""
    status, headers, *pieces = answer
    found: list[Event] = []

    async def app(_: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})
        if pieces:
            found.append((await receive())["type"])

    async def keep(event: Event) -> None:
        found.append(event)
        if writing and isinstance(event, RawData):
            await writing(context)

    context = WorkerContext(None)
    made = ASGIWrapper(app), config, context
    async with Tasks(asyncio.get_running_loop()) as tasks:
        protocol: Any = kind(*made, tasks, ConnectionState({}), False, None, None, keep)
        for _ in range(2):
            if Closed() in found:
                break
            with suppress(h11.LocalProtocolError):
                await asyncio.wait_for(protocol.handle(RawData(request)), 10)
            while protocol.stream:  # noqa: ASYNC110
                await asyncio.sleep(0)
    return found


def written(events: list[Event]) -> list[Any]:
    """All bytes, and what is told beside them."""
    data = b"".join(event.data for event in events if isinstance(event, RawData))
    return [data, *(event for event in events if not isinstance(event, RawData))]


@pytest.mark.parametrize(
    ("request_", "answer", "is_spared"),
    [
        pytest.param(GET + b"\r\n", sized(b"{}"), True, id="whole"),
        pytest.param(GET + b"\r\n", sized(b""), True, id="empty"),
        pytest.param(b"HEAD" + GET[3:] + b"\r\n", sized(b"{}"), True, id="head"),
        pytest.param(GET + b"\r\n", (304, USUAL, b""), True, id="not modified"),
        pytest.param(GET + b"\r\n", (204, USUAL, b""), True, id="no content"),
        pytest.param(POST + b"Content-Length: 2\r\n\r\nab", sized(b"{}"), True, id="a body"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", sized(b"{}"), True, id="chunks"),
        pytest.param(GET + b"\r\n" + POST + b"Content-Length: 1\r\n\r\na", sized(b"{}"), True, id="two at once"),
        pytest.param(GET + b"\r\n", (200, USUAL, b"{}"), False, id="of no length"),
        pytest.param(GET + b"\r\n", (200, USUAL, b"{", b"}"), False, id="in pieces of no length"),
        pytest.param(GET + b"\r\n", sized(b"{", b"}"), False, id="in pieces"),
        pytest.param(GET + b"\r\n", (200, USUAL), False, id="given up"),
        pytest.param(GET + b"\r\n", sized(b"{}", more=[(b"connection", b"close")]), False, id="the last one"),
        pytest.param(GET + b"Connection: close\r\n\r\n", sized(b"{}"), False, id="the last one for the client"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", sized(b"{}"), False, id="of HTTP/1.0"),
        pytest.param(GET + b"Connection: upgrade\r\nUpgrade: tea\r\n\r\n", sized(b"{}"), False, id="an upgrade"),
        pytest.param(POST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\na", sized(b"{}"), True, id="expected"),
    ],
)
async def test_a_client_is_told_what_hypercorn_and_h11_would_tell_it(
    config: OwnConfig, request_: bytes, answer: Answer, is_spared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = await told(H11Protocol, config, request_, answer)
    answers = AsyncMock(side_effect=Http1Protocol.write_and_begin_anew)
    monkeypatch.setattr(Http1Protocol, "write_and_begin_anew", lambda *arguments: answers(*arguments))
    assert written(await told(Http1Protocol, config, request_, answer)) == written(usual)
    assert bool(answers.await_count) == is_spared


@pytest.mark.parametrize("behind", [b"\r\n", GET + b"\r\n", b"\0" * 100_000])
@pytest.mark.parametrize(
    "request_", [POST + b"Connection: close\r\nContent-Length: 1\r\n\r\na", b"GET / HTTP/1.0\r\n\r\n"]
)
async def test_what_follows_a_last_request_does_not_take_its_answer(
    config: OwnConfig, request_: bytes, behind: bytes
) -> None:
    alone = await told(Http1Protocol, config, request_, sized(b"{}"))
    assert written(alone)[0].startswith(b"HTTP/1.1 200")
    assert written(await told(Http1Protocol, config, request_ + behind, sized(b"{}"))) == written(alone)


async def end(context: WorkerContext) -> None:
    """As the worker does when it is told to stop."""
    await context.terminated.set()


async def give_up(_: object) -> None:
    """As the application does with a client that does not read."""
    raise TimeoutError


@pytest.mark.parametrize("writing", [end, give_up])
async def test_what_follows_an_answer_at_a_connections_end_is_not_begun_and_nobody_waits_to_read_it(
    config: OwnConfig, writing: Writing
) -> None:
    found = await told(Http1Protocol, config, 2 * (GET + b"\r\n"), sized(b"{}"), writing)
    assert written(found)[0].count(b"HTTP/1.1 200") == 1
    assert Closed() in found


async def test_a_body_that_comes_whole_is_one_message_and_one_that_does_not_is_passed_on_as_it_comes() -> None:
    put, stream = AsyncMock(), object.__new__(Http1Stream)
    stream.closed, stream.app_put = False, put
    for piece in b"a", b"b":
        await stream.handle(Body(1, piece))
    await stream.flush()
    await stream.handle(Body(1, b"c"))
    await stream.handle(EndBody(1))
    await stream.handle(EndBody(1))
    messages = [call.args[0] for call in put.await_args_list]
    assert [(message["body"], message["more_body"]) for message in messages] == [
        (b"a", True),
        (b"b", True),
        (b"c", False),
        (b"", False),
    ]


async def test_the_last_answer_on_a_connection_says_so(config: OwnConfig) -> None:
    config.keep_alive_max_requests = 1
    found = await told(Http1Protocol, config, GET + b"\r\n", sized(b"{}"))
    assert b"connection: close" in written(found)[0].lower()
    assert any(isinstance(event, Closed) for event in found)


@pytest.mark.parametrize("value", [b"a\r\nSet-Cookie: b", b"a\nb", b"a\rb", b"a\0b"])
@pytest.mark.parametrize("in_name", [False, True])
async def test_what_could_be_read_as_something_else_is_left_to_h11_which_refuses_it(
    config: OwnConfig, value: bytes, in_name: bool
) -> None:
    found = await told(
        Http1Protocol, config, GET + b"\r\n", sized(b"", more=[(value, b"x") if in_name else (b"x", value)])
    )
    assert value not in written(found)[0]


async def test_an_inbox_keeps_its_order_and_its_bound() -> None:
    inbox: Any = Inbox(2)
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    for item in "abc":
        await inbox.put(item)
    late = asyncio.create_task(inbox.put("d"))
    await asyncio.sleep(0)
    assert [await waiting, late.done()] == ["a", False]
    assert [await inbox.get(), await inbox.get(), await inbox.get()] == ["b", "c", "d"]
