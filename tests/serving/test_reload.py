"""`--reload`: the code changes, and the workers with it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inkwell import reloading
from inkwell.settings import ConfigurationError

from .server import Server, started
from .test_serving import changed


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A file that each worker runs when it starts."""
    file = tmp_path / "toy_code.py"
    file.write_text("print('version 1', flush=True)\n")
    return file


@pytest.fixture
async def server(code: Path) -> AsyncIterator[Server]:
    async with started(RELOAD="true", TOY_CODE=str(code.parent), WORKERS="1", DRAIN_SECONDS="0") as running:
        await running.serving()
        yield running


def pids(server: Server) -> set[int]:
    return {worker.pid for worker in server.workers()}


def write(file: Path, text: str) -> None:
    file.write_text(text)


async def test_a_change_replaces_the_workers_and_several_at_once_do_so_once(server: Server, code: Path) -> None:
    old = pids(server)
    for number in range(10):
        write(code, f"print('version {number + 2}', flush=True)\n")
    await server.line("version 11")
    await changed(server, old, count=1)
    versions = [line for line in server.lines if line.startswith("version")]
    assert versions[0] == "version 1"
    assert len(versions) <= 3  # a busy machine may interrupt us between two files


async def test_a_syntax_error_leaves_the_old_workers_until_it_is_mended(server: Server, code: Path) -> None:
    old = pids(server)
    write(code, "def broken(:\n")
    await server.line("workers_not_renewed")
    assert await changed(server, set(), count=1) == old
    assert "200" in await server.get("/pid")
    write(code, "print('mended', flush=True)\n")
    await server.line("mended")
    await changed(server, old, count=1)
    server.process.terminate()
    assert await server.end() == 0
    assert "SyntaxError: invalid syntax" in await server.errors()


async def test_other_files_are_not_code(server: Server, code: Path) -> None:
    old = pids(server)
    write(code.with_name("notes.txt"), "nothing")
    await asyncio.sleep(1)
    assert pids(server) == old


def test_without_watchfiles_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigurationError, match=r"^RELOAD: watchfiles is not installed: pip install 'inkwell\[reload\]'"
    ):
        reloading.check_installed()
