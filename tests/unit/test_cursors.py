"""Cursors: read back as they were made, and nothing else is read."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest

from domain.errors import BadCursor
from domain.pages import Key
from service.cursors import FINGERPRINT_BYTES, cursor_after, make_cursor, place_of, read_cursor

LISTING = "users sort=email role=user"


@pytest.mark.parametrize("place", [[], ["2026-01-01T00:00:00Z", "an id"], [None, "an id"], ['é "quoted" \U0001f600']])
def test_a_place_is_read_back(place: list[str | None]) -> None:
    assert read_cursor(make_cursor(LISTING, place), LISTING) == place


def test_a_cursor_fits_only_the_list_that_it_was_made_for() -> None:
    with pytest.raises(BadCursor):
        read_cursor(make_cursor(LISTING, ["a", "b"]), "users sort=-email role=user")


def forged(payload: bytes, version: bytes = b"\x01") -> str:
    head = version + sha256(LISTING.encode()).digest()[:FINGERPRINT_BYTES]
    return urlsafe_b64encode(head + payload).rstrip(b"=").decode()


BROKEN = {
    "empty": "",
    "no base64": "!!!",
    "not ASCII": "é",
    "one letter": "A",
    "a letter short": make_cursor(LISTING, ["a", "b"])[:-1],
    "padded": make_cursor(LISTING, ["a"]) + "=",
    "another version": forged(b'["a"]', b"\x02"),
    "no JSON": forged(b"[oops"),
    "no UTF-8": forged(b"\xff"),
    "no list": forged(b'{"a":1}'),
    "a number in it": forged(b"[1]"),
    "spelt otherwise": forged(b'[ "a" ]'),
    "half a character": forged(b'["\\ud800"]'),
    "deep": forged(b"[" * 100_000),
}


@pytest.mark.parametrize("cursor", BROKEN.values(), ids=BROKEN)
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(cursor, LISTING)


PLACES: list[tuple[Key, ...]] = [
    (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), UUID(int=7)),
    (datetime.max.replace(tzinfo=UTC), UUID(int=0)),
    ("", UUID(int=7)),
    ("é\n\"'\x1f\U0001f600" * 50,),
    (0.06079271063208580, UUID(int=7)),
    (1e-20, UUID(int=7)),
]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_comes_back_to_the_last_bit(place: tuple[Key, ...]) -> None:
    assert place_of(cursor_after(LISTING, place), LISTING, [type(key) for key in place]) == place


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ((datetime,), ["2026-01-01T00:00:00"]),
        ((datetime,), ["2026-01-01T00:00:00+02:00"]),
        ((datetime,), ["2026-01-01T00:00:00Z"]),
        ((datetime,), [None]),
        ((str,), ["a\0b"]),
        ((float,), ["nan"]),
        ((float,), ["inf"]),
        ((float,), ["1e39"]),
        ((float,), ["1_0.0"]),
        ((UUID,), ["7"]),
        ((UUID,), [str(UUID(int=10)).upper()]),
        ((str, UUID), ["a"]),
        ((str,), ["a", str(UUID(int=7))]),
    ],
)
def test_a_place_of_other_types_is_refused(types: tuple[type[Key], ...], words: list[str | None]) -> None:
    with pytest.raises(BadCursor):
        place_of(make_cursor(LISTING, words), LISTING, types)
