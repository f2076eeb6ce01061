"""What every answer carries, whatever it says."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any

import structlog
from quart import Quart, Response, current_app
from quart_cors import cors
from werkzeug.exceptions import RequestHeaderFieldsTooLarge

from domain.throttles import Standing
from routes.compression import compress
from routes.http import this_request
from routes.request import MOST_NAMES, PROBES, Request
from routes.response import length_of

log = structlog.get_logger("inkwell.request")

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
CORS_READABLE = (
    "ETag",
    "Link",
    "Location",
    "X-Request-ID",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotency-Replayed",
)
CORS_SENDABLE = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID")
CORS_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")
LONGEST_HEADERS_BYTES = 16 * 1024
CORS_MAX_AGE_S = 600  # Chromium believes a preflight for two hours at most; ten minutes makes a change of policy felt


def register(app: Quart, origins: Sequence[str], *, credentials: bool, hsts_seconds: int) -> None:
    """Puts the common headers on every answer of the app and logs it; CORS for the named origins alone."""
    hsts = {"Strict-Transport-Security": f"max-age={hsts_seconds}"} if hsts_seconds else {}
    common = {name.lower(): (name, value) for name, value in (SECURITY | hsts).items()}

    @lru_cache(MOST_NAMES)
    def missing(given: tuple[str, ...]) -> list[tuple[str, str]]:
        return [pair for name, pair in common.items() if name not in map(str.lower, given)]

    # Coroutines, all of them: Quart runs a plain function in a thread.
    @app.after_request
    async def finish(answer: Response) -> Response:
        if app.extensions["draining"]:
            answer.headers["Connection"] = "close"
        return _finish(answer, missing)

    app.after_request(compress)  # before that: what is registered last comes first
    app.before_request(_refuse_long_headers)
    if origins:
        cors(
            app,
            allow_origin=list(origins),
            allow_credentials=credentials,
            allow_headers=CORS_SENDABLE,
            allow_methods=CORS_METHODS,
            expose_headers=CORS_READABLE,
            max_age=CORS_MAX_AGE_S,
        )


async def _refuse_long_headers() -> None:
    """The server's own limit counts only what came in pieces."""
    if sum(map(len, chain.from_iterable(this_request().scope["headers"]))) > LONGEST_HEADERS_BYTES:
        raise RequestHeaderFieldsTooLarge


def _finish(answer: Response, missing: Callable[[tuple[str, ...]], list[tuple[str, str]]]) -> Response:
    asked, headers = this_request(), answer.headers
    ours = missing(tuple([name for name, _ in headers._list]))
    # Past werkzeug's look at each of them: they hold nothing that a client sent, but for an id of harmless characters.
    headers._list += [*ours, ("X-Request-ID", asked.request_id)]
    if asked.standings:
        headers.update(_rate_limits(asked.standings.values()))
    if asked.path not in PROBES or answer.status_code >= 400:
        log_answer(asked, answer.status_code, length_of(answer))
    return answer


def _rate_limits(standings: Iterable[Standing]) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers has it: lists of structured fields."""
    return {
        "RateLimit-Policy": ", ".join(
            f'"{each.policy.name}";q={each.policy.quota};w={each.policy.window_s}' for each in standings
        ),
        "RateLimit": ", ".join(f'"{each.policy.name}";r={each.remaining};t={each.reset_s}' for each in standings),
    }


@cache
def _warn_of_proxy() -> None:
    """Once in a process: where it happens at all, it happens all the time."""
    log.warning("x_forwarded_for_ignored", hint="TRUSTED_PROXIES says how many proxies to believe; now it is 0")


@cache
def _request_log() -> Any:
    """The logger itself: what get_logger() gives looks for it at each line."""
    return log.bind()


def log_answer(asked: Request, status: int, length: int | None) -> None:
    """The line of a request that is being answered; the length is the body's, in bytes."""
    if "X-Forwarded-For" in asked.headers and not current_app.config["TRUSTED_PROXIES"]:
        _warn_of_proxy()
    client = asked.client
    _request_log().info(
        "request",
        method=asked.method,
        route=asked.url_rule.rule if asked.url_rule else None,
        status=status,
        ms=round(asked.age_ms, 2),
        bytes=length,
        ip=client.ip,
        user_agent=client.user_agent,
        user_id=asked.user_id and str(asked.user_id),
        request_id=asked.request_id,
    )
