"""One request as it came in: its id, its client, and how long it has been here."""

import re
import time
from collections.abc import Callable, Sequence
from functools import cache, cached_property, lru_cache
from ipaddress import ip_address
from random import randbytes
from typing import Any
from uuid import UUID

from quart import Request as QuartRequest
from quart import current_app
from quart.helpers import _split_blueprint_path
from quart.wrappers.request import Body as QuartBody
from werkzeug.datastructures import Headers
from werkzeug.datastructures.mixins import ImmutableHeadersMixin

from domain.throttles import Standing
from domain.users import Client

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
LONGEST_USER_AGENT = 255
MOST_ADDRESSES = 1024
MOST_NAMES = 1024  # of headers that are asked for or sent: some dozens
# Asked by machines every few seconds: never queued, and logged only when the answer is bad.
PROBES = {"/healthz", "/readyz", "/metrics"}


class ReceivedHeaders(ImmutableHeadersMixin, Headers):  # type: ignore[misc]  # werkzeug's own EnvironHeaders is so, too
    """The headers of a request, which nobody changes: found by an index where werkzeug looks through all of them.

    `raw` is ASGI's list, in which names are in lower case; `remote_address` goes first, as Quart has it. They are
    decoded when somebody asks for them.
    """

    def __init__(self, raw: Sequence[tuple[bytes, bytes]], remote_address: str) -> None:
        self.remote_address = remote_address
        self._raw = [(b"remote-addr", remote_address.encode("latin1", "replace")), *raw]
        self._first = dict(reversed(self._raw))

    @property
    def announce_a_body(self) -> bool:
        return b"content-length" in self._first or b"transfer-encoding" in self._first

    @cached_property
    def _list(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [(name.decode("latin1").title(), value.decode("latin1")) for name, value in self._raw]

    def get(self, key: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:  # type: ignore[override]
        value = self._first.get(raw_name(key))
        if value is None:
            return default
        return value.decode("latin1") if type is None else super().get(key, default, type)

    def getlist(self, key: str, type: Callable[[str], Any] | None = None) -> list[Any]:
        return super().getlist(key, type) if raw_name(key) in self._first else []  # type: ignore[arg-type]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and raw_name(key) in self._first

    def copy(self) -> Headers:  # type: ignore[override]
        """Headers that can be changed."""
        return Headers(self._list)

    __copy__ = copy  # type: ignore[assignment]


@lru_cache(MOST_NAMES)
def raw_name(name: str) -> bytes:
    """A header's name as ASGI has it."""
    return name.lower().encode("latin1", "replace")


class Body(QuartBody):
    """Quart's body, which can be asked whether it is there without waiting for it."""

    @property
    def has_come(self) -> bool:
        return self._complete.is_set()


class Request(QuartRequest):
    """Quart's request, with what every answer and log line says of it."""

    body: Body
    body_class = Body

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begin()

    def _begin(self) -> None:
        self._began = time.perf_counter()
        self.request_id = _request_id(self.headers.get("X-Request-ID"))
        self._client: Client | None = None
        self.user_id: UUID | None = None  # of the actor, once known; for the log
        self.standings: dict[str, Standing] = {}  # what is left of the quotas that it used, by their policies' names
        self.gives_tokens = False  # whether the answer carries some

    @property
    def blueprints(self) -> list[str]:
        """Quart's own answer, which it asks for three times in a request."""
        return blueprints_of(self.endpoint) if self.url_rule else []

    @property
    def age_ms(self) -> float:
        return (time.perf_counter() - self._began) * 1000

    @property
    def client_ip(self) -> str | None:
        """The socket's address, or what the proxies we trust saw; None where there is no socket, as in tests."""
        own, lines = self.remote_addr or "", self.headers.getlist("X-Forwarded-For")
        if not lines:
            return _address(own)
        hops = [*",".join(lines).split(","), own]  # a proxy may add a line of its own to those that it got
        trusted: int = current_app.config["TRUSTED_PROXIES"]
        return _address(hops[max(0, len(hops) - 1 - trusted)]) or _address(own)

    @property
    def client(self) -> Client:
        """Where it comes from."""
        if self._client is None:
            user_agent = self.headers.get("User-Agent", "")[:LONGEST_USER_AGENT] or None
            self._client = Client(self.client_ip, user_agent, self.request_id)
        return self._client


@cache  # there are some dozens of endpoints
def blueprints_of(endpoint: str) -> list[str]:
    return _split_blueprint_path(endpoint.rpartition(".")[0]) if "." in endpoint else []


def _request_id(given: str | None) -> str:
    """The client's own X-Request-ID where it is harmless, otherwise a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else new_request_id()


def new_request_id() -> str:
    return randbytes(16).hex()  # noqa: S311  # it tells requests apart, and is no secret: a system call would be longer


@lru_cache(MOST_ADDRESSES)  # clients come again, and to read an address takes five microseconds
def _address(text: str) -> str | None:
    """The address, of which some proxies tell the port as well: 192.0.2.1:443, [2001:db8::1]:443."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ip_address(host))
    except ValueError:
        return None
