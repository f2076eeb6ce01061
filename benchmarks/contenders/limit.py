"""The limit: a bare ASGI callable with asyncpg on granian, over tables and statements of the shapes that cost least."""

from benchmarks.contenders.contender import BIN, Contender, Place, fill
from benchmarks.contenders.inkwell import HASHER
from benchmarks.peers import make_tables
from benchmarks.rows import PASSWORD


class Limit(Contender):
    """Peer `limit_app`."""

    name, title = "limit", "bare ASGI on granian"

    def make_data(self, place: Place) -> None:
        def make(database: str) -> None:
            make_tables("limit_app", place.postgres.url(database))
            fill(place.postgres, database, place.size, HASHER.hash(PASSWORD), more="published_at")

        place.postgres.make_once(self.template(place.size), make)

    def command(self, port: int, data: str) -> list[str]:
        options = ["--interface=asgi", "--workers=1", "--loop=uvloop", "--no-access-log", f"--port={port}"]
        return [str(BIN / "granian"), *options, "benchmarks.peers.limit_app:app"]
