"""PostgreSQL 15 as Debian packages it, durable, on loopback, in a folder of its own; databases made once, copied."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import other_cores, pinned, version

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
USER = "bench"
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "1GB",  # every table of 50,000 users and 200,000 posts, and its indexes
    "max_wal_size": "4GB",  # no checkpoint is forced while something is measured
    "timezone": "UTC",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "none",  # until somebody asks
}


class Postgres:
    """One server. Root lends it another account, because PostgreSQL refuses to run as root."""

    def __init__(self, folder: Path) -> None:
        self._cluster, self._secret = folder / "postgres", folder / "postgres.password"
        self._log = self._cluster / "server.log"
        self._port = 0

    def start(self) -> None:
        if not (self._cluster / "PG_VERSION").exists():
            self._make_cluster()
        self._port = free_port()
        settings = SETTINGS | {"port": str(self._port), "unix_socket_directories": str(self._cluster)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._control("start", "-w", "-t", "120", "-l", str(self._log), "-o", options)

    def stop(self) -> None:
        self._control("stop", "-m", "fast")

    @property
    def pid(self) -> int:
        return int((self._cluster / "postmaster.pid").read_text().partition("\n")[0])

    @property
    def version(self) -> str:
        return version(str(PROGRAMS / "postgres"))

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{self._secret.read_text()}@127.0.0.1:{self._port}/{database}"

    def run(self, statements: str, database: str = "postgres") -> str:
        """What psql prints: a line for each row, bars between the columns."""
        done = subprocess.run(self._psql(database), input=statements, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def lines(self, query: str, database: str) -> Iterator[str]:
        """The rows of one query as they come, for those that are many."""
        copied = f"COPY ({query}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
        command = [*self._psql(database), "-c", " ".join(copied.split())]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            yield from process.stdout or ()
        if process.returncode:
            raise RuntimeError("psql failed")

    def has(self, database: str) -> bool:
        return self.run(f"SELECT 1 FROM pg_database WHERE datname = '{database}'") == "1"

    def make_once(self, database: str, fill: Callable[[str], None]) -> None:
        """Has it filled under another name: one that was interrupted leaves nothing that looks complete."""
        if not self.has(database):
            self.drop("unfinished")
            self.run("CREATE DATABASE unfinished")
            fill("unfinished")
            self.run("VACUUM ANALYZE", "unfinished")
            self.run(f"ALTER DATABASE unfinished RENAME TO {database}")

    def copy(self, template: str, database: str) -> str:
        """The URL of a new database with the rows of another."""
        self.drop(database)
        self.run(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY file_copy")
        return self.url(database)

    def drop(self, database: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    @contextmanager
    def counting(self) -> Iterator[None]:
        """The time of every statement is counted meanwhile, on connections that are opened now."""
        self.run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self.run(f"ALTER ROLE {USER} SET pg_stat_statements.track = 'top'")
        try:
            yield
        finally:
            self.run(f"ALTER ROLE {USER} RESET pg_stat_statements.track")

    def forget_counts(self) -> None:
        self.run("SELECT pg_stat_statements_reset()")

    def counted_ms(self, database: str) -> float:
        """Execution time of all statements on the database since then."""
        databases = "JOIN pg_database ON pg_database.oid = dbid"
        total = f"SELECT sum(total_exec_time) FROM pg_stat_statements {databases} WHERE datname = '{database}'"
        return float(self.run(total))

    def _psql(self, database: str) -> list[str]:
        return [str(PROGRAMS / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", self.url(database)]

    def _make_cluster(self) -> None:
        shutil.rmtree(self._cluster, ignore_errors=True)
        self._cluster.mkdir(parents=True, mode=0o700)
        self._secret.touch(mode=0o600)
        self._secret.write_text(secrets.token_hex(16))
        for path in (self._cluster, self._secret):
            os.chown(path, *_account())
        options = [
            f"-U{USER}",
            "--auth=scram-sha-256",
            f"--pwfile={self._secret}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
        self._as_server([str(PROGRAMS / "initdb"), f"-D{self._cluster}", *options])

    def _control(self, *arguments: str) -> None:
        self._as_server(pinned([str(PROGRAMS / "pg_ctl"), f"-D{self._cluster}", *arguments], other_cores()))

    def _as_server(self, command: list[str]) -> None:
        identity: Mapping[str, Any] = {}
        if os.geteuid() == 0:
            user, group = _account()
            identity = {"user": user, "group": group, "extra_groups": []}
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **identity
        )
        if done.returncode:
            sentence = (
                "PostgreSQL cannot be run in {}: {} (its account must be able to enter; BENCH_DATA chooses another)"
            )
            raise RuntimeError(sentence.format(self._cluster.parent, done.stderr.decode().strip()))


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def _account() -> tuple[int, int]:
    """Who runs the server: ourselves, or for root another account."""
    if os.geteuid() != 0:
        return os.getuid(), os.getgid()
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return entry.pw_uid, entry.pw_gid
