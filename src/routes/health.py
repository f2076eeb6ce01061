"""The front door, and what load balancers ask."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version

from pydantic_core import to_json
from quart import Blueprint, Response

from routes.http import no_query

Readiness = Callable[[], Awaitable[str | None]]

VERSION = version("inkwell")


def make_health(unready_because: Readiness) -> Blueprint:
    """The blueprint; `unready_because` says what keeps this process from serving, or None if nothing does."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    async def index() -> Response:
        no_query()
        return _json({"name": "Inkwell", "version": VERSION, "health": "/healthz", "ready": "/readyz", "api": "/api"})

    @pages.get("/healthz")
    async def alive() -> Response:
        return _json({"status": "alive"})

    @pages.get("/readyz")
    async def ready() -> Response:
        reason = await unready_because()
        return _json({"status": "ready"} if reason is None else {"status": reason}, 200 if reason is None else 503)

    return pages


def _json(content: dict[str, str], status: int = 200) -> Response:
    return Response(to_json(content), status, content_type="application/json")
