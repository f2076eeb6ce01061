"""/api/auth: what is done by mailed links; and the pages to which they lead, where there are no others."""

from quart import Blueprint, Response

from domain.errors import LinkInvalid, WrongPassword
from routes.documented import CSS, HTML, SCRIPT, Media, documented
from routes.files import page
from routes.http import actor, body, client, no_content, services
from service.fields import Input
from service.links import Forgot, NewAddress, Reset, Verification

links = Blueprint("links", __name__, url_prefix="/api/auth")
pages = Blueprint("link_pages", __name__)


@links.post("/forgot")
@documented("forgotPassword", "Have a link mailed that sets a new password", {202: None}, body=Forgot)
async def forgot() -> Response:
    await services.links.forgot(await body(Forgot))
    return accepted()


@links.post("/reset")
@documented("resetPassword", "Set a new password by a mailed link", {204: None}, body=Reset, errors=(LinkInvalid,))
async def reset() -> Response:
    await services.links.reset(await body(Reset), client())
    return no_content()


@links.post("/verify-email")
@documented("verifyEmail", "Prove an address by a mailed link", {204: None}, body=Verification, errors=(LinkInvalid,))
async def verify_email() -> Response:
    await services.links.verify(await body(Verification), client())
    return no_content()


@links.post("/verify-email/resend")
@documented(
    "resendVerification", "Have that link mailed again", {202: None}, caller="user", body=Input, optional_body=True
)
async def resend() -> Response:
    asking, _ = await actor(), await body(Input, optional=True)
    await services.links.resend(asking)
    return accepted()


@links.post("/email")
@documented(
    "changeEmail", "Move to another address", {202: None}, caller="user", body=NewAddress, errors=(WrongPassword,)
)
async def email() -> Response:
    await services.links.change_email(await actor(), await body(NewAddress))
    return accepted()


@pages.get("/reset")
@documented("resetPage", "Where a link to a new password leads", {200: Media([HTML])}, any_query=True)
async def reset_page() -> Response:
    return page("reset.html")


@pages.get("/verify")
@documented("verifyPage", "Where a link that proves an address leads", {200: Media([HTML])}, any_query=True)
async def verify_page() -> Response:
    return page("verify.html")


@pages.get("/links.css")
@documented("linksStyle", "The look of these pages", {200: Media([CSS])}, any_query=True)
async def style() -> Response:
    return page("links.css")


@pages.get("/links.js")
@documented("linksScript", "What these pages do", {200: Media([SCRIPT])}, any_query=True)
async def script() -> Response:
    return page("links.js")


def accepted() -> Response:
    """A 202: mail is on its way, or there was nothing to send."""
    answer = no_content()
    answer.status_code = 202
    answer.headers["Content-Length"] = "0"
    return answer
