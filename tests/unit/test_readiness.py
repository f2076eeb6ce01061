"""Whether a process is ready: asked by many, looked up seldom, and never for long."""

import asyncio
from typing import cast

import pytest

from domain.errors import NotReady, Unavailable
from inkwell import readiness
from inkwell.draining import Draining
from inkwell.readiness import Readiness
from repositories.database import Database
from repositories.tables import REVISION


class Looks:
    """A database that counts the looks at it."""

    def __init__(self) -> None:
        self.count, self.away, self.frozen = 0, False, False

    async def schema_version(self) -> str:
        self.count += 1
        if self.frozen:
            await asyncio.sleep(3600)
        if self.away:
            raise Unavailable
        return REVISION


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def draining() -> Draining:
    return Draining()


@pytest.fixture
def ready(looks: Looks, draining: Draining) -> Readiness:
    return Readiness(cast(Database, looks), draining)


async def test_however_many_ask_the_database_is_asked_once(ready: Readiness, looks: Looks) -> None:
    await asyncio.gather(*(ready.check() for _ in range(50)))
    assert looks.count == 1


async def test_what_was_seen_is_believed_for_a_while_and_looked_up_again_after_it(
    ready: Readiness, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert readiness.REMEMBERED_S == 1.0
    monkeypatch.setattr(readiness, "REMEMBERED_S", 0.5)
    await ready.check()
    looks.away = True
    await ready.check()
    await asyncio.sleep(0.6)
    with pytest.raises(NotReady, match="database unreachable"):
        await ready.check()
    assert looks.count == 2


async def test_a_database_that_does_not_answer_is_not_waited_for(
    ready: Readiness, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert readiness.LOOK_TIMEOUT_S == 1.0
    monkeypatch.setattr(readiness, "LOOK_TIMEOUT_S", 0.01)
    looks.frozen = True
    with pytest.raises(NotReady, match="database unreachable"):
        await asyncio.wait_for(ready.check(), 5)


async def test_a_worker_that_is_replaced_speaks_for_its_node_until_that_stops_too(
    ready: Readiness, looks: Looks, draining: Draining
) -> None:
    draining.begin(node_stops=False)
    await ready.check()
    draining.begin()
    draining.begin(node_stops=False)
    with pytest.raises(NotReady, match="draining"):
        await ready.check()


async def test_a_node_that_stops_is_not_ready_and_asks_nobody(
    ready: Readiness, looks: Looks, draining: Draining
) -> None:
    draining.begin()
    with pytest.raises(NotReady, match="draining"):
        await ready.check()
    assert looks.count == 0
