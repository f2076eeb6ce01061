"""An Idempotency-Key whose first request dies with its worker: it is found done, or done then; once either way."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from tests.serving.server import PATIENCE_S
from tests.serving.test_serving import changed

from .node import Node, admins_bearer, caller, running
from .test_database import connected
from .test_processes import clients_of

POST = {"title": "Once", "content": "and for all"}
LIMITS = ("LOCK_TIMEOUT", "STATEMENT_TIMEOUT", "DATABASE_COMMAND_TIMEOUT", "DATABASE_WORK_TIMEOUT", "REQUEST_TIMEOUT")
PATIENT = {f"{limit}_SECONDS": "60" for limit in LIMITS}
# Where the first request is held up: the post is written and its answer not; or both are, and PostgreSQL was told to
# commit.
HOLDS = {
    "before the commit": "LOCK TABLE idempotency_keys IN SHARE MODE",
    "in the commit": "SELECT pg_advisory_xact_lock(1)",
}
GATE = """
CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON posts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait_at_the_gate()
"""
WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ '^(INSERT|COMMIT)'
"""
LIVES = "SELECT pid FROM pg_stat_activity WHERE pid = $1"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, modules_database: str) -> Iterator[Node]:
    with running(tmp_path_factory.mktemp("node"), modules_database, **PATIENT) as node:
        yield node


@pytest.fixture(scope="module")
async def database(modules_database: str) -> AsyncIterator["asyncpg.Connection"]:
    async with connected(modules_database) as connection:
        await connection.execute(GATE)
        yield connection


@asynccontextmanager
async def held_up(
    node: Node, url: str, database: "asyncpg.Connection", hold: str, sent: dict[str, str]
) -> AsyncIterator[None]:
    """A post is under way, and its transaction waits; in the end the worker is killed, and then the wait is over."""
    async with connected(url) as holder, holder.transaction():
        await holder.execute(hold)
        async with caller(node.url) as client:
            posting = asyncio.create_task(client.post("/api/posts", json=POST, headers=sent))
            waiting = await found(database, WAITING)
            victim = next(worker for worker in node.workers() if clients_of(worker, node.port))
            os.kill(victim.pid, signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                await posting
        yield
    await changed(node, {victim.pid})
    while await database.fetchval(LIVES, waiting):  # noqa: ASYNC110  # until PostgreSQL, too, has noticed
        await asyncio.sleep(0.01)


async def found(database: "asyncpg.Connection", query: str) -> Any:
    """What the query finds, as soon as there is something."""
    async with asyncio.timeout(PATIENCE_S):
        while (value := await database.fetchval(query)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return value


@pytest.mark.parametrize("moment", HOLDS)
async def test_a_killed_workers_request_is_done_once(
    node: Node, modules_database: str, database: "asyncpg.Connection", moment: str
) -> None:
    sent = await admins_bearer(node.url) | {"Idempotency-Key": f"killed {moment}".replace(" ", "-")}
    before = await database.fetchval("SELECT count(*) FROM posts")
    async with held_up(node, modules_database, database, HOLDS[moment], sent), caller(node.url) as client:
        early = await client.post("/api/posts", json=POST, headers=sent)
        assert early.json()["code"] == "idempotency_in_progress"
    async with caller(node.url) as client:
        answers = [await client.post("/api/posts", json=POST, headers=sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    replayed = ["Idempotency-Replayed" in answer.headers for answer in answers]
    assert replayed == [moment == "in the commit", True]
    assert await database.fetchval("SELECT count(*) FROM posts") == before + 1
