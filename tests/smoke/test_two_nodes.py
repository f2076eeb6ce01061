"""Two servers on one database: what ends on one of them has ended on the other."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.conftest import SECRET, Server
from tests.mailbox import SENDER, Mailbox, open_mailbox
from tests.packaging.servers import UNMEASURED
from tests.smoke.test_server import ADMIN, start, stop
from tests.support import PASSWORD

Node = httpx.AsyncClient
LONGEST_S = 1.0


@pytest.fixture(scope="module")
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
async def nodes(
    tmp_path_factory: pytest.TempPathFactory, server: Server, template: str, mailbox: Mailbox
) -> AsyncIterator[tuple[Node, Node]]:
    url, folder = await server.create(template), tmp_path_factory.mktemp("nodes")
    admin = {"ADMIN_EMAIL": ADMIN["email"], "ADMIN_PASSWORD": ADMIN["password"]}
    names = {"DATABASE_URL": url, "JWT_SECRET_KEY": SECRET, "ENV": "production", "DRAIN_SECONDS": "0"} | UNMEASURED
    mail = {"MAIL_URL": mailbox.url, "MAIL_FROM": SENDER}
    started = [await start(folder, **names, **admin, **mail) for _ in range(2)]
    async with Node(base_url=started[0][1]) as here, Node(base_url=started[1][1]) as there:
        yield here, there
    for process, _ in started:
        assert await stop(process) == 0
    await server.drop(url)


async def sign_in(node: Node, email: str, password: str = PASSWORD) -> tuple[dict[str, str], dict[str, Any]]:
    """The header that shows who one is, and the user."""
    answer = await node.post("/api/auth/login", json={"email": email, "password": password})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}, answer.json()["user"]


async def seconds_until(holds: Callable[[], Awaitable[bool]]) -> float:
    begun = time.monotonic()
    while not await holds():
        assert time.monotonic() - begun < LONGEST_S
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("logout", "session_ended"),
        ("end the session", "session_ended"),
        ("change the password", "session_ended"),
        ("reset the password", "session_ended"),
        ("deactivate", "user_inactive"),
        ("delete", "user_inactive"),
    ],
)
async def test_what_ends_here_ends_there(
    nodes: tuple[Node, Node], mailbox: Mailbox, ending: str, code: str, record_property: Callable[[str, object], None]
) -> None:
    here, there = nodes
    email = f"{ending.replace(' ', '-')}@example.com"
    await here.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    (mine, user), (other, _) = await sign_in(here, email), await sign_in(here, email)
    root, _ = await sign_in(here, ADMIN["email"], ADMIN["password"])
    assert (await there.get("/api/auth/profile", headers=other)).status_code == 200

    async def refused() -> bool:
        answer = await there.get("/api/auth/profile", headers=other)
        return answer.status_code == 401 and answer.json()["code"] == code

    match ending:
        case "logout":
            done = await here.post("/api/auth/logout", headers=other)
        case "end the session":
            listed = (await here.get("/api/auth/sessions", headers=mine)).json()["data"]
            other_id = next(session["id"] for session in listed if not session["current"])
            done = await here.delete(f"/api/auth/sessions/{other_id}", headers=mine)
        case "change the password":
            change = {"current_password": PASSWORD, "new_password": "another fine password"}
            done = await here.post("/api/auth/password", headers=mine, json=change)
        case "reset the password":
            await there.post("/api/auth/forgot", json={"email": email})
            choice = {"token": await mailbox.token(email, 2), "new_password": "another fine password"}
            done = await here.post("/api/auth/reset", json=choice)
        case "deactivate":
            done = await here.patch(f"/api/users/{user['id']}", headers=root, json={"is_active": False})
        case _:
            done = await here.delete(f"/api/users/{user['id']}", headers=root)
    assert done.is_success
    taken = await seconds_until(refused)
    record_property("seconds", taken)
    print(f"{ending}: refused on the other node after {taken * 1000:.0f} ms")


async def test_a_new_role_here_is_a_new_role_there(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    await here.post("/api/auth/register", json={"email": "eve@example.com", "password": PASSWORD})
    eve, user = await sign_in(here, "eve@example.com")
    root, _ = await sign_in(here, ADMIN["email"], ADMIN["password"])
    assert (await there.get("/api/audit", headers=eve)).status_code == 403
    await here.patch(f"/api/users/{user['id']}", headers=root, json={"role": "admin"})

    async def is_admin() -> bool:  # by a look, for making a user would hash a password in the measured time
        return (await there.get("/api/audit", headers=eve)).status_code == 200

    print(f"a new role: in force on the other node after {await seconds_until(is_admin) * 1000:.0f} ms")
