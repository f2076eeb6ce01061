"""/api/auth: registering, signing in and out, and one's own account."""

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from domain.auth import OwnSession, SignedIn, Tokens
from domain.errors import SessionNotFound
from routes.http import actor, body, client, no_content, no_query, path_id, reply, services
from routes.users import made, one
from service.account import Farewell, PasswordChange
from service.auth import Login, Refresh
from service.sessions import Logout
from service.users import NewAccount

auth = Blueprint("auth", __name__, url_prefix="/api/auth")


class OwnSessions(TypedDict):
    """Where the caller is signed in."""

    data: list[OwnSession]


SIGNED_IN = TypeAdapter(SignedIn)
TOKENS = TypeAdapter(Tokens)
SESSIONS = TypeAdapter(OwnSessions)


@auth.post("/register")
async def register() -> Response:
    return made(await services.users.register(await body(NewAccount), client()))


@auth.post("/login")
async def login() -> Response:
    return reply(SIGNED_IN, await services.auth.login(await body(Login), client()))


@auth.get("/profile")
async def profile() -> Response:
    asking = await actor()
    no_query()
    return one(asking.account)


@auth.post("/refresh")
async def refresh() -> Response:
    return reply(TOKENS, await services.auth.refresh(await body(Refresh), client()))


@auth.post("/logout")
async def logout() -> Response:
    await services.sessions.logout(await actor(), await body(Logout, optional=True))
    return no_content()


@auth.get("/sessions")
async def sessions() -> Response:
    asking = await actor()
    no_query()
    return reply(SESSIONS, OwnSessions(data=await services.sessions.list(asking)))


@auth.delete("/sessions/<session_id>")
async def end_session(session_id: str) -> Response:
    asking = await actor()
    no_query()
    await services.sessions.end(asking, path_id(session_id, SessionNotFound))
    return no_content()


@auth.post("/password")
async def password() -> Response:
    await services.account.change_password(await actor(), await body(PasswordChange))
    return no_content()


@auth.post("/delete-account")
async def delete_account() -> Response:
    await services.account.remove(await actor(), await body(Farewell))
    return no_content()
