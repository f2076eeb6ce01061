"""How often callers may come: the limit on all requests together, and what answers say of every limit."""

import time
from contextlib import suppress
from math import ceil

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from quart import Quart, has_request_context

from domain.errors import TooManyRequests, Unauthenticated
from domain.throttles import Policy, Standing
from routes.http import bearer_token, request, services, this_request
from routes.request import PROBES
from service.throttles import network_of


def note(standing: Standing) -> None:
    """Has the answer to the request, if there is one, tell its client how things stand."""
    if has_request_context():
        request.standings[standing.policy.name] = standing


def limit_callers(app: Quart, policy: Policy) -> None:
    """Refuses a caller's requests above the policy's quota, each process counting for itself."""
    limiter = FixedWindowRateLimiter(MemoryStorage())
    limit = RateLimitItemPerSecond(policy.quota, policy.window_s)

    @app.before_request
    async def count() -> None:
        if request.path in PROBES or request.method == "OPTIONS":  # a preflight shows no token
            return
        caller = _caller()
        passes = limiter.hit(limit, caller)
        ends_at, remaining = limiter.get_window_stats(limit, caller)
        reset_s = max(1, ceil(ends_at - time.time()))
        note(Standing(policy, max(remaining, 0), reset_s))
        if not passes:
            raise TooManyRequests(reset_s)


def _caller() -> str:
    """The user whom a genuine token names, otherwise the network: a forged token is no way around."""
    with suppress(Unauthenticated):
        if token := bearer_token(this_request()):
            return f"user {services.access_tokens.read(token).user_id}"
    return f"network {network_of(request.client_ip)}"
