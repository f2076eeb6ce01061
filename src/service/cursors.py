"""Cursors: the place in a list where the next page begins, as a word that only the same list understands."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from typing import TypeGuard, TypeVar
from uuid import UUID

from pydantic_core import to_json

from domain.errors import BadCursor
from domain.pages import Key, Place

VERSION = b"\x01"
FINGERPRINT_BYTES = 8
MOST_IN_FOUR_BYTES = 3e38
MOST_LISTINGS = 1024  # whose fingerprints are remembered
MOST_CURSORS = 1024  # of which those behind first pages are made all the time

K = TypeVar("K")

Words = Sequence[str | None]


@lru_cache(MOST_CURSORS)
def cursor_after(listing: str, place: Place) -> str:
    """`listing` says which list it is, with its filters and its order; `place` is the sort key of the last row seen."""
    return make_cursor(listing, [_spelt(key) for key in place])


def place_of(cursor: str, listing: str, types: Sequence[type[Key]]) -> Place:
    """The place, of keys of these types. Raises BadCursor for what `cursor_after` did not make for this listing."""
    words = read_cursor(cursor, listing)
    try:
        return tuple(_READERS[kind](_given(word)) for kind, word in zip(types, words, strict=True))
    except ValueError:
        raise BadCursor from None


def make_cursor(listing: str, place: Words) -> str:
    """The place, already in words, as a word that only this listing understands."""
    return urlsafe_b64encode(VERSION + _fingerprint(listing) + to_json(place)).rstrip(b"=").decode()


def read_cursor(cursor: str, listing: str) -> list[str | None]:
    """The place. Raises BadCursor for what `make_cursor` did not make for this very listing."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        place = json.loads(raw[len(VERSION) + FINGERPRINT_BYTES :].decode())
        # Only what we write ourselves is read: one spelling for each place, and none of another list or version.
        if _is_place(place) and make_cursor(listing, place) == cursor:
            return place
    except (ValueError, RecursionError):
        pass
    raise BadCursor


def _is_place(value: object) -> TypeGuard[list[str | None]]:
    return isinstance(value, list) and all(part is None or isinstance(part, str) for part in value)


def _given(word: str | None) -> str:
    if word is None:
        raise ValueError
    return word


@lru_cache(MOST_LISTINGS)
def _fingerprint(listing: str) -> bytes:
    return sha256(listing.encode()).digest()[:FINGERPRINT_BYTES]


def _spelt(key: Key) -> str:
    return key.isoformat() if isinstance(key, datetime) else str(key)


def _time(word: str) -> datetime:
    time = datetime.fromisoformat(word)
    return _only(time.utcoffset() == timedelta(0) and _spelt(time) == word, time)


def _text(word: str) -> str:
    return _only("\0" not in word, word)


def _number(word: str) -> float:
    """A number that four bytes hold: it was made of them."""
    number = float(word)
    return _only(isfinite(number) and abs(number) < MOST_IN_FOUR_BYTES and _spelt(number) == word, number)


def _id(word: str) -> UUID:
    found = UUID(word)
    return _only(_spelt(found) == word, found)


def _only(right: bool, key: K) -> K:
    if not right:
        raise ValueError
    return key


_READERS: dict[type[Key], Callable[[str], Key]] = {datetime: _time, str: _text, float: _number, UUID: _id}
