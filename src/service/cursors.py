"""Cursors: the place in a list where the next page begins, as a word that only the same list understands."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeGuard

from domain.errors import BadCursor

VERSION = b"\x01"
FINGERPRINT_BYTES = 8

Place = Sequence[str | None]


def make_cursor(listing: str, place: Place) -> str:
    """`listing` says which list it is, with its filters and its order; `place` is the sort key of the last row seen."""
    text = json.dumps(list(place), ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(VERSION + _fingerprint(listing) + text.encode()).rstrip(b"=").decode()


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


def _fingerprint(listing: str) -> bytes:
    return sha256(listing.encode()).digest()[:FINGERPRINT_BYTES]
