"""The audit trail of what people do over HTTP, and admins and operators to them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from domain.audit import AuditEvent
from inkwell.settings import Settings
from repositories.database import Database
from service import Services
from service.users import NewPassword
from tests.support import PASSWORD, Client, trail

HERE = {"X-Forwarded-For": "192.0.2.7", "X-Request-ID": "a-request"}
NEW_PASSWORD = "another fine password"
WRONG = "typed-in-the-wrong-field@example.com"
LOGIN = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(trusted_proxies=1)


async def last(database: Database) -> AuditEvent:
    return (await trail(database))[-1]


async def told(database: Database) -> tuple[str, str | None, str | None, Any]:
    """The last event: what was done, by whom, to whom, and the rest."""
    event = await last(database)
    actor_id, target_id = (str(each) if each else None for each in (event.actor_id, event.target_id))
    return event.action, actor_id, target_id, event.data


async def session_of(user: Client) -> str:
    sessions = (await user.get("/api/auth/sessions")).json["data"]
    found: str = next(each["id"] for each in sessions if each["current"])
    return found


async def test_registering_is_nobodys_act_upon_the_newcomer(api: Client, database: Database) -> None:
    user = (await api.post("/api/auth/register", LOGIN)).json["user"]
    assert await told(database) == ("user.register", None, user["id"], {"role": "user"})


async def test_a_login_is_its_users_act(ada: Client, database: Database) -> None:
    assert await told(database) == ("login.succeed", ada.id, ada.id, {"session_id": await session_of(ada)})


@pytest.mark.parametrize(("email", "known"), [("ADA@example.com", True), (WRONG, False), ("no address", False)])
async def test_a_login_that_fails_tells_of_the_account_and_never_what_was_typed(
    api: Client, ada: Client, database: Database, email: str, known: bool
) -> None:
    assert (await api.post("/api/auth/login", {"email": email, "password": "no such password"})).status == 401
    reason = "wrong_password" if known else "unknown_user"
    assert await told(database) == ("login.fail", None, ada.id if known else None, {"reason": reason})


async def test_a_login_of_an_inactive_user_is_told_apart_from_a_wrong_password(
    api: Client, ada: Client, admin: Client, database: Database
) -> None:
    await admin.patch(f"/api/users/{ada.id}", {"is_active": False})
    for password, reason in ((PASSWORD, "user_inactive"), ("no such password", "wrong_password")):
        assert (await api.post("/api/auth/login", LOGIN | {"password": password})).status == 401
        assert await told(database) == ("login.fail", None, ada.id, {"reason": reason})


async def test_every_refused_login_costs_the_same_statements(
    api: Client, ada: Client, bob: Client, admin: Client, statements: list[str]
) -> None:
    await admin.patch(f"/api/users/{bob.id}", {"is_active": False})
    costs = []
    for changes in ({"email": WRONG}, {"password": "no such password"}, {"email": "bob@example.com"}):
        statements.clear()
        assert (await api.post("/api/auth/login", LOGIN | changes)).status == 401
        costs.append(statements.copy())
    assert costs[0]
    assert costs[0] == costs[1] == costs[2]


async def test_writing_a_post_costs_no_statement_more(ada: Client, statements: list[str], database: Database) -> None:
    before = await trail(database)
    statements.clear()
    await ada.write()
    assert [statement[:17] for statement in statements if "FROM users" not in statement] == ["INSERT INTO posts"]
    assert await trail(database) == before


async def test_who_is_not_signed_in_is_known_by_address_and_request(api: Client, database: Database) -> None:
    await api.post("/api/auth/register", LOGIN, headers=HERE)
    await api.post("/api/auth/login", LOGIN | {"password": "x"}, headers=HERE)
    token = (await api.post("/api/auth/login", LOGIN, headers=HERE)).json["refresh_token"]
    await reuse(api, token)
    events = await trail(database)
    assert [event.action for event in events] == ["user.register", "login.fail", "login.succeed", "session.reuse"]
    assert {(event.ip, event.request_id) for event in events} == {("192.0.2.7", "a-request")}


async def reuse(api: Client, token: str) -> None:
    assert (await api.post("/api/auth/refresh", {"refresh_token": token})).status == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=11), tick=True):
        replay = await api.post("/api/auth/refresh", {"refresh_token": token}, headers=HERE)
    assert replay.code == "refresh_reused"


async def test_a_session_that_ends_for_a_reuse_is_nobodys_act(api: Client, ada: Client, database: Database) -> None:
    answer = (await api.post("/api/auth/login", LOGIN)).json
    session_id = await session_of(Client(api.app, answer["access_token"]))
    await reuse(api, answer["refresh_token"])
    assert await told(database) == ("session.reuse", None, ada.id, {"session_id": session_id})


@pytest.mark.parametrize("scope", ["current", "others", "all"])
async def test_logging_out_is_told_with_its_scope(ada: Client, database: Database, scope: str) -> None:
    told_of = {"scope": scope, "session_id": await session_of(ada)}
    await ada.post("/api/auth/logout", {"scope": scope}, headers=HERE)
    assert await told(database) == ("session.logout", ada.id, ada.id, told_of)
    assert (await last(database)).ip == "192.0.2.7"


async def test_an_ended_session_is_told(api: Client, ada: Client, database: Database) -> None:
    other = await session_of(await api.sign_in("ada@example.com"))
    await ada.delete(f"/api/auth/sessions/{other}")
    assert await told(database) == ("session.end", ada.id, ada.id, {"session_id": other})


async def test_a_password_change_is_told_and_so_is_a_failed_one(ada: Client, database: Database) -> None:
    for current, action in (("wrong", "password.fail"), (PASSWORD, "password.change")):
        await ada.post("/api/auth/password", {"current_password": current, "new_password": NEW_PASSWORD})
        assert await told(database) == (action, ada.id, ada.id, {})


async def test_the_end_of_an_account_is_told_and_so_is_a_failed_try(ada: Client, database: Database) -> None:
    for password, action in (("wrong", "password.fail"), (PASSWORD, "user.delete")):
        await ada.post("/api/auth/delete-account", {"password": password})
        assert await told(database) == (action, ada.id, ada.id, {})


async def test_what_the_operator_does_is_nobodys_act(ada: Client, services: Services, database: Database) -> None:
    root = await services.users.add_admin(NewPassword(email="root@example.com", password=PASSWORD))
    assert await told(database) == ("user.create", None, str(root.id), {"role": "admin"})
    await services.users.set_password(NewPassword(email="ada@example.com", password=NEW_PASSWORD))
    assert await told(database) == ("password.set", None, ada.id, {})


async def test_an_admin_who_makes_changes_and_removes_a_user_is_named(admin: Client, database: Database) -> None:
    new = {"email": "new@example.com", "password": PASSWORD, "role": "admin"}
    user = (await admin.post("/api/users", new)).json["user"]
    assert await told(database) == ("user.create", admin.id, user["id"], {"role": "admin"})
    await admin.patch(f"/api/users/{user['id']}", {"role": "user", "email": "newer@example.com", "is_active": False})
    changed = {"role": {"from": "admin", "to": "user"}, "is_active": {"from": True, "to": False}}
    fields = {"fields": ["email", "role", "is_active"]}
    assert await told(database) == ("user.update", admin.id, user["id"], fields | changed)
    await admin.delete(f"/api/users/{user['id']}")
    assert await told(database) == ("user.delete", admin.id, user["id"], {})


async def test_ones_own_names_are_told_without_their_values(ada: Client, database: Database) -> None:
    await ada.patch(f"/api/users/{ada.id}", {"first_name": "Augusta", "last_name": "Lovelace"})
    assert await told(database) == ("user.update", ada.id, ada.id, {"fields": ["first_name"]})


async def test_an_admin_at_other_peoples_posts_is_told_and_an_author_is_not(
    ada: Client, admin: Client, database: Database
) -> None:
    post, before = await ada.write(), await trail(database)
    path = f"/api/posts/{post['id']}"
    await ada.patch(path, {"title": "Mine"})
    assert await trail(database) == before
    await admin.patch(path, {"title": "Tidied", "published": False})
    edited = {"author_id": ada.id, "fields": ["published", "title"]}
    assert await told(database) == ("post.update", admin.id, post["id"], edited)
    await admin.delete(path)
    assert await told(database) == ("post.delete", admin.id, post["id"], {"author_id": ada.id})


async def test_an_admins_own_posts_are_an_authors(admin: Client, database: Database) -> None:
    before = await trail(database)
    path = f"/api/posts/{(await admin.write())['id']}"
    assert [(await admin.patch(path, {"title": "Mine"})).status, (await admin.delete(path)).status] == [200, 204]
    assert await trail(database) == before


async def test_what_changes_nothing_leaves_no_trace(
    api: Client, ada: Client, bob: Client, admin: Client, database: Database
) -> None:
    before = await trail(database)
    refused = [
        await api.post("/api/auth/register", LOGIN),
        await ada.patch(f"/api/users/{bob.id}", {"first_name": "Not"}),
        await admin.patch(f"/api/users/{ada.id}", {"email": "bob@example.com"}),
        await admin.patch(f"/api/users/{admin.id}", {"role": "user"}),
        await admin.post("/api/auth/delete-account", {"password": PASSWORD}),
        await ada.delete(f"/api/auth/sessions/{ada.id}"),
        await admin.patch(f"/api/posts/{ada.id}", {"title": "None"}),
    ]
    same = await ada.patch(f"/api/users/{ada.id}", {"first_name": "Ada"})
    assert ([answer.status // 100 for answer in refused], same.status) == ([4] * len(refused), 200)
    assert await trail(database) == before


async def test_changes_of_one_user_at_once_are_told_in_their_order(
    ada: Client, admin: Client, database: Database
) -> None:
    roles = ["admin", "user"] * 5
    await asyncio.gather(*(admin.patch(f"/api/users/{ada.id}", {"role": role}) for role in roles))
    steps = [event.data["role"] for event in await trail(database) if event.action == "user.update"]
    assert steps[0]["from"] == "user"
    assert all(one["to"] == other["from"] for one, other in pairwise(steps))


async def test_no_secret_is_written_down(
    api: Client, ada: Client, admin: Client, services: Services, database: Database
) -> None:
    hashes = [await stored_hash(database)]
    tokens = (await api.post("/api/auth/login", LOGIN)).json
    await api.post("/api/auth/login", {"email": WRONG, "password": WRONG})
    await api.post("/api/auth/login", LOGIN | {"password": WRONG})
    await reuse(api, tokens["refresh_token"])
    await ada.post("/api/auth/password", {"current_password": WRONG, "new_password": NEW_PASSWORD})
    await ada.post("/api/auth/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    hashes.append(await stored_hash(database))
    await services.users.set_password(NewPassword(email="ada@example.com", password="the operator's choice"))
    again = await api.sign_in("ada@example.com", "the operator's choice")
    await admin.patch(f"/api/users/{ada.id}", {"email": "augusta@example.com", "first_name": "Augusta"})
    await again.post("/api/auth/delete-account", {"password": "the operator's choice"})
    written = repr(await trail(database))
    secrets = [PASSWORD, NEW_PASSWORD, WRONG, "operator's", "argon2", "eyJ", "rt1.", "example.com", "Augusta", *hashes]
    secrets += [str(ada.token), str(again.token), tokens["access_token"], tokens["refresh_token"]]
    assert [secret for secret in secrets if secret in written] == []
    assert "user.delete" in written


async def stored_hash(database: Database) -> str:
    async with database.read() as work:
        found = await work.users.credentials("ada@example.com")
    assert found
    return found.password_hash
