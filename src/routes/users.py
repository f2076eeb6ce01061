"""/api/users: the directory."""

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from domain.errors import UserNotFound
from domain.pages import Page
from domain.users import Account, User
from routes.http import actor, body, no_content, no_query, path_id, query, reply, reply_page, services
from service.users import NewUser, UserChanges, UserListing

users = Blueprint("users", __name__, url_prefix="/api/users")


class OneUser(TypedDict):
    """A user, as much of it as the reader may see."""

    user: Account | User


USER = TypeAdapter(OneUser)
USERS = TypeAdapter(Page[Account | User])


def location(user: User) -> str:
    return f"/api/users/{user.id}"


@users.get("")
async def index() -> Response:
    return reply_page(USERS, await services.users.list(await actor(), query(UserListing)))


@users.post("")
async def create() -> Response:
    user = await services.users.create(await actor(), await body(NewUser))
    return reply(USER, OneUser(user=user), 201, location=location(user))


@users.get("/<user_id>")
async def show(user_id: str) -> Response:
    asking = await actor()
    no_query()
    return reply(USER, OneUser(user=await services.users.get(asking, path_id(user_id, UserNotFound))))


@users.patch("/<user_id>")
async def change(user_id: str) -> Response:
    asking, changes = await actor(), await body(UserChanges)
    return reply(USER, OneUser(user=await services.users.change(asking, path_id(user_id, UserNotFound), changes)))


@users.delete("/<user_id>")
async def remove(user_id: str) -> Response:
    asking = await actor()
    no_query()
    await services.users.remove(asking, path_id(user_id, UserNotFound))
    return no_content()
