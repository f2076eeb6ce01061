"""What is left of the service, and of what it acknowledged, when the primary goes and its standby takes over."""

import asyncio
import json
import logging
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest

from inkwell.database_url import parse_database_url
from inkwell.migrations import migrate
from tests.conftest import SECRET
from tests.faults.figures import Tell
from tests.faults.pair import DATABASE, Node, relayed, started_pair, switch_over
from tests.packaging.servers import UNMEASURED
from tests.serving.server import PATIENCE_S
from tests.smoke.test_server import start_aloud
from tests.support import PASSWORD

ADA = {"email": "ada@example.com", "password": PASSWORD}
SETTINGS = {"ENV": "production", "JWT_SECRET_KEY": SECRET, "LOG_FORMAT": "json", "DRAIN_SECONDS": "0"} | UNMEASURED
READ_WRITE = "?target_session_attrs=read-write"
WORKERS, WRITERS = 2, 8
LISTENERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'inkwell listener'"

Pair = tuple[Node, Node]


@dataclass
class Inkwell:
    """The running program, and what Ada was told by it."""

    client: httpx.AsyncClient
    acknowledged: dict[str, float] = field(default_factory=dict)  # titles of posts, and the moment of the answer
    statuses: Counter[int] = field(default_factory=Counter)
    _numbers: "count[int]" = field(default_factory=count)

    async def write(self) -> int:
        title = f"post {next(self._numbers)}"
        answer = await self.client.post("/api/posts", json={"title": title, "content": "Some text."})
        self.statuses[answer.status_code] += 1
        if answer.status_code == 201:
            self.acknowledged[title] = time.monotonic()
        else:
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "2"), answer.text
        return answer.status_code

    async def writes(self) -> bool:
        return await self.write() == 201

    async def ready(self) -> bool:
        return (await self.client.get("/readyz")).status_code == 200

    async def unready(self) -> bool:
        return not await self.ready()

    async def wrote_since(self, moment: float) -> bool:
        return any(at > moment for at in self.acknowledged.values())

    async def shuts_ada_out(self) -> bool:
        """On all workers, as far as some requests show."""
        answers = [await self.client.get("/api/auth/profile", headers={"Connection": "close"}) for _ in range(8)]
        return {answer.status_code for answer in answers} == {401}

    async def lost(self, primary: Node) -> set[str]:
        kept = await primary.ask("SELECT array_agg(title) FROM posts")
        return self.acknowledged.keys() - set(kept)


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with started_pair() as pair:
        await migrate(parse_database_url(f"postgresql://inkwell@{pair[0].address}/{DATABASE}"))
        yield pair


@asynccontextmanager
async def serving(folder: Path, places: str, workers: int = WORKERS) -> AsyncIterator[Inkwell]:
    """The program on these servers, Ada signed in; whatever it logs, no error is among it."""
    url = f"postgresql://inkwell@{places}"
    process, address = await start_aloud(folder, DATABASE_URL=url, WORKERS=str(workers), **SETTINGS)
    assert process.stdout
    output = asyncio.create_task(process.stdout.read())
    try:
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_S) as client:
            await client.post("/api/auth/register", json=ADA)
            token = (await client.post("/api/auth/login", json=ADA)).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield Inkwell(client)
    finally:
        process.terminate()
        logged = [json.loads(line) for line in (await output).splitlines() if line.startswith(b"{")]
        assert await process.wait() == 0
        assert [event for event in logged if event["level"] == "error"] == []


@asynccontextmanager
async def under_load(inkwell: Inkwell) -> AsyncIterator[None]:
    """Posts are written as fast as they are taken, until the block ends."""
    over = asyncio.Event()

    async def write() -> None:
        while not over.is_set():
            if not await inkwell.writes():
                await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as writers:
        for _ in range(WRITERS):
            writers.create_task(write())
        try:
            yield
        finally:
            over.set()


async def seconds_until(holds: Callable[[], Awaitable[object]], longest: float = PATIENCE_S) -> float:
    begun = time.monotonic()
    async with asyncio.timeout(longest):
        while not await holds():  # noqa: ASYNC110  no event comes
            await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def heard_of_a_revocation(inkwell: Inkwell, primary: Node) -> float:
    """Seconds from a change in the database until every worker acts on it, all of which listen there."""

    async def all_listen() -> bool:
        return bool(await primary.ask(LISTENERS) == WORKERS)

    await seconds_until(all_listen)
    assert not await inkwell.shuts_ada_out()
    await primary.ask("UPDATE users SET is_active = false")
    return await seconds_until(inkwell.shuts_ada_out, 1)


async def loses_power(primary: Node) -> None:
    await primary.kill()


async def falls_silent(primary: Node) -> None:
    primary.signal_all(signal.SIGSTOP)


@pytest.mark.parametrize("go", [loses_power, falls_silent])
async def test_when_the_primary_goes_writes_resume_on_the_standby_and_nothing_acknowledged_is_lost(
    tmp_path: Path, pair: Pair, tell: Tell, go: Callable[[Node], Awaitable[None]]
) -> None:
    primary, standby = pair
    async with serving(tmp_path, both(pair)) as inkwell:
        async with under_load(inkwell):
            await asyncio.sleep(2)
            await go(primary)
            unready = await seconds_until(inkwell.unready)
            await standby.promote()
            promoted = time.monotonic()
            await seconds_until(inkwell.ready)
            ready = time.monotonic() - promoted
            await seconds_until(lambda: inkwell.wrote_since(promoted))
            await asyncio.sleep(2)
        lost = await inkwell.lost(standby)
        heard = await heard_of_a_revocation(inkwell, standby)
    first = min(at for at in inkwell.acknowledged.values() if at > promoted) - promoted
    assert (lost, set(inkwell.statuses)) == (set(), {201, 503})
    tell(
        f"fail-over, the primary {go.__name__.replace('_', ' ')}",
        f"{len(lost)} lost of {len(inkwell.acknowledged)} acknowledged writes, {inkwell.statuses[503]} refused, "
        f"unready after {unready:.1f} s; first success {first:.1f} s after the promotion, ready after {ready:.1f} s; a "
        f"revocation heard of in {heard * 1000:.0f} ms",
    )


async def test_when_the_servers_change_places_and_back_nothing_is_lost_and_nobody_stays_with_the_standby(
    tmp_path: Path, pair: Pair, tell: Tell
) -> None:
    (first, second), resumed_s = pair, list[float]()
    async with serving(tmp_path, both(pair)) as inkwell:
        async with under_load(inkwell):
            for old, new in ((first, second), (second, first)):
                await asyncio.sleep(1)
                await switch_over(old, new)
                resumed_s.append(await seconds_until(inkwell.writes))
                await seconds_until(inkwell.ready)
        assert {await inkwell.write() for _ in range(20)} == {201}
        lost = await inkwell.lost(first)
    assert (lost, set(inkwell.statuses)) == (set(), {201, 503})
    figure = f"{len(lost)} lost of {len(inkwell.acknowledged)} acknowledged writes"
    tell("switch-over, there and back", f"{figure}, which resumed after {max(resumed_s):.1f} s at most")


async def test_connections_to_a_server_that_became_read_only_are_given_up(
    tmp_path: Path, pair: Pair, tell: Tell
) -> None:
    """One address for whoever is primary, which for a while leads to the standby, and nothing in the URL about it."""
    primary, standby = pair
    async with relayed(primary) as relay, serving(tmp_path, f"{relay.address}/{DATABASE}", workers=1) as inkwell:
        assert await inkwell.write() == 201
        await switch_over(primary, standby)
        await seconds_until(inkwell.ready)
        assert {await inkwell.write() for _ in range(5)} == {503}
        relay.node = standby
        resumed = f"writes resumed {await seconds_until(inkwell.writes):.1f} s after it led to the primary"
        tell("switch-over behind one address", resumed)
        assert {await inkwell.write() for _ in range(20)} == {201}


def both(pair: Pair) -> str:
    return f"{','.join(node.address for node in pair)}/{DATABASE}{READ_WRITE}"
