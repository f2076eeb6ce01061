"""A database that is there and does not move: every answer comes in time, and afterwards all is as before."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from inkwell.app import create_app
from inkwell.database_url import parse_database_url
from inkwell.embedded import EmbeddedPostgres
from inkwell.migrations import migrate
from inkwell.settings import Settings
from tests.conftest import open_folder
from tests.support import Client

LONGEST_ANSWER_S = 6.0


@pytest.fixture
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    with open_folder() as folder:
        postgres = EmbeddedPostgres(folder, durable=False)
        await postgres.start()
        await migrate(parse_database_url(postgres.url))
        yield postgres
        await postgres.stop()


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


async def timed(client: Client, method: str, path: str, **more: Any) -> tuple[int, float]:
    began = time.monotonic()
    answer = await client.send(method, path, **more)
    return answer.status, time.monotonic() - began


async def test_a_frozen_database_delays_nobody_for_long_and_all_is_well_afterwards(
    postgres: EmbeddedPostgres, make_settings: Callable[..., Settings]
) -> None:
    async with create_app(make_settings(database_url=postgres.url)).test_app() as running:
        api = Client(running.app)  # type: ignore[attr-defined]
        ada = await api.join("ada@example.com")
        post = await ada.write("before")
        await asyncio.gather(*(api.get("/api/posts") for _ in range(20)))
        with frozen(postgres):
            reads = [timed(api, "GET", "/api/posts") for _ in range(20)]
            new = {"title": "during", "content": "x"}
            writes = [timed(ada, "POST", "/api/posts", json=new) for _ in range(20)]
            answers = await asyncio.gather(*reads, *writes, timed(api, "GET", "/readyz"))
            assert {status for status, _ in answers} == {503}
            assert max(seconds for _, seconds in answers) < LONGEST_ANSWER_S
        async with asyncio.timeout(10):
            while (await ada.get(f"/api/posts/{post['id']}")).status != 200:  # noqa: ASYNC110  # there is no event to wait for
                await asyncio.sleep(0.1)
        assert (await ada.patch(f"/api/posts/{post['id']}", {"title": "after"})).status == 200
