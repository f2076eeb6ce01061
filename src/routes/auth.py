"""/api/auth: registering, signing in and out, and one's own account."""

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from domain.auth import OwnSession, SignedIn, Tokens
from domain.errors import (
    EmailTaken,
    InvalidCredentials,
    LastAdmin,
    MissingCredentials,
    RefreshInvalid,
    RefreshReused,
    RegistrationClosed,
    SessionNotFound,
    WrongPassword,
)
from routes.documented import documented
from routes.http import actor, body, client, no_content, no_query, path_id, reply, services
from routes.users import OneAccount, made, one
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
@documented(
    "register",
    "Make an account for oneself",
    {201: OneAccount},
    body=NewAccount,
    errors=(RegistrationClosed, EmailTaken),
    tagged=True,
)
async def register() -> Response:
    return made(await services.users.register(await body(NewAccount), client()))


@auth.post("/login")
@documented("login", "Sign in", {200: SignedIn}, body=Login, errors=(MissingCredentials, InvalidCredentials))
async def login() -> Response:
    return reply(SIGNED_IN, await services.auth.login(await body(Login), client()))


@auth.get("/profile")
@documented("getProfile", "Who one is", {200: OneAccount}, caller="user", tagged=True)
async def profile() -> Response:
    asking = await actor()
    no_query()
    return one(asking.account)


@auth.post("/refresh")
@documented("refresh", "The next tokens", {200: Tokens}, body=Refresh, errors=(RefreshInvalid, RefreshReused))
async def refresh() -> Response:
    return reply(TOKENS, await services.auth.refresh(await body(Refresh), client()))


@auth.post("/logout")
@documented("logout", "Sign out here or elsewhere", {204: None}, caller="user", body=Logout, optional_body=True)
async def logout() -> Response:
    await services.sessions.logout(await actor(), await body(Logout, optional=True))
    return no_content()


@auth.get("/sessions")
@documented("listSessions", "Where one is signed in", {200: OwnSessions}, caller="user")
async def sessions() -> Response:
    asking = await actor()
    no_query()
    return reply(SESSIONS, OwnSessions(data=await services.sessions.list(asking)))


@auth.delete("/sessions/<session_id>")
@documented("endSession", "Sign out one session", {204: None}, caller="user", errors=(SessionNotFound,))
async def end_session(session_id: str) -> Response:
    asking = await actor()
    no_query()
    await services.sessions.end(asking, path_id(session_id, SessionNotFound))
    return no_content()


@auth.post("/password")
@documented(
    "changePassword", "Set another password", {204: None}, caller="user", body=PasswordChange, errors=(WrongPassword,)
)
async def password() -> Response:
    await services.account.change_password(await actor(), await body(PasswordChange))
    return no_content()


@auth.post("/delete-account")
@documented(
    "deleteAccount",
    "Remove one's own account",
    {204: None},
    caller="user",
    body=Farewell,
    errors=(WrongPassword, LastAdmin),
)
async def delete_account() -> Response:
    await services.account.remove(await actor(), await body(Farewell))
    return no_content()
