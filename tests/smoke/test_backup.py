"""The database in a file and back, by the commands of an operator."""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import text

from inkwell.app import create_app
from inkwell.backup import SEAL_BYTES, check_whole
from inkwell.database_url import parse_database_url
from inkwell.embedded.lock import noted_sockets
from inkwell.migrations import connected
from inkwell.settings import Settings
from tests.conftest import Server, database_name, open_folder
from tests.serving.server import PATIENCE_S
from tests.smoke.test_cli import begin, end, inkwell
from tests.smoke.test_server import start, stop
from tests.support import Client

Command = Callable[..., Awaitable[tuple[int, str]]]

SCHEMA = """
    SELECT 'column ' || table_name || '.' || column_name,
        concat_ws(' ', data_type, is_nullable, column_default, generation_expression)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function', pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
    UNION ALL SELECT 'extension', extname FROM pg_extension
    ORDER BY 1, 2
"""
# A table that refuses that rows are removed, with a function, a trigger, a type and a view.
STUBBORN = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''never''; END';
    CREATE TYPE mood AS ENUM ('calm');
    CREATE TABLE "Stubborn one" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood mood, author uuid
        REFERENCES users);
    CREATE TRIGGER never BEFORE DELETE OR UPDATE OR TRUNCATE ON "Stubborn one" EXECUTE FUNCTION refuse();
    CREATE VIEW calm AS SELECT * FROM "Stubborn one";
    INSERT INTO "Stubborn one" (mood) VALUES ('calm'), (NULL)
"""


DUMP_WAITS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'pg_dump' AND wait_event_type = 'Lock'
"""
# A row that takes a minute to come into another database.
PAUSE = """
    CREATE FUNCTION pause() RETURNS boolean LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(60) WHERE current_database() <> ''{here}''; RETURN true; END';
    CREATE TABLE paused (id int CHECK (pause()));
    INSERT INTO paused VALUES (1)
"""


async def run(url: str, statements: str) -> list[Any]:
    async with connected(parse_database_url(url)) as connection:
        for statement in statements.split(";\n"):
            result = await connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


async def content(url: str) -> dict[str, list[Any]]:
    """Everything that is in the database: the schema, and the rows of each table."""
    tables = await run(url, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    rows = {name: await run(url, f"SELECT * FROM {name} AS t ORDER BY t::text") for (name,) in tables}  # noqa: S608
    return {"schema": await run(url, SCHEMA)} | rows


@pytest.fixture
def command(database_url: str, tmp_path: Path) -> Command:
    """An `inkwell` command on a database, this test's own unless another is named."""

    async def run(*arguments: str, url: str = database_url) -> tuple[int, str]:
        return await inkwell(*arguments, cwd=tmp_path, DATABASE_URL=url)

    return run


@pytest.fixture
async def full(database_url: str, settings: Settings) -> str:
    """The URL of a database with content of every kind, which nobody uses any more."""
    async with create_app(settings).test_app() as running:
        ada = await Client(running.app).join("ada@example.com")  # type: ignore[attr-defined]
        await ada.write("Ἀθῆναι", content="tab\t newline\n backslash \\. quote '")
    await run(database_url, STUBBORN)
    return database_url


@pytest.fixture
async def backup(full: str, command: Command, tmp_path: Path) -> Path:
    code, output = await command("backup", "kept")
    assert code == 0, output
    return tmp_path / "kept"


async def test_a_backup_restored_elsewhere_is_the_same_in_everything(
    backup: Path, full: str, empty_database: str, command: Command
) -> None:
    code, output = await command("restore", "kept", url=empty_database)
    assert code == 0, output
    there = await content(full)
    assert await content(empty_database) == there
    assert {"users", "posts", "sessions", '"Stubborn one"'} <= {name for name in there if there[name]}


async def test_a_backup_takes_the_place_of_what_came_after_it_only_if_that_is_said(
    backup: Path, full: str, command: Command, server: Server
) -> None:
    before = await content(full)
    await run(full, "CREATE TABLE later (author uuid REFERENCES users)")
    await run(full, "UPDATE users SET first_name = 'Changed'")
    await server.cut_off(full)
    code, output = await command("restore", "kept")
    assert (code, "not empty; --replace" in output) == (1, True)
    code, output = await command("restore", "kept", "--replace")
    assert code == 0, output
    assert await content(full) == before


async def test_nothing_is_restored_while_somebody_is_connected(
    backup: Path, full: str, command: Command, server: Server
) -> None:
    await server.cut_off(full)
    async with connected(parse_database_url(full)):
        code, output = await command("restore", "kept", "--replace")
    assert (code, "in use (1 connections): stop Inkwell" in output) == (1, True), output


def changed(file: Path, how: Callable[[bytes], bytes]) -> str:
    copy = file.with_name("changed")
    copy.write_bytes(how(file.read_bytes()))
    return copy.name


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda data: data[:-1],
    "empty": lambda _: b"",
    "another byte": lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
    "longer": lambda data: data + b"\n",
    "an archive of pg_dump alone": lambda data: data[:-SEAL_BYTES],
}


async def test_a_damaged_file_is_refused_before_a_database_is_asked(backup: Path, command: Command) -> None:
    for damage, how in DAMAGES.items():
        name = changed(backup, how)
        code, output = await command("restore", name, "--replace", url="postgresql://nobody@127.0.0.1:1/nowhere")
        refusal = f"Error: {name} is damaged, not whole, or no backup of `inkwell backup`\n"
        assert (code, output) == (1, refusal), damage


async def test_a_restore_that_fails_half_way_leaves_what_was_there(
    backup: Path, full: str, command: Command, server: Server
) -> None:
    # What is restored needs a type of this name, which is not dropped for it: it belongs to an extension.
    await run(full, 'DROP VIEW calm;\nDROP TABLE "Stubborn one";\nDROP TYPE mood')
    await run(full, "CREATE TYPE mood AS ENUM ('angry');\nALTER EXTENSION pg_trgm ADD TYPE mood")
    before = await content(full)
    await server.cut_off(full)
    code, output = await command("restore", "kept", "--replace")
    assert (code, 'nothing was changed: type "mood" already exists' in output) == (1, True), output
    assert await content(full) == before


async def test_a_backup_of_a_newer_schema_is_refused_and_an_older_one_has_to_be_migrated(
    full: str, command: Command, empty_database: str
) -> None:
    await run(full, "UPDATE alembic_version SET version_num = '0001'")
    assert (await command("backup", "older"))[0] == 0
    await run(full, "UPDATE alembic_version SET version_num = '9999'")
    code, output = await command("backup", "newer")
    assert (code, "revision 9999, which this code does not know: it is newer" in output) == (1, True)
    code, output = await command("restore", "older", url=empty_database)
    assert (code, "This code needs a newer one: inkwell migrate" in output) == (0, True), output


def state(file: Path) -> tuple[int, int, list[str]]:
    """Which file it is, its rights, and what is beside it."""
    return file.stat().st_ino, file.stat().st_mode & 0o777, [path.name for path in file.parent.iterdir()]


async def test_a_file_is_replaced_only_by_force_and_is_its_owners_alone(backup: Path, command: Command) -> None:
    before = state(backup)
    assert before[1] == 0o600
    code, output = await command("backup", "kept")
    assert (code, "kept exists already; --force replaces it" in output) == (1, True)
    assert state(backup) == before
    assert (await command("backup", "kept", "--force"))[0] == 0
    assert state(backup)[0] != before[0]
    assert state(backup)[1:] == before[1:]
    check_whole(backup)


async def test_what_is_no_ordinary_file_is_not_replaced(command: Command, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    code, output = await command("backup", "pipe", "--force")
    assert (code, output.splitlines()[-1]) == (1, "Error: pipe is no ordinary file")
    assert (tmp_path / "pipe").is_fifo()


async def test_a_database_without_our_schema_is_not_backed_up(
    empty_database: str, command: Command, tmp_path: Path
) -> None:
    code, output = await command("backup", "kept", url=empty_database)
    assert (code, "no schema of Inkwell in the database" in output) == (1, True), output
    assert "kept" not in os.listdir(tmp_path)


async def test_a_folder_that_is_not_there_and_a_database_out_of_reach_are_one_sentence(
    full: str, command: Command
) -> None:
    code, output = await command("backup", "no/where")
    assert (code, "no/where cannot be written (No such file" in output) == (1, True), output
    code, output = await command("backup", "kept", url="postgresql://inkwell:hunter2@127.0.0.1:1/x")
    assert (code, "Error: The database cannot be used now" in output) == (1, True), output
    assert "hunter2" not in output
    code, output = await command("restore", "nothing")
    assert (code, output) == (1, "Error: nothing cannot be read (No such file or directory)\n")


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_backup_that_is_told_to_stop_leaves_nothing_behind(
    full: str, tmp_path: Path, order: signal.Signals
) -> None:
    there = os.listdir(tmp_path)
    async with connected(parse_database_url(full)) as other:
        await other.execute(text("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE"))
        before = signal.signal(order, signal.SIG_DFL)  # the tests may run where it is ignored, which is inherited
        process = await begin("backup", "kept", cwd=tmp_path, DATABASE_URL=full)
        signal.signal(order, before)
        await until(lambda: run(full, DUMP_WAITS))
        begun = psutil.Process(process.pid).children()
        assert len(os.listdir(tmp_path)) == len(there) + 1
        process.send_signal(order)
        await aborted(process)
    assert os.listdir(tmp_path) == there
    assert psutil.wait_procs(begun, timeout=0)[1] == []


async def test_a_restore_that_is_told_to_stop_ends_all_that_it_began(
    full: str, command: Command, tmp_path: Path
) -> None:
    await run(full, PAUSE.format(here=database_name(full)))
    assert (await command("backup", "kept"))[0] == 0
    with open_folder() as folder:
        process = await begin("restore", str(tmp_path / "kept"), cwd=folder, DATA_DIR=str(folder / "data"))
        begun = await until(lambda: family_with("psql", process.pid))
        sockets = noted_sockets(folder / "data")
        process.terminate()
        await aborted(process)
        assert sockets
        assert not sockets.exists()
        assert psutil.wait_procs(begun, timeout=0)[1] == []


async def aborted(process: asyncio.subprocess.Process) -> None:
    code, output = await end(process)
    assert (code, output.strip()) == (1, "Aborted!"), output


async def family_with(name: str, pid: int) -> list[psutil.Process]:
    """All that the process began, once a program of this name is among it."""
    family = psutil.Process(pid).children(recursive=True)
    with suppress(psutil.NoSuchProcess):  # one of them has just ended: the next look will tell
        return family if name in {member.name() for member in family} else []
    return []


async def until(look: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await look()):  # noqa: ASYNC110  no event comes
            await asyncio.sleep(0.02)
    return found


async def test_the_embedded_database_is_backed_up_while_it_serves_and_restored_when_it_does_not() -> None:
    with open_folder() as folder:
        place = {"DATA_DIR": str(folder / "data")}
        process, _ = await start(folder, **place)
        create = ("create-admin", "root@example.com", "--password-stdin")
        assert (await inkwell(*create, typed="a fine long password", cwd=folder, **place))[0] == 0
        code, output = await inkwell("backup", "kept", cwd=folder, **place)
        assert code == 0, output
        code, output = await inkwell("restore", "kept", "--replace", cwd=folder, **place)
        assert (code, "is being served: stop Inkwell" in output) == (1, True), output
        assert await stop(process) == 0
        shutil.rmtree(folder / "data")
        code, output = await inkwell("restore", "kept", cwd=folder, **place)
        assert code == 0, output
        code, output = await inkwell(*create, typed="a fine long password", cwd=folder, **place)
        assert "Email already exists" in output
