"""The front door, and what load balancers ask."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version

from pydantic_core import to_json
from quart import Blueprint, Response

from routes.http import no_query

Check = Callable[[], Awaitable[None]]

VERSION = version("inkwell")


def make_health(check_readiness: Check) -> Blueprint:
    """The blueprint; `check_readiness` raises NotReady."""
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
        await check_readiness()
        return _json({"status": "ready"})

    return pages


def _json(content: dict[str, str]) -> Response:
    return Response(to_json(content), content_type="application/json")
