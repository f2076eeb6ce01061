"""Metrics of several workers: whichever is asked tells of all of them."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import SECRET, Server
from tests.smoke.test_server import start, stop

COUNT = r'^inkwell_http_request_duration_seconds_count\{method="GET",route="/api/posts",status="200"\} (\S+)'


@pytest.fixture
async def address(tmp_path: Path, server: Server, database_url: str) -> AsyncIterator[str]:
    names = {"WORKERS": "2", "DRAIN_SECONDS": "0", "TMPDIR": str(tmp_path)}
    process, url = await start(tmp_path, DATABASE_URL=database_url, JWT_SECRET_KEY=SECRET, ENV="production", **names)
    yield url
    assert await stop(process) == 0
    assert not leftovers(tmp_path)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("inkwell-metrics-*"))


async def get(url: str) -> str:
    async with httpx.AsyncClient() as client:  # a connection of its own, and so perhaps another worker
        return (await client.get(url)).text


async def workers(address: str) -> set[int]:
    return {int(pid) for pid in re.findall(r'^process_open_fds\{pid="(\d+)"\}', await get(f"{address}/metrics"), re.M)}


async def two_workers(address: str, without: int = 0) -> set[int]:
    async with asyncio.timeout(120):
        while len(found := await workers(address)) < 2 or without in found:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return found


async def answered(address: str) -> float:
    return sum(float(count) for count in re.findall(COUNT, await get(f"{address}/metrics"), re.M))


async def test_all_workers_count_together_and_a_dead_one_leaves_its_counts_alone(address: str) -> None:
    pids = await two_workers(address)
    await asyncio.gather(*(get(f"{address}/api/posts") for _ in range(40)))
    assert {await answered(address) for _ in range(10)} == {40}
    killed = min(pids)
    os.kill(killed, signal.SIGKILL)
    assert killed not in await two_workers(address, without=killed)
    assert await answered(address) == 40
