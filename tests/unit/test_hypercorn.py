"""What hypercorn is spared, it need not do: headers that go past h11 are as h11 would have them."""

from typing import Any

import h11
import pytest
from h11._headers import normalize_and_validate
from hypercorn.protocol.events import Response

from inkwell.servers.hypercorn import OwnConfig, Protocol

USUAL = [(b"content-type", b"application/json"), (b"content-length", b"2"), (b"etag", b'"\xe4"'), (b"x", b"a\tb")]


@pytest.fixture
def protocol() -> Protocol:
    made = object.__new__(Protocol)
    made.config, made.keep_alive_requests = OwnConfig(), 0
    made.config.include_server_header = False
    return made


def ready(protocol: Protocol, headers: list[tuple[bytes, bytes]]) -> Any:
    return protocol._ready_headers(Response(1, headers, 200))


def test_plain_headers_are_as_h11_would_have_them(protocol: Protocol) -> None:
    found = ready(protocol, USUAL)
    assert found == normalize_and_validate([*USUAL, *protocol.config.response_headers("h11")])
    assert found.raw_items() == list(found)


def test_the_last_answer_on_a_connection_says_so(protocol: Protocol) -> None:
    protocol.keep_alive_requests = protocol.config.keep_alive_max_requests
    assert (b"connection", b"close") in list(ready(protocol, USUAL))


@pytest.mark.parametrize("value", [b"a\r\nSet-Cookie: b", b"a\nb", b"a\rb", b"a\0b", b"\x7f"])
@pytest.mark.parametrize("in_name", [False, True])
def test_what_could_be_read_as_something_else_is_left_to_h11_which_refuses_it(
    protocol: Protocol, value: bytes, in_name: bool
) -> None:
    headers = [*USUAL, (value, b"x") if in_name else (b"x", value)]
    assert ready(protocol, headers) is None
    if value != b"\x7f" or in_name:  # h11 lets that one pass in values
        with pytest.raises(h11.LocalProtocolError):
            h11.Response(headers=headers, status_code=200)
