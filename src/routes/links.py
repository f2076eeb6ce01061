"""/api/auth: what is done by mailed links; and the pages to which they lead, where there are no others."""

from importlib.resources import files

from quart import Blueprint, Response

from routes.http import actor, body, client, no_content, services
from service.fields import Input
from service.links import Forgot, NewAddress, Reset, Verification

links = Blueprint("links", __name__, url_prefix="/api/auth")
pages = Blueprint("link_pages", __name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
PAGES = {file.name: file.read_bytes() for file in (files("routes") / "pages").iterdir()}


@links.post("/forgot")
async def forgot() -> Response:
    await services.links.forgot(await body(Forgot))
    return accepted()


@links.post("/reset")
async def reset() -> Response:
    await services.links.reset(await body(Reset), client())
    return no_content()


@links.post("/verify-email")
async def verify_email() -> Response:
    await services.links.verify(await body(Verification), client())
    return no_content()


@links.post("/verify-email/resend")
async def resend() -> Response:
    asking, _ = await actor(), await body(Input, optional=True)
    await services.links.resend(asking)
    return accepted()


@links.post("/email")
async def email() -> Response:
    await services.links.change_email(await actor(), await body(NewAddress))
    return accepted()


@pages.get("/reset")
async def reset_page() -> Response:
    return page("reset.html")


@pages.get("/verify")
async def verify_page() -> Response:
    return page("verify.html")


@pages.get("/links.css")
async def style() -> Response:
    return page("links.css")


@pages.get("/links.js")
async def script() -> Response:
    return page("links.js")


def accepted() -> Response:
    """A 202: mail is on its way, or there was nothing to send."""
    answer = no_content()
    answer.status_code = 202
    answer.headers["Content-Length"] = "0"
    return answer


def page(name: str) -> Response:
    """One of our own files, under a policy that lets it load the others and call the API, and nothing else.

    A query is ignored: there are mail programs that add one to every link.
    """
    answer = Response(PAGES[name], content_type=TYPES[name.rpartition(".")[2]])
    answer.headers["Content-Security-Policy"] = POLICY
    return answer
