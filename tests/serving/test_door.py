"""How a worker takes in those who connect."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from inkwell import worker
from inkwell.servers import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS
from inkwell.supervisor import PARTING_SECONDS
from inkwell.worker import AT_ONCE, LAST_GREETINGS_SECONDS, LAST_REQUESTS_SECONDS, Door
from tests.certificates import certificate

from .server import PATIENCE_S

CROWD = 100


class Listener(socket.socket):
    """A listening socket that fails as often as is asked of it."""

    failures = 0

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    with Listener() as listener, ExitStack() as clients:
        listener.bind(("127.0.0.1", 0))
        listener.listen(CROWD)
        listener.setblocking(False)
        for _ in range(CROWD):
            clients.enter_context(socket.create_connection(listener.getsockname()))
        yield listener


@pytest.fixture
async def came(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[asyncio.Protocol]]:
    """Those whom a worker has taken in, before whose door a crowd was waiting."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_server", loop.create_server)  # is put back at the end
    monkeypatch.setattr(worker, "REST_SECONDS", 0.01)
    protocols: list[asyncio.Protocol] = []

    def factory() -> asyncio.Protocol:
        protocols.append(asyncio.Protocol())
        return protocols[-1]

    door = Door(listener, opened=lambda: None)
    await loop.create_server(factory, sock=listener.dup())
    yield protocols
    door.shut()


async def test_who_never_agrees_upon_tls_is_not_waited_for(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LAST_GREETINGS_SECONDS + LAST_REQUESTS_SECONDS + SHUTDOWN_SECONDS < PARTING_SECONDS
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_server", loop.create_server)
    door = Door(listener, opened=lambda: None)
    await loop.create_server(asyncio.Protocol, sock=listener.dup(), ssl=certificate(tmp_path))
    door.shut()
    async with asyncio.timeout(HANDSHAKE_SECONDS / 2):
        await door.greeted()


async def all_of(came: list[asyncio.Protocol]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(came) < CROWD:  # noqa: ASYNC110  no event comes
            await asyncio.sleep(0.01)


async def test_it_takes_a_few_at_a_time_so_that_others_have_their_share(came: list[asyncio.Protocol]) -> None:
    begin = len(came)
    for rounds in range(5):  # of the loop
        assert len(came) <= begin + rounds * AT_ONCE
        await asyncio.sleep(0)
    await all_of(came)


async def test_it_goes_on_when_there_are_files_again(
    came: list[asyncio.Protocol], listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    listener.failures = 2
    await all_of(came)
    assert [record.message for record in caplog.records] == [
        "No connection can be accepted: there are no files or there is no memory left"
    ] * 2
