"""The headers of a request answer as werkzeug's do."""

from copy import copy

import pytest
from werkzeug.datastructures import Headers

from routes.request import ReceivedHeaders

RAW = [(b"host", b"a"), (b"accept", b"text/html"), (b"x-n", b"7"), (b"accept", b"*/*"), (b"remote-addr", b"forged")]
SAME = Headers([("Remote-Addr", "10.0.0.1"), *((name.decode().title(), value.decode()) for name, value in RAW)])


@pytest.fixture
def received() -> ReceivedHeaders:
    return ReceivedHeaders(RAW, "10.0.0.1")


@pytest.mark.parametrize("name", ["Host", "ACCEPT", "accept", "X-N", "Remote-Addr", "X-Not-There", ""])
def test_a_name_is_found_in_any_case_and_the_first_value_counts(received: ReceivedHeaders, name: str) -> None:
    assert received.get(name) == SAME.get(name)
    assert received.get(name, "else") == SAME.get(name, "else")
    assert received.get(name, type=int) == SAME.get(name, type=int)
    assert received.getlist(name) == SAME.getlist(name)
    assert (name in received) == (name in SAME)


def test_whoever_goes_through_all_of_them_sees_the_same(received: ReceivedHeaders) -> None:
    assert list(received) == list(SAME)
    assert received.to_wsgi_list() == SAME.to_wsgi_list()
    assert dict(received) == dict(SAME)
    assert received["accept"] == SAME["accept"]
    with pytest.raises(KeyError):
        received["x-not-there"]


def test_nobody_changes_them_and_a_copy_can_be_changed(received: ReceivedHeaders) -> None:
    with pytest.raises(TypeError):
        received["Host"] = "b"
    with pytest.raises(TypeError):
        received.add("X", "b")
    for changed in (received.copy(), copy(received)):
        changed["Host"] = "b"
        assert (changed["host"], received["host"]) == ("b", "a")
