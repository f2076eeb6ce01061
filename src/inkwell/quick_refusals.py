"""Refusals in front of the HTTP parser (docs/decisions/0034): most of what is refused is simple, and this takes less
time than to read it properly. Whatever is not plain here goes the usual way, which knows better."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial

from quart import Quart
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, MapAdapter

from inkwell.lean import LeanQuart
from inkwell.servers import as_bytes
from routes.headers import LONGEST_HEADERS_BYTES
from routes.request import PROBES, new_request_id

# A GET of a path without escapes, whose query and headers hold nothing that a parser could mind; and its end.
SIMPLE = re.compile(
    rb"GET (/[\w.~/-]*)(?:\?[\w.~/?:@!$&'()*+,;=%-]*)? HTTP/1\.1\r\n"
    rb"(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e]*\r\n)+\r\n",
    re.ASCII,
)
# What announces a body or another protocol, says that the connection ends, or changes the answer.
SPECIAL = re.compile(
    rb"\r\n(?:(?:content-length|transfer-encoding|expect|upgrade|proxy-connection|origin|x-request-id):"
    rb"|connection:(?![\t ]*keep-alive[\t ]*\r\n))",
    re.IGNORECASE,
)
HOST = re.compile(rb"\r\nhost:", re.IGNORECASE)
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\n"
MOST_PATHS = 1024
# So long one who was let in is on the way to the gate at most: a server may have found that it was no request at all.
COMING_S = 0.05

Headers = Iterable[tuple[bytes, bytes]]


def quick_refusals(app: Quart) -> "QuickRefusals | None":
    """For the app's server; with LEAN_BRIDGE=false there are none."""
    return QuickRefusals(app) if isinstance(app, LeanQuart) else None


class QuickRefusals:
    """Says no where the app would, in the same words."""

    def __init__(self, app: LeanQuart) -> None:
        self._app = app
        self._forgets = False  # those who are coming, soon
        self._route_of = lru_cache(MOST_PATHS)(partial(_route_of, app.url_map))

    def refuse(self, came: bytes, servers_headers: Callable[[], Headers]) -> bytes | None:
        """The whole answer to what came on an idle connection of HTTP/1.1; None if it is to go the usual way."""
        if not self._app.gate.will_be_full:
            self._expect(came)
        elif not self._app.extensions["draining"]:
            return self._refusal(came, servers_headers)
        return None

    def _refusal(self, came: bytes, servers_headers: Callable[[], Headers]) -> bytes | None:
        began, path = time.perf_counter(), simple_path(came)
        route = path and self._route_of(path)
        answer = self._app.refusals.another(new_request_id()) if route else None
        if not (route and answer):
            return None
        self._app.gate.refuse()
        self._app.refusals.count_request(route, "GET", 503, time.perf_counter() - began)
        return as_bytes(UNAVAILABLE, [*answer.headers, *servers_headers()], answer.body)

    def _expect(self, came: bytes) -> None:
        """A crowd that comes at once is let in only as far as there is room, though none of it is at the gate yet."""
        if not came.startswith(b"GET /") or not came.endswith(b"\r\n\r\n"):
            return
        self._app.gate.coming += 1
        if not self._forgets:
            self._forgets = True
            asyncio.get_running_loop().call_later(COMING_S, self._forget)

    def _forget(self) -> None:
        self._app.gate.coming, self._forgets = 0, False


def simple_path(came: bytes) -> str | None:
    """The path that is asked for, where this is exactly one simple request, and nothing that needs no room."""
    head = SIMPLE.fullmatch(came) if len(came) <= LONGEST_HEADERS_BYTES else None
    if not head or SPECIAL.search(came) or len(HOST.findall(came)) != 1:
        return None
    path = head[1].decode()
    return None if path in PROBES else path


def _route_of(rules: Map, path: str) -> str | None:
    """The template of a path; None where there is nothing to get, which is told in time of crowds as well."""
    try:
        return MapAdapter(rules, "inkwell", "/", "", "http", path, "GET").match(return_rule=True)[0].rule
    except HTTPException:
        return None
