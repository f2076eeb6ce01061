"""Idempotency-Key: asked again, the same request is answered as the first time, and nothing is done twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from quart import has_request_context
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from werkzeug.datastructures import Headers

from inkwell.app import create_app
from inkwell.database_url import parse_database_url
from inkwell.settings import Settings
from repositories.database import Database
from service import Services
from tests.conftest import SECRET, Server
from tests.support import PASSWORD, Answer, Client

POST = {"title": "Once", "content": "and for all"}
USER = {"email": "new@example.com", "password": "a password told to nobody"}
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
FRESH = {"x-request-id", "idempotency-replayed"}  # what may differ from answer to answer


def same(first: Answer, again: Answer) -> bool:
    """Whether the second one is a replay of the first."""
    heads = [sorted(pair for pair in one.headers if pair[0].lower() not in FRESH) for one in (first, again)]
    marks = [one.headers.get("Idempotency-Replayed") for one in (first, again)]
    return (first.status, first.body, heads[0], marks) == (again.status, again.body, heads[1], [None, "true"])


async def posts_of(client: Client) -> int:
    total: int = (await client.get("/api/posts?mine=true")).json["pagination"]["total"]
    return total


@asynccontextmanager
async def node(settings: Settings, as_of: Client) -> AsyncIterator[Client]:
    """The same caller at another server."""
    async with create_app(settings).test_app() as running:
        yield Client(running.app, as_of.token, as_of.me)  # type: ignore[attr-defined]


async def rows(url: str, statement: str) -> list[Any]:
    parsed = parse_database_url(url)
    engine = create_async_engine(parsed.sqlalchemy_url, connect_args=parsed.connect_args)
    async with engine.connect() as connection:
        found = list(await connection.execute(text(statement)))
    await engine.dispose()
    return found


async def test_a_post_is_written_once_and_answered_again_byte_for_byte(ada: Client) -> None:
    first = await ada.post("/api/posts", POST, headers=KEY)
    assert first.status == 201
    for _ in range(3):
        assert same(first, await ada.post("/api/posts", POST, headers=KEY))
    assert all(name in first.headers for name in ("Location", "ETag", "Content-Type"))
    assert await posts_of(ada) == 1


async def test_a_user_is_made_once_and_answered_again_byte_for_byte(admin: Client) -> None:
    first = await admin.post("/api/users", USER, headers=KEY)
    assert first.status == 201
    assert same(first, await admin.post("/api/users", USER, headers=KEY))


async def test_a_replay_is_what_was_answered_then_whatever_came_after(ada: Client) -> None:
    first = await ada.post("/api/posts", POST, headers=KEY)
    await ada.patch(first.headers["Location"], {"title": "Changed"})
    assert same(first, await ada.post("/api/posts", POST, headers=KEY))
    await ada.delete(first.headers["Location"])
    assert same(first, await ada.post("/api/posts", POST, headers=KEY))


@pytest.mark.parametrize("other", [{"title": "Twice", "content": "and for all"}, {**POST, "published": True}])
async def test_a_key_is_good_for_one_body(ada: Client, other: dict[str, Any]) -> None:
    await ada.post("/api/posts", POST, headers=KEY)
    answer = await ada.post("/api/posts", other, headers=KEY)
    assert (answer.status, answer.json["error"]) == (422, "Unprocessable Content")
    assert answer.code == "idempotency_key_reused"
    assert await posts_of(ada) == 1


async def test_a_key_is_good_for_one_path(admin: Client) -> None:
    await admin.post("/api/posts", POST, headers=KEY)
    assert (await admin.post("/api/users", USER, headers=KEY)).code == "idempotency_key_reused"


async def test_a_key_is_the_callers_own(ada: Client, bob: Client) -> None:
    first, other = [await client.post("/api/posts", POST, headers=KEY) for client in (ada, bob)]
    assert (first.status, other.status) == (201, 201)
    assert first.json["post"]["id"] != other.json["post"]["id"]


async def test_an_admin_who_is_none_any_more_gets_no_replay(admin: Client, make_admin: Any) -> None:
    other = await make_admin("other@example.com")
    await other.post("/api/users", USER, headers=KEY)
    await admin.patch(f"/api/users/{other.id}", {"role": "user"})
    assert (await other.post("/api/users", USER, headers=KEY)).code == "admin_required"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é", "a\tb", "\x7f"])
async def test_a_key_that_is_none_is_refused(ada: Client, key: str) -> None:
    answer = await ada.post("/api/posts", POST, headers={"Idempotency-Key": key})
    assert (answer.status, answer.code) == (400, "invalid_fields")
    assert answer.json["details"][0]["field"] == "Idempotency-Key"
    assert await posts_of(ada) == 0


async def test_two_keys_are_none(ada: Client) -> None:
    two = Headers([("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert (await ada.post("/api/posts", POST, headers=two)).code == "invalid_fields"


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted"', "!~"])
async def test_any_visible_ascii_is_a_key(ada: Client, key: str) -> None:
    answers = [await ada.post("/api/posts", POST, headers={"Idempotency-Key": key}) for _ in range(2)]
    assert same(*answers)


async def test_a_failure_is_not_kept(admin: Client, ada: Client) -> None:
    taken = {**USER, "email": "ada@example.com"}
    assert (await admin.post("/api/users", {**USER, "email": "no"}, headers=KEY)).status == 400
    assert (await admin.post("/api/users", taken, headers=KEY)).code == "email_taken"
    await admin.delete(f"/api/users/{ada.id}")
    assert (await admin.post("/api/users", taken, headers=KEY)).status == 201


async def test_50_retries_at_once_do_it_once(ada: Client) -> None:
    answers = await asyncio.gather(*(ada.post("/api/posts", POST, headers=KEY) for _ in range(50)))
    found = Counter(answer.status for answer in answers)
    assert found[201] >= 1
    assert found[201] + found[409] == 50
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert {answer.code for answer in answers if answer.status == 409} <= {"idempotency_in_progress"}
    assert await posts_of(ada) == 1


async def test_50_retries_at_once_make_one_user(admin: Client) -> None:
    answers = await asyncio.gather(*(admin.post("/api/users", USER, headers=KEY) for _ in range(50)))
    assert {answer.status for answer in answers} <= {201, 409, 503}
    assert {answer.code for answer in answers if answer.status == 409} <= {"idempotency_in_progress"}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert (await admin.get("/api/users?q=new%40")).json["pagination"]["total"] == 1


@dataclass
class Pause:
    """Between the work and its commit: `begun` when the first request is there, which then waits for `go_on`."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


@pytest.fixture
def pause(ada: Client, monkeypatch: pytest.MonkeyPatch) -> Pause:
    found, write = Pause(), Database.write

    @asynccontextmanager
    async def paused(self: Database) -> AsyncIterator[Any]:
        async with write(self) as work:
            yield work
            if has_request_context() and not found.begun.is_set():  # and not for what is done beside the requests
                found.begun.set()
                await found.go_on.wait()

    monkeypatch.setattr(Database, "write", paused)
    return found


async def test_while_the_first_is_at_it_the_second_is_told_so_without_waiting(ada: Client, pause: Pause) -> None:
    first = asyncio.create_task(ada.post("/api/posts", POST, headers=KEY))
    await pause.begun.wait()
    second = await ada.post("/api/posts", POST, headers=KEY)
    assert (second.status, second.code) == (409, "idempotency_in_progress")
    pause.go_on.set()
    assert same(await first, await ada.post("/api/posts", POST, headers=KEY))


async def test_a_crash_before_the_commit_leaves_nothing_and_the_key_free(
    ada: Client, pause: Pause, server: Server, database_url: str
) -> None:
    first = asyncio.create_task(ada.post("/api/posts", POST, headers=KEY))
    await pause.begun.wait()
    await server.cut_off(database_url)  # to PostgreSQL, the worker's death looks the same
    pause.go_on.set()
    assert (await first).status == 503
    assert await rows(database_url, "SELECT id FROM posts UNION SELECT id FROM idempotency_keys") == []
    again = await sent_until_reached(ada)
    assert (again.status, "Idempotency-Replayed" in again.headers) == (201, False)


async def sent_until_reached(client: Client) -> Answer:
    """Sends the post again while there are connections in the pool that were cut."""
    for _ in range(20):
        answer = await client.post("/api/posts", POST, headers=KEY)
        if answer.status != 503:
            break
    return answer


async def test_another_node_replays_it(ada: Client, make_settings: Callable[..., Settings]) -> None:
    first = await ada.post("/api/posts", POST, headers=KEY)
    async with node(make_settings(), ada) as elsewhere:
        assert same(first, await elsewhere.post("/api/posts", POST, headers=KEY))


async def test_a_new_secret_beside_the_old_one_replays_it(ada: Client, make_settings: Callable[..., Settings]) -> None:
    first = await ada.post("/api/posts", POST, headers=KEY)
    rotated = f"fedcba9876543210-newer-and-only-for-tests,{SECRET}"
    async with node(make_settings(jwt_secret_key=rotated), ada) as elsewhere:
        assert same(first, await elsewhere.post("/api/posts", POST, headers=KEY))
        assert (await elsewhere.post("/api/posts", {**POST, "title": "x"}, headers=KEY)).status == 422


async def test_after_24_hours_a_key_is_new(api: Client, ada: Client) -> None:
    first = await ada.post("/api/posts", POST, headers=KEY)
    for wait, replayed in ((timedelta(hours=23, minutes=50), True), (timedelta(hours=24, minutes=1), False)):
        with time_machine.travel(datetime.now() + wait, tick=True):
            later = await api.sign_in("ada@example.com")
            assert same(first, await later.post("/api/posts", POST, headers=KEY)) is replayed
    assert await posts_of(await api.sign_in("ada@example.com")) == 2


async def test_answers_kept_long_enough_are_removed(ada: Client, services: Services, database_url: str) -> None:
    await ada.post("/api/posts", POST, headers=KEY)
    assert await services.idempotency.purge() == 0
    with time_machine.travel(datetime.now() + timedelta(hours=25), tick=True):
        assert await services.idempotency.purge() == 1
    assert await rows(database_url, "SELECT id FROM idempotency_keys") == []


async def test_answers_go_with_the_user(ada: Client, database_url: str) -> None:
    await ada.post("/api/posts", POST, headers=KEY)
    assert (await ada.post("/api/auth/delete-account", {"password": PASSWORD})).status == 204
    assert await rows(database_url, "SELECT id FROM idempotency_keys") == []


async def test_neither_the_password_nor_the_key_is_in_what_is_kept(admin: Client, database_url: str) -> None:
    await admin.post("/api/users", USER, headers=KEY)
    kept = await rows(database_url, "SELECT encode(answer, 'escape'), encode(fingerprint, 'hex') FROM idempotency_keys")
    assert "new@example.com" in kept[0][0]
    assert len(bytes.fromhex(kept[0][1])) == 32
    assert USER["password"] not in str(kept)
    assert KEY["Idempotency-Key"] not in str(await rows(database_url, "SELECT * FROM idempotency_keys"))


async def test_a_writer_who_is_deleted_meanwhile_is_no_crash(ada: Client, admin: Client) -> None:
    writing = (ada.post("/api/posts", POST, headers={"Idempotency-Key": f"k{number}"}) for number in range(10))
    answers = await asyncio.gather(*writing, admin.delete(f"/api/users/{ada.id}"))
    assert {answer.status for answer in answers[:-1]} <= {201, 401}


def verbs(statements: list[str]) -> list[str]:
    """What was done, besides finding out who asks."""
    return [statement.split()[0] for statement in statements if "sessions" not in statement]


async def test_without_a_key_not_one_more_statement_runs(ada: Client, admin: Client, statements: list[str]) -> None:
    statements.clear()
    await ada.post("/api/posts", POST)
    assert verbs(statements) == ["INSERT"]
    statements.clear()
    await admin.post("/api/users", USER)
    # The user, the audit trail, the quota of mails twice, and the mail to prove the address.
    assert verbs(statements) == ["INSERT", "INSERT", "SELECT", "INSERT", "INSERT"]


async def test_with_a_key_three_more_run(ada: Client, statements: list[str]) -> None:
    statements.clear()
    await ada.post("/api/posts", POST, headers=KEY)
    assert verbs(statements) == ["SELECT", "SELECT", "INSERT", "INSERT"]


async def test_elsewhere_a_key_means_nothing(ada: Client) -> None:
    post = await ada.write()
    for title in ("One", "Two"):
        answer = await ada.patch(f"/api/posts/{post['id']}", {"title": title}, headers=KEY)
        assert (answer.status, answer.json["post"]["title"]) == (200, title)
