"""The document of the API, and the page that shows it: Swagger UI, served by ourselves."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

from pydantic import ConfigDict
from pydantic_core import to_json
from quart import Blueprint, Response, current_app
from typing_extensions import TypedDict

from routes.compression import is_wanted, pack
from routes.conditional import is_known
from routes.documented import CSS, HTML, JSON, SCRIPT, Media, documented
from routes.files import PAGES, TYPES, page
from routes.http import bodiless, no_query
from routes.openapi import make_document

docs = Blueprint("docs", __name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
KEPT = "public, no-cache"  # kept, and asked for each time: after an upgrade, a page must not meet a script of before
# The distribution is a carrier of files: importing it would import a framework.
SWAGGER = Path(str(distribution("flask-openapi3-swagger").locate_file("flask_openapi3_swagger/templates/swagger")))


class Document(TypedDict):
    """An OpenAPI document."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    openapi: str
    info: dict[str, object]
    paths: dict[str, object]
    components: dict[str, object]


@dataclass(frozen=True)
class Asset:
    """A file of the page, as it is and packed."""

    content_type: str
    plain: bytes
    packed: bytes
    tag: str


@docs.get("/api/openapi.json")
@documented("getDocument", "This document", {200: Document})
async def openapi() -> Response:
    no_query()
    return Response(document(), content_type=JSON)


@docs.get("/docs")
@documented("docsPage", "This document for people, who can try every call", {200: Media([HTML])}, any_query=True)
async def index() -> Response:
    return page("docs.html", POLICY)


@docs.get("/docs/swagger-ui.css")
@documented("docsLibraryStyle", "The look of Swagger UI", {200: Media([CSS])}, any_query=True, tagged=True)
async def library_style() -> Response:
    return _file("swagger-ui.css")


@docs.get("/docs/swagger-ui-bundle.js")
@documented("docsLibrary", "Swagger UI", {200: Media([SCRIPT])}, any_query=True, tagged=True)
async def library() -> Response:
    return _file("swagger-ui-bundle.js")


@docs.get("/docs/docs.css")
@documented("docsStyle", "The look of what is ours on that page", {200: Media([CSS])}, any_query=True, tagged=True)
async def style() -> Response:
    return _file("docs.css")


@docs.get("/docs/docs.js")
@documented("docsScript", "What that page does by itself", {200: Media([SCRIPT])}, any_query=True, tagged=True)
async def script() -> Response:
    return _file("docs.js")


@cache
def document() -> bytes:
    """The same for every app of this process: it is made of the code alone."""
    return to_json(make_document(current_app))


def _file(name: str) -> Response:
    asset = _asset(name)
    packed = is_wanted()
    tag = f"{asset.tag}-gzip" if packed else asset.tag
    headers = {"ETag": f'"{tag}"', "Cache-Control": KEPT, "Vary": "Accept-Encoding"}
    if is_known(tag):
        return bodiless(304, headers)
    headers |= {"Content-Encoding": "gzip"} if packed else {}
    return Response(asset.packed if packed else asset.plain, 200, headers, content_type=asset.content_type)


@cache
def _asset(name: str) -> Asset:
    kind = name.rpartition(".")[2]
    plain = PAGES.get(name) or (SWAGGER / kind / name).read_bytes()
    return Asset(TYPES[kind], plain, pack(plain), sha256(plain).hexdigest()[:16])
