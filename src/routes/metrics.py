"""What a Prometheus server asks."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address

from quart import Blueprint, Response
from werkzeug.exceptions import NotFound

from routes.documented import Media, documented
from routes.http import request, this_request
from routes.request import Request

Page = Callable[[str], Awaitable[tuple[bytes, str]]]
CountRequest = Callable[[str, str, int, float], None]
OF_PROXIES = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")  # whoever sends one of these speaks for another
UNKNOWN = "unknown"  # one route for all paths that there are not, lest clients make figures without end


def make_metrics(page: Page, count_request: CountRequest, token: str | None) -> Blueprint:
    """The blueprint, which counts every answer of the app.

    `page` gets what the client accepts, and returns content and content type; `token` opens it from afar.
    """
    metrics = Blueprint("metrics", __name__)

    @metrics.get("/metrics")
    @documented(
        "getMetrics",
        "Figures for Prometheus, for this machine or by METRICS_TOKEN",
        {200: Media(["text/plain", "application/openmetrics-text"])},
        caller="monitor",
        any_query=True,
        statuses=(404,),
    )
    async def read() -> Response:
        if not (_is_near() or _shows(token)):
            raise NotFound
        content, content_type = await page(request.headers.get("Accept", ""))
        return Response(content, content_type=content_type)

    @metrics.after_app_request
    async def count(answer: Response) -> Response:
        asked = this_request()
        count_request(route_of(asked), asked.method, answer.status_code, asked.age_ms / 1000)
        return answer

    return metrics


def route_of(asked: Request) -> str:
    """The template of its path."""
    return asked.url_rule.rule if asked.url_rule else UNKNOWN


def _is_near() -> bool:
    """Whether it comes from this machine itself; what a proxy on it hands on does not."""
    if any(name in request.headers for name in OF_PROXIES):
        return False
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _shows(token: str | None) -> bool:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return token is not None and scheme.lower() == "bearer" and compare_digest(shown.encode(), token.encode())
