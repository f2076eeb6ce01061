"""/api/users: the directory."""

from typing import Any

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from domain.errors import AdminRequired, BadCursor, EmailTaken, LastAdmin, NotYours, UserNotFound
from domain.pages import Page
from domain.users import Account, User
from routes.adapters import adapter_of
from routes.conditional import expected, reply_tagged
from routes.documented import documented
from routes.http import actor, body, no_content, no_query, path_id, query, reply_page, services
from routes.idempotency import once
from service.users import NewUser, UserChanges, UserListing

users = Blueprint("users", __name__, url_prefix="/api/users")


class OneUser(TypedDict):
    """A user, as much of it as the reader may see."""

    user: Account | User


class OneAccount(TypedDict):
    """A user in full."""

    user: Account


USER = adapter_of(OneUser)
USERS: TypeAdapter[Page[Any]] = adapter_of(Page[Account | User])
OF_ONE_KIND: dict[type[User], TypeAdapter[Page[Any]]] = {
    Account: adapter_of(Page[Account]),
    User: adapter_of(Page[User]),
}


def one(user: User) -> Response:
    return reply_tagged(USER, OneUser(user=user), user)


def made(user: User) -> Response:
    return reply_tagged(USER, OneUser(user=user), user, 201, location=f"/api/users/{user.id}")


def reply_users(page: Page[User]) -> Response:
    """Most pages have one kind of users; where there are two, one is tried for each row, and then the other."""
    kinds = {type(user) for user in page.data}
    return reply_page(OF_ONE_KIND[kinds.pop()] if len(kinds) == 1 else USERS, page)


@users.get("")
@documented(
    "listUsers",
    "The directory",
    {200: Page[Account | User]},
    caller="user",
    query=UserListing,
    errors=(AdminRequired, BadCursor),
)
async def index() -> Response:
    return reply_users(await services.users.list(await actor(), query(UserListing)))


@users.post("")
@documented(
    "createUser",
    "Make an account for somebody",
    {201: OneAccount},
    caller="admin",
    body=NewUser,
    errors=(EmailTaken,),
    tagged=True,
    once=True,
)
async def create() -> Response:
    admin, one_time = await actor(), await once(made)
    return made(await services.users.create(admin, await body(NewUser), one_time))


@users.get("/<user_id>")
@documented("getUser", "One user", {200: OneUser}, caller="user", errors=(UserNotFound,), tagged=True)
async def show(user_id: str) -> Response:
    asking = await actor()
    no_query()
    return one(await services.users.get(asking, path_id(user_id, UserNotFound)))


@users.patch("/<user_id>")
@documented(
    "updateUser",
    "Change a user: names by that user, everything by admins",
    {200: OneAccount},
    caller="user",
    body=UserChanges,
    errors=(NotYours, UserNotFound, EmailTaken, LastAdmin),
    tagged=True,
)
async def change(user_id: str) -> Response:
    asking, changes = await actor(), await body(UserChanges)
    return one(await services.users.change(asking, path_id(user_id, UserNotFound), changes, expected()))


@users.delete("/<user_id>")
@documented(
    "deleteUser",
    "Remove a user with all posts and sessions",
    {204: None},
    caller="admin",
    errors=(UserNotFound, LastAdmin),
    tagged=True,
)
async def remove(user_id: str) -> Response:
    asking = await actor()
    no_query()
    await services.users.remove(asking, path_id(user_id, UserNotFound), expected())
    return no_content()
