"""The database in one file and back, by pg_dump, pg_restore and psql.

The file is an archive of pg_dump's custom format, which pg_restore reads, and a last line with the checksum of all
that is before it: pg_dump's own format would let a changed byte pass.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import text

from inkwell.database_url import DatabaseUrl
from inkwell.embedded import running_url
from inkwell.embedded.lock import private
from inkwell.migrations import LOCK_KEY, NewerSchema, is_known
from inkwell.postgres_programs import ProgramFailed, Programs, ended, programs_for
from inkwell.prepare import reached
from inkwell.settings import ConfigurationError, Settings

SEAL = b"\n-- inkwell backup, sha256 %s\n"
SEAL_BYTES = len(SEAL % b"") + 64
NOBODYS = ("--no-owner", "--no-privileges", "--no-comments")  # a comment on an extension is for its owner to make
PSQL = ("--no-password", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
CHUNK_BYTES = 1 << 20
LOCK_WAIT = "30s"  # for a migration under way; requests hold nobody up
VERSION = re.compile(rb"^COPY \S*alembic_version \(version_num\) FROM stdin;\n(\S+)\n", re.MULTILINE)

# Not a part of something else: of an extension, or of an identity column.
INDEPENDENT = "NOT EXISTS (SELECT FROM pg_depend WHERE objid = oid AND deptype IN ('e', 'i'))"
OBJECTS = f"""
    SELECT 'pg_class'::regclass, oid FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND {INDEPENDENT}
    UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND {INDEPENDENT}
    UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
    WHERE typnamespace = current_schema()::regnamespace AND typtype IN ('d', 'e', 'r') AND {INDEPENDENT}
"""  # noqa: S608  made of its own constants
# Dropped, and not emptied: some tables refuse that rows are removed. The extensions stay.
CLEARED = f"""
    SET client_min_messages = warning;
    BEGIN;
    SET LOCAL lock_timeout = '{LOCK_WAIT}';
    SELECT pg_advisory_xact_lock({LOCK_KEY});
    DO $$ BEGIN
        EXECUTE coalesce(string_agg(format('DROP %s IF EXISTS %s CASCADE', type, identity), '; '), 'SELECT 1')
        FROM ({OBJECTS}) AS object (classid, oid), pg_identify_object(classid, oid, 0);
    END $$;
"""  # noqa: S608
COUNT = text(f"SELECT count(*) FROM ({OBJECTS}) AS object")  # noqa: S608
# Autovacuum has no user.
OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usesysid IS NOT NULL AND pid <> pg_backend_pid()"
)
SERVER_VERSION = text("SELECT current_setting('server_version_num')::int / 10000")


async def back_up(database: DatabaseUrl, file: Path, *, replace: bool) -> str:
    """Writes the database into the file, as it is at one moment, and returns the revision of its schema.

    Raises ConfigurationError, and leaves what was there as it was; the file gets its name when it is whole.
    """
    programs = await _programs(database)
    dump = ("--format=custom", "--no-owner", "--no-privileges", f"--lock-wait-timeout={LOCK_WAIT}")
    with _new_file(file, replace=replace) as unfinished, _failing("The database was not backed up"):
        await programs.run("pg_dump", "--no-password", *dump, f"--file={unfinished.name}")
        revision = await _revision(programs, Path(unfinished.name))
        _seal(unfinished)
    return revision


async def restore(database: DatabaseUrl, file: Path, *, replace: bool) -> str:
    """Puts what is in a checked file in the place of the database's content, in one transaction; returns its revision.

    Raises ConfigurationError, and leaves the database as it was: for a backup of a newer schema, while others are
    connected, and unless `replace` is true for a database that is not empty.
    """
    programs = await _programs(database)
    with _failing(f"{file} cannot be restored, and nothing was changed"):
        revision = await _revision(programs, file)
        await programs.run("pg_restore", "--file=/dev/null", str(file))
        await _refuse_used(database, replace=replace)
        await _exchange(programs, file)
    return revision


def check_whole(file: Path) -> None:
    """Raises ConfigurationError where the file is not, byte for byte, what back_up wrote."""
    with _failing(f"{file} cannot be read"), file.open("rb") as source:
        length = max(0, source.seek(0, os.SEEK_END) - SEAL_BYTES)
        source.seek(length)
        found = source.read()
        source.seek(0)
        if found != SEAL % _digest(source, length):
            raise ConfigurationError(f"{file} is damaged, not whole, or no backup of `inkwell backup`")


async def refuse_while_serving(settings: Settings) -> None:
    """Raises ConfigurationError where another process runs the embedded server of the settings."""
    if settings.database is None and await running_url(settings.data_dir):
        raise ConfigurationError(f"DATA_DIR: {settings.data_dir} is being served: stop Inkwell, then restore")


async def _programs(database: DatabaseUrl) -> Programs:
    async with reached(database) as connection:
        return await programs_for(database, await connection.scalar(SERVER_VERSION))


async def _revision(programs: Programs, archive: Path) -> str:
    """Of the schema in the archive. Raises ConfigurationError where it is none of ours, or one that we do not know."""
    rows = await programs.run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(archive))
    match = VERSION.search(rows)
    if not match:
        raise ConfigurationError("There is no schema of Inkwell in the database: inkwell migrate")
    revision = match[1].decode()
    if not is_known(revision):
        raise NewerSchema(f"The backup is at revision {revision}, which this code does not know: it is newer")
    return revision


async def _refuse_used(database: DatabaseUrl, *, replace: bool) -> None:
    async with reached(database) as connection:
        if others := await connection.scalar(OTHERS):
            raise ConfigurationError(f"The database is in use ({others} connections): stop Inkwell, then restore")
        if not replace and await connection.scalar(COUNT):
            raise ConfigurationError("The database is not empty; --replace gives up what is in it")


async def _exchange(programs: Programs, file: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as sql:
        with os.fdopen(reading, "rb") as script:
            psql = await programs.start("psql", *PSQL, stdin=script)
        # The first failure counts: where psql stops, pg_restore has nobody to write to.
        for result in await asyncio.gather(ended(psql), _write(programs, file, sql), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result


async def _write(programs: Programs, file: Path, sql: IO[bytes]) -> None:
    """Without the COMMIT, which is written when pg_restore has written all, the end of psql undoes everything."""
    with sql, suppress(BrokenPipeError):
        sql.write(CLEARED.encode())
        await programs.run("pg_restore", *NOBODYS, "--file=-", str(file), stdout=sql)
        sql.write(b"COMMIT;\nANALYZE;\n")


@contextmanager
def _new_file(file: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """A file beside this one, for its owner alone, that takes its name when the block ends well."""
    _refuse_existing(file, replace=replace)
    with _failing(f"{file} cannot be written"), tempfile.TemporaryDirectory(prefix=".inkwell-", dir=file.parent) as own:
        unfinished = Path(own, file.name)
        with open(unfinished, "w+b", opener=private) as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        _refuse_existing(file, replace=replace)  # once more: a dump may take an hour
        unfinished.replace(file)
        _make_durable(file.parent)


def _refuse_existing(file: Path, *, replace: bool) -> None:
    if file.exists() and not file.is_file():  # a device, say, whose place a file would take
        raise ConfigurationError(f"{file} is no ordinary file")
    if file.exists() and not replace:
        raise ConfigurationError(f"{file} exists already; --force replaces it")


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seal(file: IO[bytes]) -> None:
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    seal = SEAL % _digest(file, length)
    file.seek(0, os.SEEK_END)
    file.write(seal)


def _digest(file: IO[bytes], length: int) -> bytes:
    """Of so many bytes from where the file stands, in hexadecimal."""
    digest = hashlib.sha256()
    while length > 0 and (chunk := file.read(min(length, CHUNK_BYTES))):
        digest.update(chunk)
        length -= len(chunk)
    return digest.hexdigest().encode()


@contextmanager
def _failing(words: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{words} ({error.strerror})") from None
    except ProgramFailed as error:
        raise ConfigurationError(f"{words}: {error}") from None
