"""Which of PostgreSQL's programs are taken, and what they are told."""

from pathlib import Path

import pytest

from inkwell import postgres_programs
from inkwell.database_url import parse_database_url
from inkwell.postgres_programs import ProgramFailed, Programs, libpq_environment, programs_for
from inkwell.settings import ConfigurationError

DATABASE = parse_database_url("postgresql://ada:s%40cret@db/inkwell")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGHOST", raising=False)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of several versions, one of which has a part missing."""
    folders = [programs(tmp_path / str(version), version) for version in (15, 18, 17, 16)]
    (folders[3] / "psql").unlink()
    monkeypatch.setattr(postgres_programs, "_folders", lambda: iter(folders))


def programs(folder: Path, version: int) -> Path:
    folder.mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}.2 (Debian)'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        (
            "postgresql://ada:s%40cret@db.example.com:5433/inkwell",
            "PGHOST=db.example.com PGPORT=5433 PGUSER=ada PGPASSWORD=s@cret PGDATABASE=inkwell",
        ),
        (
            "postgres://ada@h1:1,h2:2/x?target_session_attrs=read-write&connect_timeout=3",
            "PGHOST=h1,h2 PGPORT=1,2 PGUSER=ada PGDATABASE=x PGTARGETSESSIONATTRS=read-write PGCONNECT_TIMEOUT=3",
        ),
        ("postgresql://ada@/x?host=/run/pg", "PGHOST=/run/pg PGPORT=5432 PGUSER=ada PGDATABASE=x"),
        (
            "postgresql://[::1]:5/x?sslmode=require&application_name=backup&options=-cx=1",
            "PGHOST=::1 PGPORT=5 PGDATABASE=x PGSSLMODE=require PGAPPNAME=backup PGOPTIONS=-cx=1",
        ),
        ("postgresql:///x", "PGHOST=/run/postgresql,/var/run/postgresql,/tmp,localhost PGPORT=5432 PGDATABASE=x"),
    ],
)
def test_what_the_url_says_reaches_libpq_by_the_environment(url: str, variables: str) -> None:
    expected = dict(pair.split("=", 1) for pair in variables.split())
    assert libpq_environment(parse_database_url(url)) == expected


def test_what_the_url_leaves_open_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    assert "PGHOST" not in libpq_environment(parse_database_url("postgresql:///x"))


@pytest.mark.parametrize(("server", "taken"), [(15, "15"), (16, "17"), (17, "17"), (18, "18")])
async def test_the_nearest_version_that_is_not_older_is_taken(installed: None, server: int, taken: str) -> None:
    assert (await programs_for(DATABASE, server)).folder.name == taken


async def test_where_all_are_too_old_one_sentence_says_what_is_needed(installed: None) -> None:
    with pytest.raises(ConfigurationError, match=r"of version 19 or newer are needed; .* postgresql-client-19"):
        await programs_for(DATABASE, 19)


async def test_no_password_is_among_the_arguments_or_in_a_description(tmp_path: Path) -> None:
    folder = programs(tmp_path / "18", 18)
    (folder / "psql").write_text('#!/bin/sh\necho "$# $PGPASSWORD"\n')
    chosen = Programs(folder, libpq_environment(DATABASE))
    assert await chosen.run("psql") == b"0 s@cret\n"
    assert "s@cret" not in repr(chosen)


async def test_a_program_that_fails_is_told_by_its_first_error(tmp_path: Path) -> None:
    folder = programs(tmp_path / "18", 18)
    (folder / "psql").write_text("#!/bin/sh\necho 'psql: hint' >&2\necho 'psql: error: no way' >&2\nexit 3\n")
    with pytest.raises(ProgramFailed, match=r"^no way$"):
        await Programs(folder, {}).run("psql")
