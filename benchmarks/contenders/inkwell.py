"""The product, as `inkwell serve` starts it."""

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher

from benchmarks.contenders.contender import SECRET, Contender, Place, fill
from benchmarks.rows import PASSWORD, Size

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / ".venv" / "bin" / "inkwell"
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # Inkwell's defaults


class Inkwell(Contender):
    """On one of its two HTTP servers."""

    health = "/readyz"

    def __init__(self, server: str, workers: int = 1) -> None:
        self.name, self.title = f"inkwell_{server}", f"Inkwell on {server}"
        self._server, self._workers = server, workers

    def why_not(self) -> str | None:
        if self._server == "hypercorn":
            return None
        if "--server" not in _help():
            return "`inkwell serve` has no --server"
        found = subprocess.run(
            [COMMAND.with_name("python"), "-c", f"import {self._server}"], capture_output=True, check=False
        )
        return f"{self._server} is not installed beside Inkwell" if found.returncode else None

    def template(self, size: Size) -> str:
        return f"inkwell_{size.users}_{size.posts}"

    def make_data(self, place: Place) -> None:
        """Anew at each schema: a template of an older one is brought to the newest by the migrations."""
        template = self.template(place.size)

        def make(database: str) -> None:
            _migrate(place, database)
            self.fill(place, database)

        place.postgres.make_once(template, make)
        _migrate(place, template)

    def fill(self, place: Place, database: str) -> None:
        fill(place.postgres, database, place.size, HASHER.hash(PASSWORD), more="published_at")

    def command(self, port: int, data: str) -> list[str]:
        named = ["--server", self._server] if "--server" in _help() else []
        return [str(COMMAND), "serve", f"--port={port}", f"--workers={self._workers}", *named]

    def environment(self, port: int, data: str) -> Mapping[str, str]:
        return _environment(data) | {"RATE_LIMITS_ENABLED": "false"}  # one address sends everything here


def _environment(data: str) -> dict[str, str]:
    return {"DATABASE_URL": data, "JWT_SECRET_KEY": SECRET, "ENV": "production", "DRAIN_SECONDS": "0"}


def _migrate(place: Place, database: str) -> None:
    environment = os.environ | _environment(place.postgres.url(database))
    subprocess.run([COMMAND, "migrate"], env=environment, check=True, capture_output=True)


@cache
def _help() -> str:
    return subprocess.run([COMMAND, "serve", "--help"], capture_output=True, text=True, check=True).stdout
