"""Conditional requests (RFC 9110, 13): a client says which version it knows."""

import re
from typing import TypeVar

from pydantic import TypeAdapter
from quart import Response
from werkzeug.http import parse_etags

from domain.errors import Detail, InvalidFields
from domain.posts import Post
from domain.users import Account, User
from domain.versions import Versions
from routes.http import bodiless, reply, this_request

T = TypeVar("T")

HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
_VERSION = re.compile("[1-9][0-9]{0,17}", re.ASCII)  # fits into 64 bits
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
# RFC 9110, 8.8.3 and 5.6.1. werkzeug takes words without quotes for tags, too. The `+` after a `*` or `?` gives nothing
# back, so that no header takes long.
_TAGS = re.compile(rf"\*|[ \t]*+(?:{_TAG})?+(?:[ \t]*+,[ \t]*+(?:{_TAG})?+)*+[ \t]*+")
_NO_TAGS = Detail("If-Match", "etag_format", '`*`, or ETags as they were answered, in quotes: "7"')


def expected() -> Versions:
    """The versions that If-Match names; a tag that is not ours, or a weak one, names none. Raises InvalidFields."""
    header = _header("If-Match")
    if header is None or header == "*":
        return None
    if not _TAGS.fullmatch(header):
        raise InvalidFields([_NO_TAGS])
    return {int(tag) for tag in parse_etags(header).as_set() if tag and _VERSION.fullmatch(tag)}


def reply_tagged(
    adapter: TypeAdapter[T], value: T, shown: User | Post, status: int = 200, *, location: str | None = None
) -> Response:
    """The value as JSON with the ETag of what is shown in it; 304 for somebody who has it.

    `location` is a relative reference, for an absolute one would repeat a forged Host.
    """
    tag = tag_of(shown)
    headers = {**HEADERS, "ETag": f'"{tag}"'}
    if location:
        headers["Location"] = location
    return bodiless(304, headers) if is_known(tag) else reply(adapter, value, status, headers=headers)


def tag_of(shown: User | Post) -> str:
    """The version alone names the whole; the parts that some readers see of a user have tags of their own.

    So a tag that is a mere number can be compared with If-Match: whoever may change something sees all of it.
    """
    if isinstance(shown, (Account, Post)):
        return str(shown.version)
    return f"{shown.version}-{'member' if shown.email is not None else 'unaddressed'}"


def is_known(tag: str) -> bool:
    """Whether If-None-Match names the tag, weak or not. What is no list of tags names none: all is sent, to no harm."""
    asked = this_request()
    if "If-None-Match" not in asked.headers or asked.method not in {"GET", "HEAD"}:
        return False
    header = _header("If-None-Match")
    return bool(header and _TAGS.fullmatch(header)) and parse_etags(header).contains_weak(tag)


def _header(name: str) -> str | None:
    """A list may come in several lines (RFC 9110, 5.3), of which werkzeug's own property reads the first."""
    lines = this_request().headers.getlist(name)
    return ", ".join(lines) if lines else None
