"""One request as it came in: its id, its client, and how long it has been here."""

import re
import time
from functools import cached_property
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

from quart import Request as QuartRequest
from quart import current_app
from quart.wrappers.request import Body as QuartBody

from domain.throttles import Standing

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
LONGEST_USER_AGENT = 255
# Asked by machines every few seconds: never queued, and logged only when the answer is bad.
PROBES = {"/healthz", "/readyz", "/metrics"}


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
        self._began = time.perf_counter()
        self.user_id: str | None = None  # of the actor, once known; for the log
        self.standings: dict[str, Standing] = {}  # what is left of the quotas that it used, by their policies' names
        self.gives_tokens = False  # whether the answer carries some

    @cached_property
    def request_id(self) -> str:
        """The client's own X-Request-ID where it is harmless, otherwise a new one."""
        given = self.headers.get("X-Request-ID", "")
        return given if _REQUEST_ID.fullmatch(given) else uuid4().hex

    @property
    def age_ms(self) -> float:
        return (time.perf_counter() - self._began) * 1000

    @cached_property
    def client_ip(self) -> str | None:
        """The socket's address, or what the proxies we trust saw; None where there is no socket, as in tests."""
        lines = self.headers.getlist("X-Forwarded-For")  # a proxy may add a line of its own to those that it got
        hops = [*",".join(lines).split(","), self.remote_addr or ""]
        trusted: int = current_app.config["TRUSTED_PROXIES"]
        return _address(hops[max(0, len(hops) - 1 - trusted)]) or _address(hops[-1])

    @property
    def user_agent_name(self) -> str | None:
        return self.headers.get("User-Agent", "")[:LONGEST_USER_AGENT] or None


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
