"""/api/auth: registering, signing in, and one's own profile."""

from pydantic import TypeAdapter
from quart import Blueprint, Response

from domain.sessions import SignedIn
from routes.http import actor, body, client, no_query, reply, services
from routes.users import USER, OneUser, location
from service.auth import Login
from service.users import NewAccount

auth = Blueprint("auth", __name__, url_prefix="/api/auth")


SIGNED_IN = TypeAdapter(SignedIn)


@auth.post("/register")
async def register() -> Response:
    user = await services.users.register(await body(NewAccount))
    return reply(USER, OneUser(user=user), 201, location=location(user))


@auth.post("/login")
async def login() -> Response:
    return reply(SIGNED_IN, await services.auth.login(await body(Login), client()))


@auth.get("/profile")
async def profile() -> Response:
    asking = await actor()
    no_query()
    return reply(USER, OneUser(user=asking.account))
