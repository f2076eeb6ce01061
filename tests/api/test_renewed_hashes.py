"""Users whose stored hash is not what would be made today: they sign in as ever, and their hash is renewed."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from werkzeug.security import generate_password_hash

from domain.users import Credentials
from repositories.database import Database
from tests.support import PASSWORD, Answer, Client

PRESENT = "$argon2id$v=19$m=8,t=1,p=1$"  # the parameters of the tests' settings
LOGIN = {"email": "ada@example.com", "password": PASSWORD}
OLD_HASHES = {
    "werkzeug's scrypt": generate_password_hash(PASSWORD),
    "werkzeug's pbkdf2": generate_password_hash(PASSWORD, "pbkdf2:sha256:10000"),
    "argon2id of another cost": PasswordHasher(time_cost=3, memory_cost=64, parallelism=1).hash(PASSWORD),
    "argon2i": PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.I).hash(PASSWORD),
}


async def credentials(database: Database) -> Credentials:
    async with database.read() as work:
        found = await work.users.credentials("ada@example.com")
    assert found
    return found


@pytest.fixture(params=OLD_HASHES)
async def old(request: pytest.FixtureRequest, ada: Client, database: Database) -> Credentials:
    """What is stored of Ada, who brought an old hash along."""
    async with database.write() as work:
        await work.users.set_password("ada@example.com", OLD_HASHES[request.param])
    return await credentials(database)


async def log_in(api: Client, **changes: str) -> Answer:
    return await api.post("/api/auth/login", LOGIN | changes)


def updated_at(answer: Answer) -> datetime:
    sent: Any = answer.json["user"]["updated_at"]
    return datetime.fromisoformat(sent)


async def test_the_first_login_renews_the_hash_and_the_second_leaves_it(
    api: Client, old: Credentials, database: Database
) -> None:
    first, after_first = await log_in(api), await credentials(database)
    second, after_second = await log_in(api), await credentials(database)
    assert [first.status, second.status] == [200, 200]
    assert after_first.password_hash.startswith(PRESENT)
    assert after_second == after_first
    assert after_first.account == old.account
    assert updated_at(first) == updated_at(second) == old.account.updated_at


async def test_10_first_logins_at_once_all_succeed(api: Client, old: Credentials, database: Database) -> None:
    answers = await asyncio.gather(*(log_in(api) for _ in range(10)))
    after = await credentials(database)
    assert [answer.status for answer in answers] == [200] * 10
    assert after.password_hash.startswith(PRESENT)
    assert after.account == old.account
    for answer in answers:
        assert (await Client(api.app, answer.json["access_token"]).get("/api/auth/profile")).status == 200


async def test_a_wrong_password_changes_nothing(api: Client, old: Credentials, database: Database) -> None:
    answer = await log_in(api, password=f"{PASSWORD} ")
    assert (answer.status, answer.code) == (401, "invalid_credentials")
    assert await credentials(database) == old


async def test_an_inactive_users_hash_stays_as_it_is(
    api: Client, old: Credentials, database: Database, admin: Client
) -> None:
    await admin.patch(f"/api/users/{old.account.id}", {"is_active": False})
    assert (await log_in(api)).status == 401
    assert (await credentials(database)).password_hash == old.password_hash


async def test_a_password_can_be_changed_while_a_login_renews_the_old_hash(
    api: Client, ada: Client, old: Credentials, database: Database
) -> None:
    change = {"current_password": PASSWORD, "new_password": "another fine password"}
    *logins, changed = await asyncio.gather(*(log_in(api) for _ in range(5)), ada.post("/api/auth/password", change))
    assert changed.status == 204
    assert {answer.status for answer in logins} <= {200, 401}
    assert (await log_in(api)).status == 401
    assert (await log_in(api, password="another fine password")).status == 200
