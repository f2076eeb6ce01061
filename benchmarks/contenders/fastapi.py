"""FastAPI with SQLAlchemy's asynchronous ORM, as their documentation teaches, on uvicorn."""

from pwdlib import PasswordHash

from benchmarks.contenders.contender import BIN, Contender, Place, fill
from benchmarks.peers import make_tables
from benchmarks.rows import PASSWORD


class FastAPI(Contender):
    """Peer `fastapi_app`."""

    name, title = "fastapi", "FastAPI on uvicorn"

    def make_data(self, place: Place) -> None:
        def make(database: str) -> None:
            make_tables("fastapi_app", place.postgres.url(database))
            fill(place.postgres, database, place.size, PasswordHash.recommended().hash(PASSWORD))

        place.postgres.make_once(self.template(place.size), make)

    def command(self, port: int, data: str) -> list[str]:
        options = ["--workers=1", "--no-access-log", "--log-level=warning", f"--port={port}"]
        return [str(BIN / "uvicorn"), *options, "benchmarks.peers.fastapi_app:app"]
