"""The head of an answer is what uvicorn would write, however it is written."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from inkwell.servers.uvicorn import Cycle

JSON = [(b"content-type", b"application/json"), (b"content-length", b"2"), (b"etag", b'"\xe4"')]


class Transport:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written, self.closed = b"", False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


async def sent(
    kind: type[RequestResponseCycle], messages: list[Any], *, method: str, keep_alive: bool, has_left: bool = False
) -> Any:
    transport: Any = Transport()
    transport.closed = has_left
    cycle = kind(
        {"method": method, "http_version": "1.1"},  # type: ignore[typeddict-item]
        transport,
        flow=SimpleNamespace(write_paused=False),  # type: ignore[arg-type]
        logger=logging.getLogger(),
        access_logger=logging.getLogger(),
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )
    errors = []
    for message in messages:
        try:
            await cycle.send(message)
        except RuntimeError as error:
            errors.append(str(error))
    return transport.written, transport.closed, errors, cycle.response_complete


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("status", [200, 204, 503])
@pytest.mark.parametrize(
    "headers",
    [
        JSON,
        JSON[:1],
        [*JSON, (b"connection", b"close")],
        [(b"content-type", b"a"), (b"transfer-encoding", b"chunked")],
        [*JSON, (b"X-Case", b"a\tb")],
        [*JSON, (b"x", b"a\r\nSet-Cookie: b")],
        [*JSON, (b"x\n", b"a")],
    ],
)
async def test_what_is_written_is_what_uvicorn_writes(
    method: str, keep_alive: bool, status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    messages = [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": b"{}", "more_body": False},
    ]
    quick = await sent(Cycle, messages, method=method, keep_alive=keep_alive)
    usual = await sent(RequestResponseCycle, messages, method=method, keep_alive=keep_alive)
    head, _, body = quick[0].partition(b"\r\n\r\n")
    usual_head, _, usual_body = usual[0].partition(b"\r\n\r\n")
    # uvicorn's own headers go first there, and names are in lower case, as the application has them anyway.
    assert sorted(head.lower().split(b"\r\n")) == sorted(usual_head.lower().split(b"\r\n"))
    assert (body, *quick[1:]) == (usual_body, *usual[1:])


async def test_nothing_is_written_for_a_client_that_has_left() -> None:
    messages = [
        {"type": "http.response.start", "status": 200, "headers": JSON},
        {"type": "http.response.body", "body": b"{}", "more_body": False},
    ]
    written, _, errors, _ = await sent(Cycle, messages, method="GET", keep_alive=True, has_left=True)
    assert (written, errors) == (b"", [])
