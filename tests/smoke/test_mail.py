"""Mail of the real program, which is killed before it could send."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import SECRET, Server
from tests.mailbox import SENDER, Mailbox, open_mailbox
from tests.smoke.test_server import start, stop
from tests.support import PASSWORD

ADA = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
async def environment(server: Server, template: str, mailbox: Mailbox) -> AsyncIterator[dict[str, str]]:
    url = await server.create(template)
    mail = {"MAIL_URL": mailbox.url, "MAIL_FROM": SENDER}
    yield {"DATABASE_URL": url, "JWT_SECRET_KEY": SECRET, "ENV": "production", "DRAIN_SECONDS": "0", **mail}
    await server.drop(url)


async def register(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/api/auth/register", json=ADA)).status_code == 201


async def kill(process: asyncio.subprocess.Process) -> None:
    """The parent and its workers, all at once, without a chance to tidy up."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        os.kill(member.pid, signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    await asyncio.to_thread(psutil.wait_procs, family, timeout=10)


async def test_mail_of_a_server_that_was_killed_while_it_sent_arrives_after_a_restart(
    environment: dict[str, str], mailbox: Mailbox, server: Server, tmp_path: Path
) -> None:
    mailbox.patience.clear()  # the mail server keeps them waiting
    process, url = await start(tmp_path, **environment)
    await register(url)
    await asyncio.wait_for(mailbox.asked.wait(), 20)
    await kill(process)
    mailbox.patience.set()
    assert mailbox.messages == []
    await server.run("UPDATE outbox SET due_at = 'epoch' WHERE attempts = 1", environment["DATABASE_URL"])  # a minute
    process, _ = await start(tmp_path, **environment)
    assert (await mailbox.wait(ADA["email"]))["Subject"] == "Confirm your e-mail address"
    assert await stop(process) == 0
    assert len(mailbox.messages) == 1


async def test_mail_does_not_hold_up_a_server_that_stops(
    environment: dict[str, str], mailbox: Mailbox, tmp_path: Path
) -> None:
    mailbox.patience.clear()
    process, url = await start(tmp_path, **environment)
    await register(url)
    await asyncio.wait_for(mailbox.asked.wait(), 20)
    assert await asyncio.wait_for(stop(process), 15) == 0
    mailbox.patience.set()
