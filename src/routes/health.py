"""The front door, and what load balancers ask."""

from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from domain.errors import Unavailable
from routes.documented import CSS, HTML, Media, documented
from routes.files import VERSION, page
from routes.http import no_query, reply, request

Check = Callable[[], Awaitable[None]]


class Front(TypedDict):
    """What this is, and where to go from here."""

    name: str
    version: str
    health: str
    ready: str
    api: str
    docs: str
    openapi: str


class Health(TypedDict):
    """How the process is."""

    status: Literal["alive", "ready"]


FRONT = TypeAdapter(Front)
HEALTH = TypeAdapter(Health)


def make_health(check_readiness: Check) -> Blueprint:
    """The blueprint; `check_readiness` raises NotReady."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    @documented("getFront", "The front door: a page for people, JSON for machines", {200: Media([HTML], Front)})
    async def index() -> Response:
        no_query()
        wanted = request.accept_mimetypes.best_match(["application/json", HTML])
        answer = page("front.html") if wanted == HTML else reply(FRONT, _front())
        answer.vary.add("Accept")
        return answer

    @pages.get("/front.css")
    @documented("frontStyle", "The look of the front door", {200: Media([CSS])}, any_query=True)
    async def style() -> Response:
        return page("front.css")

    @pages.get("/healthz")
    @documented("isAlive", "Whether the process lives", {200: Health}, any_query=True)
    async def alive() -> Response:
        return reply(HEALTH, Health(status="alive"))

    @pages.get("/readyz")
    @documented("isReady", "Whether it can serve", {200: Health}, any_query=True, errors=(Unavailable,))
    async def ready() -> Response:
        await check_readiness()
        return reply(HEALTH, Health(status="ready"))

    return pages


def _front() -> Front:
    return Front(
        name="Inkwell",
        version=VERSION,
        health="/healthz",
        ready="/readyz",
        api="/api",
        docs="/docs",
        openapi="/api/openapi.json",
    )
