"""The customer's Flask code, completed, on gunicorn with threads."""

from werkzeug.security import generate_password_hash

from benchmarks.contenders.contender import BIN, POOL, Contender, Place, fill
from benchmarks.peers import make_tables
from benchmarks.rows import PASSWORD


class Flask(Contender):
    """Peer `flask_app`."""

    name, title = "flask", "Flask on gunicorn"

    def make_data(self, place: Place) -> None:
        def make(database: str) -> None:
            make_tables("flask_app", place.postgres.url(database))
            fill(place.postgres, database, place.size, generate_password_hash(PASSWORD), author="user_id")

        place.postgres.make_once(self.template(place.size), make)

    def command(self, port: int, data: str) -> list[str]:
        options = ["--workers=1", f"--threads={POOL}", "--keep-alive=75", f"--bind=127.0.0.1:{port}"]
        return [str(BIN / "gunicorn"), *options, "benchmarks.peers.flask_app:app"]
