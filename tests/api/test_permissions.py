"""Every route, asked by everybody there is: the matrix says what they get, and the table of permissions why."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from quart import Quart

from domain.permissions import ADMIN, ANYONE, ANYONE_IF_OPEN, OWNER, SIGNED_IN, SIGNED_IN_IF_SHOWN, Permission
from inkwell.app import create_app
from inkwell.settings import Settings
from repositories.database import Database
from tests.support import PASSWORD, Answer, Client

SRC = Path(__file__).parents[2] / "src"
# Ids in a path and tokens in a body are the owner's: a post, a draft, a session, made anew for each caller. Where there
# is none, callers do it to what is their own. The permission is `-` where the table does not speak, because it does not
# matter who is signed in. `stranger` and `unverified` are signed in; neither has anything to do with the owner.
CALLERS = ("anonymous", "unverified", "stranger", "owner", "admin", "deactivated")
MATRIX = """
GET    /                              -          -                   200 200 200 200 200 200
GET    /healthz                       -          -                   200 200 200 200 200 200
GET    /readyz                        -          -                   200 200 200 200 200 200
GET    /metrics                       -          -                   404 404 404 404 404 404
GET    /reset                         -          -                   200 200 200 200 200 200
GET    /verify                        -          -                   200 200 200 200 200 200
GET    /links.css                     -          -                   200 200 200 200 200 200
GET    /links.js                      -          -                   200 200 200 200 200 200
GET    /front.css                     -          -                   200 200 200 200 200 200
GET    /docs                          -          -                   200 200 200 200 200 200
GET    /docs/docs.css                 -          -                   200 200 200 200 200 200
GET    /docs/docs.js                  -          -                   200 200 200 200 200 200
GET    /docs/swagger-ui.css           -          -                   200 200 200 200 200 200
GET    /docs/swagger-ui-bundle.js     -          -                   200 200 200 200 200 200
GET    /api/openapi.json              -          -                   200 200 200 200 200 200
GET    /.well-known/jwks.json         -          -                   200 200 200 200 200 200
POST   /api/auth/register             account    USER_REGISTER       201 201 201 201 201 201
POST   /api/auth/login                login      -                   200 200 200 200 200 200
POST   /api/auth/refresh              refresh    -                   200 200 200 200 200 200
POST   /api/auth/forgot               address    -                   202 202 202 202 202 202
POST   /api/auth/reset                reset      -                   400 400 400 400 400 400
POST   /api/auth/verify-email         link       -                   400 400 400 400 400 400
POST   /api/auth/verify-email/resend  nothing    ACCOUNT_CHANGE      401 202 202 202 202 401
POST   /api/auth/email                moving     ACCOUNT_CHANGE      401 202 202 202 202 401
POST   /api/auth/password             passwords  ACCOUNT_CHANGE      401 204 204 204 204 401
POST   /api/auth/delete-account       farewell   ACCOUNT_CHANGE      401 204 204 204 204 401
GET    /api/auth/profile              -          USER_READ_ALL       401 200 200 200 200 401
GET    /api/auth/sessions             -          SESSION_LIST        401 200 200 200 200 401
POST   /api/auth/logout               nothing    SESSION_END         401 204 204 204 204 401
DELETE /api/auth/sessions/<session_id> -         SESSION_END         401 404 404 204 404 401
GET    /api/users                     -          USER_READ           401 200 200 200 200 401
GET    /api/users?is_active=true      -          USER_LIST_INACTIVE  401 403 403 403 200 401
GET    /api/users?sort=email          -          USER_READ_EMAIL     401 200 200 200 200 401
POST   /api/users                     account    USER_CREATE         401 403 403 403 201 401
GET    /api/users/<user_id>           -          USER_READ           401 200 200 200 200 401
PATCH  /api/users/<user_id>           nothing    USER_RENAME         401 403 403 200 200 401
PATCH  /api/users/<user_id>           name       USER_RENAME         401 403 403 200 200 401
PATCH  /api/users/<user_id>           address    USER_CHANGE         401 403 403 403 200 401
PATCH  /api/users/<user_id>           role       USER_CHANGE         401 403 403 403 200 401
PATCH  /api/users/<user_id>           inactive   USER_CHANGE         401 403 403 403 200 401
DELETE /api/users/<user_id>           -          USER_DELETE         401 403 403 403 204 401
GET    /api/users/<user_id>/posts     -          POST_READ           200 200 200 200 200 401
GET    /api/posts                     -          POST_READ           200 200 200 200 200 401
GET    /api/posts?mine=true           -          POST_LIST_OWN       401 200 200 200 200 401
POST   /api/posts                     post       POST_CREATE         401 201 201 201 201 401
GET    /api/posts/<post_id>           -          POST_READ           200 200 200 200 200 401
PATCH  /api/posts/<post_id>           nothing    POST_CHANGE         401 403 403 200 200 401
PATCH  /api/posts/<post_id>           title      POST_CHANGE         401 403 403 200 200 401
PATCH  /api/posts/<post_id>           hidden     POST_CHANGE         401 403 403 200 200 401
DELETE /api/posts/<post_id>           -          POST_DELETE         401 403 403 204 204 401
GET    /api/posts/<draft_id>          -          POST_READ_DRAFT     404 404 404 200 200 401
PATCH  /api/posts/<draft_id>          title      POST_READ_DRAFT     401 404 404 200 200 401
DELETE /api/posts/<draft_id>          -          POST_READ_DRAFT     401 404 404 204 204 401
GET    /api/audit                     -          AUDIT_READ          401 403 403 403 200 401
"""
WITH_CLOSED_DOORS = """
POST   /api/auth/register             account    USER_REGISTER       403 403 403 403 403 403
GET    /api/users?sort=email          -          USER_READ_EMAIL     401 403 403 403 200 401
"""
SENT = {
    "nothing": "{}",
    "account": f'{{"email": "<caller>@example.net", "password": "{PASSWORD}"}}',
    "login": f'{{"email": "ada@example.com", "password": "{PASSWORD}"}}',
    "refresh": '{"refresh_token": "<refresh_token>"}',
    "address": '{"email": "<caller>@example.net"}',
    "reset": '{"token": "by no mail", "new_password": "another fine password"}',
    "link": '{"token": "by no mail"}',
    "moving": f'{{"new_email": "<caller>@example.net", "password": "{PASSWORD}"}}',
    "passwords": f'{{"current_password": "{PASSWORD}", "new_password": "another fine password"}}',
    "farewell": f'{{"password": "{PASSWORD}"}}',
    "name": '{"first_name": "Augusta"}',
    "role": '{"role": "admin"}',
    "inactive": '{"is_active": false}',
    "post": '{"title": "Notes", "content": "On engines."}',
    "title": '{"title": "Other notes"}',
    "hidden": '{"published": false}',
}
PARAMETER = re.compile("<([a-z_]+)>")
# What the table calls them. Registering does not ask who is there, so that even a token that is over does no harm.
SOMEBODY = {ANYONE, ANYONE_IF_OPEN, SIGNED_IN, SIGNED_IN_IF_SHOWN}
STANDING = {
    "anonymous": {ANYONE, ANYONE_IF_OPEN},
    "unverified": SOMEBODY,
    "stranger": SOMEBODY,
    "owner": SOMEBODY | {OWNER},
    "admin": SOMEBODY | {ADMIN},
    "deactivated": {ANYONE_IF_OPEN},
}
IF_OPEN = {ANYONE_IF_OPEN, SIGNED_IN_IF_SHOWN}


@dataclass(frozen=True)
class Row:
    """What is asked for, and the status that each caller gets."""

    method: str
    path: str
    sent: str
    permission: Permission | None
    statuses: dict[str, int]

    @property
    def route(self) -> str:
        return f"{self.method} {self.path.partition('?')[0].replace('<draft_id>', '<post_id>')}"

    @property
    def is_ones_own(self) -> bool:
        """Whether callers can mean nobody but themselves."""
        return (self.path.startswith("/api/auth/") and "<" not in self.path) or self.path.endswith("?mine=true")

    def standing(self, caller: str) -> set[str]:
        """What the table calls the caller here."""
        is_owner = self.is_ones_own and SIGNED_IN in STANDING[caller]
        return STANDING[caller] | ({OWNER} if is_owner else set())

    def code(self, caller: str) -> str | None:
        """What a refusal says; None where there is none, or where the table does not speak."""
        if self.statuses[caller] < 400 or self.permission is None:
            return None
        if self.statuses[caller] == 401:
            return {"anonymous": "token_missing", "deactivated": "user_inactive"}[caller]
        return self.permission.refusal.code


def row_of(line: str) -> Row:
    method, path, sent, name, *cells = line.split()
    statuses = dict(zip(CALLERS, map(int, cells), strict=True))
    return Row(method, path, sent, None if name == "-" else Permission[name], statuses)


ROWS, CLOSED_ROWS = (list(map(row_of, matrix.strip().splitlines())) for matrix in (MATRIX, WITH_CLOSED_DOORS))


def named(row: Row) -> str:
    return f"{row.method} {row.path} {row.sent}"


def routes(app: Quart) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@pytest.fixture
async def callers(
    api: Client, ada: Client, bob: Client, make_admin: Callable[[str], Awaitable[Client]], database: Database
) -> dict[str, Client]:
    """One of each kind; and another admin, so that the first one can leave."""
    admin, _ = await make_admin("root@example.com"), await make_admin("second@example.com")
    eve, gone = await api.join("eve@example.com"), await api.join("gone@example.com")
    async with database.write() as work:
        for client in (ada, bob, admin):
            await work.users.change(UUID(client.id), {"email_verified": True})
    assert (await admin.patch(f"/api/users/{gone.id}", {"is_active": False})).status == 200
    return dict(zip(CALLERS, (api, eve, bob, ada, admin, gone), strict=True))


@pytest.fixture
async def behind_closed_doors(
    callers: dict[str, Client], make_settings: Callable[..., Settings]
) -> AsyncIterator[dict[str, Client]]:
    """The same callers, where nobody registers, and addresses are for admins."""
    async with create_app(make_settings(registration="closed", directory="admins")).test_app() as running:
        app = running.app  # type: ignore[attr-defined]
        yield {name: Client(app, client.token, client.me) for name, client in callers.items()}


async def owned(name: str, owner: Client) -> str:
    """The id or the token of something that is the owner's."""
    match name:
        case "user_id":
            return owner.id
        case "session_id":
            elsewhere = await owner.sign_in("ada@example.com")
            sessions = (await elsewhere.get("/api/auth/sessions")).json["data"]
            return str(next(session["id"] for session in sessions if session["current"]))
        case "refresh_token":
            signed_in = await owner.post("/api/auth/login", {"email": "ada@example.com", "password": PASSWORD})
            return str(signed_in.json["refresh_token"])
        case _:
            return str((await owner.write(published=name == "post_id"))["id"])


async def filled(text: str, caller: str, owner: Client) -> str:
    for name in PARAMETER.findall(text):
        text = text.replace(f"<{name}>", caller if name == "caller" else await owned(name, owner))
    return text


async def ask(row: Row, caller: str, callers: dict[str, Client]) -> Answer:
    path = await filled(row.path, caller, callers["owner"])
    if row.sent == "-":
        return await callers[caller].send(row.method, path)
    body = await filled(SENT[row.sent], caller, callers["owner"])
    return await callers[caller].send(row.method, path, data=body, headers={"Content-Type": "application/json"})


async def assert_as_written(row: Row, callers: dict[str, Client]) -> None:
    for caller, status in row.statuses.items():
        answer = await ask(row, caller, callers)
        code = answer.code if row.code(caller) else None
        assert (answer.status, code) == (status, row.code(caller)), (named(row), caller, answer.body)


def test_every_route_has_a_row(app: Quart) -> None:
    assert {row.route for row in ROWS} == routes(app)


def test_every_permission_has_a_row() -> None:
    assert {row.permission for row in ROWS} - {None} == set(Permission)


@pytest.mark.parametrize("row", [row for row in ROWS if row.permission], ids=named)
def test_the_matrix_says_what_the_table_says(row: Row) -> None:
    assert row.permission
    for caller, status in row.statuses.items():
        assert (status < 400) == bool(row.standing(caller) & row.permission.who), caller


@pytest.mark.parametrize("name", ["ACCOUNT_CHANGE", "SESSION_LIST", "SESSION_END", "POST_LIST_OWN"])
def test_what_nobody_can_ask_of_others_is_for_owners_alone(name: str) -> None:
    assert Permission[name].who == {OWNER}


@pytest.mark.parametrize("row", CLOSED_ROWS, ids=named)
def test_behind_closed_doors_it_does_too(row: Row) -> None:
    assert row.permission
    for caller, status in row.statuses.items():
        standing = STANDING[caller] - IF_OPEN - {OWNER}  # it is about everybody's address
        assert (status < 400) == bool(standing & row.permission.who), caller


async def test_everybody_reads_what_the_matrix_says(app: Quart, callers: dict[str, Client]) -> None:
    for row in ROWS:
        if row.method == "GET":
            await assert_as_written(row, callers)


@pytest.mark.parametrize("row", [row for row in ROWS if row.method != "GET"], ids=named)
async def test_everybody_changes_what_the_matrix_says(row: Row, callers: dict[str, Client]) -> None:
    await assert_as_written(row, callers)


@pytest.mark.parametrize("row", CLOSED_ROWS, ids=named)
async def test_so_they_do_behind_closed_doors(row: Row, behind_closed_doors: dict[str, Client]) -> None:
    await assert_as_written(row, behind_closed_doors)


async def test_the_callers_are_what_they_are_called(callers: dict[str, Client]) -> None:
    found = {}
    for name, client in callers.items():
        user = (await client.get("/api/auth/profile")).json.get("user", {})
        found[name] = (user.get("role"), user.get("email_verified"))
    nobody = (None, None)
    assert [found[name] for name in ("anonymous", "deactivated")] == [nobody, nobody]
    assert [found[name] for name in ("unverified", "stranger", "owner")] == [("user", False), *[("user", True)] * 2]
    assert found["admin"] == ("admin", True)


async def seeing(callers: dict[str, Client], field: str) -> set[str]:
    """Who finds something in this field of the owner."""
    readers = CALLERS[1:-1]
    answers = {name: await callers[name].get(f"/api/users/{callers['owner'].id}") for name in readers}
    return {name for name in readers if answers[name].json["user"].get(field) is not None}


async def test_the_whole_of_a_user_is_for_that_user_and_admins(callers: dict[str, Client]) -> None:
    assert Permission.USER_READ_ALL.who == {OWNER, ADMIN}
    for field in ("is_active", "email_verified", "updated_at"):
        assert await seeing(callers, field) == {"owner", "admin"}


async def test_addresses_are_for_everybody_signed_in_unless_the_doors_are_closed(
    callers: dict[str, Client], behind_closed_doors: dict[str, Client]
) -> None:
    assert Permission.USER_READ_EMAIL.who == {SIGNED_IN_IF_SHOWN, OWNER, ADMIN}
    assert await seeing(callers, "email") == {"unverified", "stranger", "owner", "admin"}
    assert await seeing(behind_closed_doors, "email") == {"owner", "admin"}


async def test_the_inactive_are_listed_to_admins(callers: dict[str, Client]) -> None:
    for name in CALLERS[1:-1]:
        listed = {user["id"] for user in (await callers[name].get("/api/users")).json["data"]}
        assert (callers["deactivated"].id in listed) == (name == "admin"), name


def test_nothing_else_looks_at_roles() -> None:
    asking = {path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py") if ".is_admin" in path.read_text()}
    assert asking == {"domain/permissions.py", "domain/users.py"}
