"""Requests beside a flood of logins: hashing takes its time, and nobody else's."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

import httpx
import pytest

from tests.conftest import SECRET, Server
from tests.packaging.servers import serving
from tests.smoke.test_server import ADMIN

REQUESTS = 500
GUESS = ADMIN | {"password": "not the password"}
FLOOD = 20  # clients that sign in without a pause: fewer than may wait for the hasher, so that all are served


@pytest.fixture
async def node(tmp_path: Path, server: Server, template: str) -> AsyncIterator[httpx.AsyncClient]:
    url = await server.create(template)
    names = {
        "DATABASE_URL": url,
        "JWT_SECRET_KEY": SECRET,
        "ENV": "production",
        "RATE_LIMITS_ENABLED": "false",
        "PORT": "0",
        "WORKERS": "1",
    }
    admin = {"ADMIN_EMAIL": ADMIN["email"], "ADMIN_PASSWORD": ADMIN["password"]}
    with serving(dict(os.environ) | names | admin, tmp_path) as (_, port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    await server.drop(url)


@asynccontextmanager
async def flood(node: httpx.AsyncClient) -> AsyncIterator[list[int]]:
    """Clients that try a password again and again; the statuses of their answers."""
    statuses: list[int] = []

    async def sign_in() -> None:
        while True:
            statuses.append((await node.post("/api/auth/login", json=GUESS)).status_code)

    clients = [asyncio.create_task(sign_in()) for _ in range(FLOOD)]
    await asyncio.sleep(1)
    yield statuses
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


async def profile_ms(node: httpx.AsyncClient, bearer: dict[str, str]) -> tuple[float, float]:
    """The median and the 99th percentile of GET profile, one request after the other."""
    times_ms = []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        answer = await node.get("/api/auth/profile", headers=bearer)
        times_ms.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200
    cuts = quantiles(times_ms, n=100)
    return cuts[49], cuts[98]


async def test_the_profile_is_answered_while_logins_saturate_the_hasher(
    node: httpx.AsyncClient, record_property: Callable[[str, object], None]
) -> None:
    token = (await node.post("/api/auth/login", json=ADMIN)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    idle = await profile_ms(node, bearer)
    async with flood(node) as statuses:
        statuses.clear()
        begun = time.monotonic()
        busy = await profile_ms(node, bearer)
        rate = len(statuses) / (time.monotonic() - begun)
    assert set(statuses) == {401}
    print(f"{rate:.0f} passwords checked in a second meanwhile")
    for name, (median, p99) in (("idle", idle), ("busy", busy)):
        record_property(f"{name} p99 ms", p99)
        print(f"GET profile, {name}: median {median:.1f} ms, p99 {p99:.1f} ms")
