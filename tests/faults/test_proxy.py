"""Two Inkwells on one database behind the proxy as it is shipped."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path

import asyncpg
import httpx
import pytest

from inkwell.database_url import parse_database_url
from tests.serving.load import read_answer
from tests.serving.server import PATIENCE_S
from tests.smoke.test_server import ADMIN

from . import sized
from .figures import Tell
from .load import Attempt, loaded, reading, writing
from .node import Node, admins_bearer, caller, running
from .proxy import HAPROXY, proxied

CLIENTS = [f"127.0.1.{number}" for number in range(1, 17)]  # each with an address, since each address has a limit
SECONDS = sized(5, short=1)
REPLICA = {"WORKERS": "1", "TRUSTED_PROXIES": "1", "DRAIN_SECONDS": "5"}

pytestmark = pytest.mark.skipif(not HAPROXY, reason="haproxy is not installed")


@pytest.fixture
def nodes(tmp_path: Path, database_url: str) -> Iterator[list[Node]]:
    with ExitStack() as stack:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        started = [stack.enter_context(running(folder, database_url, **REPLICA)) for folder in folders]
        yield started
        for node in started:  # none of them has to drain any more
            if node.process.poll() is None:
                node.kill()


@pytest.fixture
def url(nodes: list[Node], tmp_path: Path) -> Iterator[str]:
    with proxied(tmp_path, *(node.port for node in nodes)) as url:
        yield url


async def titles(database_url: str) -> list[str]:
    place = parse_database_url(database_url)
    login = {"user": place.user, "password": place.password, "database": place.database}
    connection = await asyncpg.connect(**login, **place.connect_args)
    found = [row["title"] for row in await connection.fetch("SELECT title FROM posts")]
    await connection.close()
    return found


def failed(attempts: list[Attempt]) -> list[Attempt]:
    return [attempt for attempt in attempts if attempt.status not in (200, 201)]


async def under_load(url: str, trouble: Callable[[], object]) -> list[Attempt]:
    bearer = await admins_bearer(url)
    asks = [reading("/api/posts"), writing(bearer), reading("/api/auth/profile", bearer)]
    async with loaded(url, asks, CLIENTS) as attempts:
        await asyncio.sleep(SECONDS)
        await asyncio.to_thread(trouble)
        await asyncio.sleep(SECONDS)
    return attempts


async def test_a_replica_that_is_stopped_takes_nothing_along(url: str, nodes: list[Node], tell: Tell) -> None:
    def stop() -> None:
        nodes[0].process.terminate()
        assert nodes[0].process.wait(PATIENCE_S) == 0

    attempts = await under_load(url, stop)
    assert failed(attempts) == []
    tell("behind the proxy, SIGTERM of a replica", f"0 of {len(attempts)} requests failed")


async def test_a_replica_that_is_killed_takes_along_only_what_it_was_at(
    url: str, nodes: list[Node], database_url: str, tell: Tell
) -> None:
    killed = list[float]()

    def kill() -> None:
        nodes[0].kill()
        killed.append(time.monotonic())

    attempts = await under_load(url, kill)
    failures, written = failed(attempts), await titles(database_url)
    assert all(attempt.began < killed[0] for attempt in failures)
    assert len(failures) <= len(CLIENTS)
    # Of a look it may have been the second half that was missing: then it cannot be sent again.
    assert {(attempt.method, attempt.status) for attempt in failures} <= {("POST", 502), ("POST", 0), ("GET", 0)}
    assert len(written) == len(set(written))
    figure = f"{len(failures)} of {len(attempts)} requests failed, all in flight there"
    tell("behind the proxy, kill -9 of a replica", figure)


async def test_clients_are_known_by_their_own_address_and_their_bodies_measured_by_inkwell(
    tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "node").mkdir()
    with running(tmp_path / "node", database_url, **REPLICA) as node, proxied(tmp_path, node.port, node.port) as url:
        await known_by_address(url)
        async with caller(url) as client:
            too_much = await client.post("/api/auth/login", content=b"x" * 6_000_000)
        assert (too_much.status_code, too_much.json()["code"]) == (413, "body_too_large")


async def known_by_address(url: str) -> None:
    async with caller(url, "127.0.2.1") as client:
        signed_in = await client.post("/api/auth/login", json=ADMIN, headers={"X-Forwarded-For": "203.0.113.7"})
        bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        sessions = (await client.get("/api/auth/sessions", headers=bearer)).json()["data"]
    assert [session["ip"] for session in sessions] == ["127.0.2.1"]


class Upstream:
    """A replica that is ready, and breaks off whatever else it is asked."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if " /readyz " in head or " /healthz " in head:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            else:
                self.heads.append(head)
        writer.close()


@pytest.fixture
async def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def before_toys(upstream: Upstream, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        started = [await asyncio.start_server(upstream.serve, "127.0.0.1", 0) for _ in range(2)]
        toys = [await stack.enter_async_context(toy) for toy in started]
        ports = [toy.sockets[0].getsockname()[1] for toy in toys]
        proxy = proxied(tmp_path, *ports)
        url = await asyncio.to_thread(proxy.__enter__)
        async with caller(url) as client:
            yield client
        proxy.__exit__(None, None, None)


@pytest.mark.parametrize(("method", "sent"), [("GET", 4), ("HEAD", 4), ("POST", 1), ("PATCH", 1), ("DELETE", 1)])
async def test_only_what_is_harmless_is_sent_again(
    before_toys: httpx.AsyncClient, upstream: Upstream, method: str, sent: int
) -> None:
    answer = await before_toys.request(method, "/api/posts")
    assert answer.status_code == 502
    assert len(upstream.heads) == sent
    if method != "HEAD":
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
        assert answer.json()["code"] == "unavailable"


async def test_no_change_of_protocol_is_passed_on(before_toys: httpx.AsyncClient, upstream: Upstream) -> None:
    upgrade = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    forged = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    await before_toys.post("/api/posts", headers=upgrade | forged)
    (head,) = upstream.heads
    assert "h2c" not in head
    assert "http2-settings:" not in head
    assert "203.0.113.7" not in head
    assert head.count("x-forwarded-for: 127.0.0.1") == 1


@pytest.mark.parametrize("path", ["/metrics", "/%6Detrics?x", "/metrics/"])
async def test_metrics_are_not_for_those_outside(before_toys: httpx.AsyncClient, upstream: Upstream, path: str) -> None:
    answer = await before_toys.get(path, headers={"X-Request-ID": "my.own-1"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"] == "my.own-1"
    assert upstream.heads == []


async def test_who_asks_too_often_is_sent_away_and_others_are_not(before_toys: httpx.AsyncClient) -> None:
    """Asked for what is answered at once, and in one go, for it counts what comes in ten seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", before_toys.base_url.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 1010)
    statuses = [(await read_answer(reader))[0] for _ in range(1001)]
    writer.close()
    assert statuses == sorted(statuses)
    assert 990 < statuses.count(404) <= 1000  # who waited for the proxy to start has asked it before
    answer = await before_toys.get("/metrics")
    assert (answer.json()["code"], answer.headers["Retry-After"]) == ("too_many_requests", "10")
    async with caller(str(before_toys.base_url), "127.0.3.1") as other:
        assert (await other.get("/metrics")).status_code == 404
