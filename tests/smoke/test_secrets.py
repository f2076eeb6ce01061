"""Nothing that opens a door is ever told: not in what the server prints, not in a refusal, not in a table."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from inkwell.database_url import parse_database_url
from inkwell.migrations import connected
from repositories.tables import metadata
from tests.conftest import SECRET, Server
from tests.mailbox import SENDER, Mailbox, open_mailbox
from tests.packaging.servers import serving

ADA, NEW_ADDRESS = "ada@example.com", "augusta@example.com"
ROOT = {"email": "root@example.com", "password": "the oldest of all trees"}
FIRST, SECOND, THIRD = "the first of my words", "the second of my words", "the third of my words"
SECRET_FIELDS = {"password", "current_password", "new_password", "token", "access_token", "refresh_token"}
REFUSAL = "554 I do not like that mail"


@dataclass
class Visitor:
    """Asks, and remembers every secret that went to and fro, and every refusal."""

    client: httpx.AsyncClient
    secrets: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)

    async def send(
        self, status: int, path: str, body: Any = None, *, token: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """What comes back as JSON, with the status that is expected."""
        headers = ({"Authorization": f"Bearer {token}"} if token else {}) | more.pop("headers", {})
        answer = await self.client.post(f"/api/{path}", headers=headers, **({"json": body} if body else {}), **more)
        assert answer.status_code == status, (path, answer.text)
        if status >= 400:
            self.refusals.append(f"{answer.headers} {answer.text}")
        found: dict[str, Any] = answer.json() if answer.headers.get("content-type") == "application/json" else {}
        for told in (body or {}, found):
            self.secrets |= {value for name, value in told.items() if name in SECRET_FIELDS}
        return found

    async def sign_in(self, email: str, password: str) -> dict[str, Any]:
        return await self.send(200, "auth/login", {"email": email, "password": password})


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
async def database_url(server: Server, template: str) -> AsyncIterator[str]:
    url = await server.create(template)
    yield url
    await server.drop(url)


async def tables(url: str) -> str:
    """All rows of all tables, bytes among them as they are."""
    async with connected(parse_database_url(url)) as connection:
        rows = [(await connection.execute(text(f"TABLE {table}"))).all() for table in metadata.tables]
    return repr(rows)


async def use_a_session(ada: Visitor) -> None:
    await ada.send(201, "auth/register", {"email": ADA, "password": FIRST})
    for email, password in ((ADA, "not one of my words"), (FIRST, FIRST), ("nobody@example.com", FIRST)):
        await ada.send(401, "auth/login", {"email": email, "password": password})
    first = (await ada.sign_in(ADA, FIRST))["refresh_token"]
    second = (await ada.send(200, "auth/refresh", {"refresh_token": first}))["refresh_token"]
    third = (await ada.send(200, "auth/refresh", {"refresh_token": second}))["access_token"]
    await ada.send(401, "auth/refresh", {"refresh_token": first})
    await ada.send(401, "auth/logout", {}, token=third)
    await ada.send(204, "auth/logout", {}, token=(await ada.sign_in(ADA, FIRST))["access_token"])


async def use_the_account(ada: Visitor, mailbox: Mailbox) -> None:
    token = (await ada.sign_in(ADA, FIRST))["access_token"]
    await mailbox.wait(ADA)
    await ada.send(202, "auth/verify-email/resend", token=token)
    verification = {"token": await mailbox.token(ADA, 2)}
    await ada.send(204, "auth/verify-email", verification)
    await ada.send(400, "auth/verify-email", verification)
    for status, current in ((400, "not one of my words"), (204, FIRST)):
        await ada.send(status, "auth/password", {"current_password": current, "new_password": SECOND}, token=token)
    await mailbox.wait(ADA, 3)
    await ada.send(202, "auth/forgot", {"email": ADA})
    reset = {"token": await mailbox.token(ADA, 4)}
    for status, choice in ((400, "sh0rt-1"), (204, THIRD), (400, FIRST)):
        await ada.send(status, "auth/reset", reset | {"new_password": choice})
    await mailbox.wait(ADA, 5)


async def move_and_leave(ada: Visitor, mailbox: Mailbox) -> None:
    token = (await ada.sign_in(ADA, THIRD))["access_token"]
    for status, password in ((400, FIRST), (202, THIRD)):
        await ada.send(status, "auth/email", {"new_email": NEW_ADDRESS, "password": password}, token=token)
    await ada.send(204, "auth/verify-email", {"token": await mailbox.token(NEW_ADDRESS)})
    for status, password in ((400, FIRST), (204, THIRD)):
        await ada.send(status, "auth/delete-account", {"password": password}, token=token)


async def make_a_user_twice(root: Visitor, mailbox: Mailbox) -> None:
    mailbox.refusals = [REFUSAL]
    token = (await root.sign_in(**ROOT))["access_token"]
    new = {"email": "new@example.com", "password": "chosen for somebody else"}
    for status, changes in ((201, {}), (201, {}), (422, {"password": "chosen differently"})):
        await root.send(status, "users", new | changes, token=token, headers={"Idempotency-Key": "once"})
    async with asyncio.timeout(20):
        while mailbox.refusals:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def ask_wrongly(root: Visitor) -> None:
    token = (await root.sign_in(**ROOT))["access_token"]
    basic = b64encode(f"{ROOT['email']}:{ROOT['password']}".encode()).decode()
    root.secrets.add(basic)
    plain = {"Content-Type": "application/json"}
    await root.send(400, "auth/login", content=f'{{"password": "{ROOT["password"]}", ', headers=plain)
    await root.send(400, "auth/login", ROOT | {"more": [token, ROOT["password"]]})
    await root.send(400, f"auth/login?password={ROOT['password']}", ROOT)
    await root.send(404, f"auth/reset/{token}", {})
    await root.send(401, "posts", {}, headers={"Authorization": f"Basic {basic}"})
    await root.send(401, "posts", {}, token=token + "x")
    await root.send(431, "posts", {}, token=token, headers={"X-Long": "x" * 20_000})


async def ask_what_fails(root: Visitor, database_url: str, server: Server) -> None:
    """PostgreSQL tells of a row that it refuses with all its values, the hash of a password among them."""
    token = (await root.sign_in(**ROOT))["access_token"]
    await server.run("ALTER TABLE users ADD CONSTRAINT full_up CHECK (false) NOT VALID", database_url)
    await root.send(500, "auth/register", {"email": "more@example.com", "password": FIRST})
    change = {"current_password": ROOT["password"], "new_password": SECOND}
    await root.send(500, "auth/password", change, token=token)


async def test_no_secret_is_told_by_a_server_that_was_given_all_of_them(
    tmp_path: Path, mailbox: Mailbox, database_url: str, server: Server
) -> None:
    names = {"DATABASE_URL": database_url, "JWT_SECRET_KEY": SECRET, "ENV": "production", "DRAIN_SECONDS": "0"}
    names |= {"MAIL_URL": mailbox.url, "MAIL_FROM": SENDER, "PORT": "0", "WORKERS": "2", "PYTHONUNBUFFERED": "1"}
    names |= {"ADMIN_EMAIL": ROOT["email"], "ADMIN_PASSWORD": ROOT["password"]}
    folder = tmp_path / "server"
    folder.mkdir()
    with serving(names, folder) as (_, port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            visitor = Visitor(client)
            await use_a_session(visitor)
            await use_the_account(visitor, mailbox)
            await make_a_user_twice(visitor, mailbox)
            written = await tables(database_url)
            await move_and_leave(visitor, mailbox)
            await ask_wrongly(visitor)
            await ask_what_fails(visitor, database_url, server)
    printed, written = folder.with_name("server.log").read_text(), written + await tables(database_url)
    told = {"printed": printed, "refused": "".join(visitor.refusals), "written": written}
    assert all(word in printed for word in ("mail_postponed", "crash", "/api/auth/reset"))
    assert all(word in written for word in ("session.reuse", "password.reset", "new@example.com"))
    assert len(visitor.secrets) >= 25
    assert [(where, secret) for where, text in told.items() for secret in visitor.secrets if secret in text] == []
    for word in ("#token", "Bearer ey", "argon2", ADA, ROOT["email"], REFUSAL, SECRET):
        assert word not in printed + told["refused"], word
