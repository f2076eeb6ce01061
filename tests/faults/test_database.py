"""PostgreSQL killed, frozen, or busy with somebody else: what was acknowledged is kept, and nobody waits long."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import psutil
import pytest

from inkwell.database_url import parse_database_url
from inkwell.embedded import EmbeddedPostgres
from inkwell.migrations import migrate
from tests.conftest import open_folder
from tests.serving.server import PATIENCE_S

from . import sized
from .figures import Tell
from .load import Ask, Attempt, attempt, loaded, reading, writing
from .node import Node, admins_bearer, caller, running

KILLS = sized(5, short=2)
AWAY_S = 1.5  # longer than /readyz remembers
LONGEST_ANSWER_S = 6.0
REQUEST_TIMEOUT_S = 10.0  # as in the settings
CLIENTS = ["127.0.0.1"] * 8

pytestmark = pytest.mark.usefixtures("node")


@pytest.fixture(scope="module")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A server of our own, on a disk and with fsync."""
    with open_folder(on_disk=True) as folder:
        postgres = EmbeddedPostgres(folder)
        await postgres.start()
        await migrate(parse_database_url(postgres.url))
        yield postgres
        await postgres.stop()


@pytest.fixture(scope="module")
def node(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running(tmp_path_factory.mktemp("node"), postgres.url, WORKERS="1") as node:
        yield node


async def first_success(url: str, ask: Ask) -> float:
    """When it was answered, by the monotonic clock."""
    async with caller(url) as client, asyncio.timeout(PATIENCE_S):
        while (done := await attempt(client, ask)).status not in (200, 201):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return done.ended


async def until_ready(url: str, status: int) -> None:
    async with caller(url) as client, asyncio.timeout(PATIENCE_S):
        while (await client.get("/readyz")).status_code != status:  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0.05)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection"]:
    place = parse_database_url(url)
    connection = await asyncpg.connect(user=place.user, database=place.database, **place.connect_args)
    yield connection
    await connection.close()


def statuses(attempts: list[Attempt]) -> set[int]:
    return {attempt.status for attempt in attempts}


async def test_no_write_that_was_acknowledged_is_lost_when_postgres_is_killed(
    postgres: EmbeddedPostgres, node: Node, tell: Tell
) -> None:
    write, back_s = writing(await admins_bearer(node.url)), list[float]()
    async with loaded(node.url, [write], CLIENTS) as attempts:
        for _ in range(KILLS):
            await asyncio.sleep(0.5)
            os.kill(postgres._process.pid, signal.SIGKILL)
            await until_ready(node.url, 503)
            await asyncio.sleep(AWAY_S)
            await postgres._restart()
            back = time.monotonic()
            back_s.append(max(0.0, await first_success(node.url, write) - back))
            await until_ready(node.url, 200)
    acknowledged = {done.answer.json()["post"]["id"] for done in attempts if done.answer and done.status == 201}
    refused = [done.answer for done in attempts if done.answer and done.status != 201]
    async with connected(postgres.url) as connection:
        kept = {str(row["id"]) for row in await connection.fetch("SELECT id FROM posts")}
    assert statuses(attempts) == {201, 503}
    assert all(answer.headers["Retry-After"] == "2" for answer in refused)
    assert acknowledged <= kept
    tell(
        f"kill -9 of PostgreSQL, {KILLS} times",
        f"{len(acknowledged - kept)} lost of {len(acknowledged)} acknowledged writes, {len(refused)} refused, "
        f"first success {max(back_s) * 1000:.0f} ms after it was back at most",
    )


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    main = psutil.Process(postgres._process.pid)
    processes = [main, *main.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


async def at_once(url: str, asks: list[Ask]) -> list[Attempt]:
    """Each from a client of its own."""

    async def alone(ask: Ask) -> Attempt:
        async with caller(url) as client:
            return await attempt(client, ask)

    return await asyncio.gather(*map(alone, asks))


async def test_a_frozen_postgres_delays_nobody_for_long_and_all_is_well_afterwards(
    postgres: EmbeddedPostgres, node: Node, tell: Tell
) -> None:
    write, read = writing(await admins_bearer(node.url)), reading("/api/posts")
    await at_once(node.url, [read, write] * 10)
    with frozen(postgres):
        await until_ready(node.url, 503)  # it remembers for a second that it was
        answers = await at_once(node.url, [*[read, write] * 10, reading("/readyz")])
    assert statuses(answers) == {503}
    longest_s = max(answer.seconds for answer in answers)
    assert longest_s < LONGEST_ANSWER_S
    thawed = time.monotonic()
    recovered_s = await first_success(node.url, write) - thawed
    await until_ready(node.url, 200)
    assert statuses(await at_once(node.url, [read, write] * 10)) == {200, 201}
    recovered = f"first write {recovered_s * 1000:.0f} ms after the thaw"
    tell("PostgreSQL frozen", f"longest answer {longest_s:.1f} s, {recovered}")


@asynccontextmanager
async def locked_posts(url: str) -> AsyncIterator[None]:
    """Somebody else's transaction, for which every look at the posts waits."""
    async with connected(url) as other, other.transaction():
        await other.execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
        yield


async def test_requests_that_wait_for_a_lock_delay_the_others_for_so_long_at_most(
    postgres: EmbeddedPostgres, node: Node, tell: Tell
) -> None:
    bearer = await admins_bearer(node.url)
    slow = [reading("/api/posts"), writing(bearer)]
    others = [reading("/api/users", bearer), reading("/api/auth/profile", bearer), reading("/readyz")]
    async with locked_posts(postgres.url):
        waiting = asyncio.create_task(at_once(node.url, slow * 15))
        await asyncio.sleep(0.2)
        beside = await at_once(node.url, others * 5)
        answers = [*await waiting, *beside]
    assert statuses(await waiting) == {503}
    assert statuses(beside) <= {200, 503}
    longest_s = max(answer.seconds for answer in answers)
    assert longest_s < REQUEST_TIMEOUT_S
    assert statuses(await at_once(node.url, [*slow, *others] * 5)) == {200, 201}
    good = sum(answer.status == 200 for answer in beside)
    tell("pool exhausted by a lock", f"longest answer {longest_s:.1f} s, {good} of {len(beside)} others served")
