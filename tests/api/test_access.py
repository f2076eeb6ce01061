"""Installations that let people do less: no registering, no addresses of others."""

from collections.abc import Callable

from inkwell.app import create_app
from inkwell.settings import Settings
from tests.support import PASSWORD, Client

NEW = {"email": "eve@example.com", "password": PASSWORD}


async def test_where_registration_is_closed_only_admins_make_accounts(
    admin: Client, make_settings: Callable[..., Settings]
) -> None:
    async with create_app(make_settings(registration="closed")).test_app() as running:
        closed = Client(running.app)  # type: ignore[attr-defined]
        refused = await closed.post("/api/auth/register", NEW)
        assert (refused.status, refused.code) == (403, "registration_closed")
        assert (await closed.post("/api/auth/register", {})).code == "missing_fields"
        assert (await Client(closed.app, admin.token).post("/api/users", NEW)).status == 201


async def test_where_the_directory_is_the_admins_others_have_no_address(
    ada: Client, bob: Client, admin: Client, make_settings: Callable[..., Settings]
) -> None:
    async with create_app(make_settings(directory="admins")).test_app() as running:
        reader, root = (Client(running.app, one.token) for one in (ada, admin))  # type: ignore[attr-defined]
        users = (await reader.get("/api/users")).json["data"]
        assert [user["email"] for user in users] == ["ada@example.com", None, None]
        assert list(users[1])[:2] == ["id", "email"]
        assert (await reader.get(f"/api/users/{bob.id}")).json["user"]["email"] is None
        assert (await reader.get("/api/users?q=bob%40")).json["pagination"]["total"] == 0
        assert (await reader.get("/api/users?q=bob")).json["pagination"]["total"] == 1
        assert (await root.get("/api/users?q=bob%40")).json["data"][0]["email"] == "bob@example.com"
