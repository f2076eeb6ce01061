"""One PostgreSQL for all tests, and for each test that asks a database of its own, copied from a migrated template."""

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, has_request_context
from sqlalchemy import AsyncAdaptedQueuePool, Engine, Executable, NullPool, Pool, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from structlog.processors import format_exc_info
from structlog.testing import capture_logs
from structlog.typing import EventDict

from inkwell.app import connect, create_app, make_passwords, make_services
from inkwell.database_url import parse_database_url
from inkwell.embedded import EmbeddedPostgres
from inkwell.logs import configure_logging
from inkwell.migrations import migrate
from inkwell.settings import Settings, load_settings
from repositories.database import Database
from repositories.reading import FetchedRows, Look
from service import Services
from service.passwords import Passwords
from service.users import NewPassword
from tests.faults.figures import Figure, as_table
from tests.support import PASSWORD, Client

SECRET = "0123456789abcdef-a-key-that-only-tests-use"
_numbers = count(1)
# What takes longest goes first, so that no worker is alone with it at the end: from 70 s to 10 s on two cores.
LONGEST_FIRST = (
    *("smoke/test_backup", "serving/test_serving", "smoke/test_server", "faults/test_proxy", "browser/test_docs"),
    *("faults/test_failover", "smoke/test_cli", "conformance/test_conformance", "faults/test_processes"),
    *("migrations/test_plans", "packaging/test_tours", "faults/test_database", "serving/test_protocols"),
    *("browser/test_pages", "smoke/test_mail", "faults/test_clients", "embedded/test_embedded"),
    *("packaging/test_benchmarks", "faults/test_overload", "packaging/test_containers"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / f"{name}.py": place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped (CI has every program that a test needs), a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("INKWELL_TESTS_SKIP_NOTHING") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured under faults is shown in every run, also where tests print nothing."""
    outcomes = [report for reports in terminalreporter.stats.values() for report in reports]
    calls = [report for report in outcomes if getattr(report, "when", None) == "call"]
    figures = [Figure(*value) for call in calls for name, value in call.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("Faults")
        terminalreporter.write(as_table(figures))


class Server:
    """A PostgreSQL server on which databases come and go."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def run(self, statement: str, on: str | None = None) -> None:
        """On the server's own database, by a connection that is kept: so a database is made in half the time."""
        async with (engine_on(on, NullPool) if on else self._kept).connect() as connection:
            await connection.execute(text(statement))

    async def close(self) -> None:
        await self._kept.dispose()

    @cached_property
    def _kept(self) -> AsyncEngine:
        return engine_on(self.url, AsyncAdaptedQueuePool)

    async def create(self, template: str | None = None) -> str:
        """The URL of a new database."""
        name = f"inkwell_test_{os.getpid()}_{next(_numbers)}"
        await self.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return self.url_of(name)

    async def drop(self, url: str) -> None:
        await self.run(f"DROP DATABASE {database_name(url)} WITH (FORCE)")

    async def cut_off(self, url: str) -> None:
        """Ends every connection to the database, and returns when they are gone: a signal alone may come late."""
        everybody = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = "
        await self.run(f"{everybody}'{database_name(url)}'")

    def url_of(self, name: str) -> str:
        head, mark, tail = self.url.partition("?")
        return f"{head.rpartition('/')[0]}/{name}{mark}{tail}"


def engine_on(url: str, pool: type[Pool]) -> AsyncEngine:
    place = parse_database_url(url)
    engine = create_async_engine(
        place.sqlalchemy_url, connect_args=place.connect_args, poolclass=pool, pool_pre_ping=True
    )
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def open_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """A folder for embedded servers: as root they run as somebody else, to whom pytest's own folders are closed."""
    in_memory = os.access("/dev/shm", os.W_OK) and not on_disk
    memory = "/dev/shm" if in_memory else None  # a database is made there in a tenth of the time
    with tempfile.TemporaryDirectory(prefix="inkwell-tests-", dir=memory) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def database_name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def through_pooler(url: str) -> dict[str, object]:
    """Settings that lead to the same database through the pooler of TEST_POOLER_URL, if there is one."""
    pooler = os.environ.get("TEST_POOLER_URL")
    if pooler is None:
        return {}
    pooled = Server(pooler).url_of(database_name(url))
    return {"pooler": "transaction", "database_url": pooled, "database_listen_url": url}


@pytest.fixture(scope="session", autouse=True)
def logging_as_in_production() -> None:
    configure_logging("json")


@pytest.fixture
def log_events() -> Iterator[Callable[[], list[EventDict]]]:
    """What was logged so far, as the fields of each line."""
    with capture_logs([format_exc_info]) as lines:
        yield lambda: [dict(line) for line in lines]


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Server]:
    """TEST_DATABASE_URL, or an embedded server that forgets everything afterwards; with a connection that is kept."""
    async with AsyncExitStack() as undo:
        server = Server(os.environ.get("TEST_DATABASE_URL") or await _embedded(undo))
        undo.push_async_callback(server.close)
        yield server


async def _embedded(undo: AsyncExitStack) -> str:
    """The URL of a server that `undo` ends."""
    postgres = EmbeddedPostgres(undo.enter_context(open_folder()), durable=False)
    await postgres.start()
    undo.push_async_callback(postgres.stop)
    return postgres.url


@pytest.fixture(scope="session")
async def template(server: Server) -> AsyncIterator[str]:
    """The name of a database as the migrations make it."""
    url = await server.create()
    await migrate(parse_database_url(url))
    yield database_name(url)
    await server.drop(url)


@pytest.fixture
async def empty_database(server: Server) -> AsyncIterator[str]:
    """The URL of a database without any schema."""
    url = await server.create()
    yield url
    await server.drop(url)


@pytest.fixture
async def database_url(server: Server, template: str) -> AsyncIterator[str]:
    """The URL of a migrated database of this test's own."""
    url = await server.create(template)
    yield url
    await server.drop(url)


@pytest.fixture
def make_settings(tmp_path: Path, database_url: str) -> Callable[..., Settings]:
    """Settings on this test's database, hashing passwords as cheaply as can be."""

    def make(**changes: object) -> Settings:
        cheap = {"hash_memory_kib": 8, "hash_passes": 1}
        standard = {"env": "testing", "database_url": database_url, "jwt_secret_key": SECRET, "data_dir": tmp_path}
        pooled = {} if "database_url" in changes else through_pooler(database_url)
        return load_settings(**{**standard, **pooled, **cheap, **changes})

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = connect(settings)
    yield database
    await database.close()


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """A hasher as cheap as can be."""
    passwords = Passwords(memory_kib=8, passes=1)
    yield passwords
    passwords.close()


@pytest.fixture
async def services(settings: Settings, database: Database) -> AsyncIterator[Services]:
    passwords = make_passwords(settings)
    yield make_services(settings, database, passwords)
    passwords.close()


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Quart]:
    async with create_app(settings).test_app() as running:
        yield running.app  # type: ignore[attr-defined]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is sent to the database from now on, besides the beginning and the end of a transaction."""
    sent: list[str] = []
    look = Look.execute

    def note(statement: str) -> None:
        sent.extend([statement] if has_request_context() else [])  # and not what is done beside the requests

    async def note_look(self: Look, statement: Executable, *parameters: Any) -> FetchedRows:
        note(str(statement))
        return await look(self, statement, *parameters)

    def note_change(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        note(statement)

    monkeypatch.setattr(Look, "execute", note_look)
    event.listen(Engine, "before_cursor_execute", note_change)
    yield sent
    event.remove(Engine, "before_cursor_execute", note_change)


@pytest.fixture
def api(app: Quart) -> Client:
    """Somebody who is not signed in."""
    return Client(app)


@pytest.fixture
async def ada(api: Client) -> Client:
    """An ordinary user."""
    return await api.join("ada@example.com", first_name="Ada", last_name="Lovelace")


@pytest.fixture
async def bob(api: Client) -> Client:
    """Another ordinary user."""
    return await api.join("bob@example.com", first_name="Bob")


@pytest.fixture
def make_admin(api: Client, services: Services) -> Callable[[str], Awaitable[Client]]:
    async def make(email: str) -> Client:
        await services.users.add_admin(NewPassword(email=email, password=PASSWORD))
        return await api.sign_in(email)

    return make


@pytest.fixture
async def admin(make_admin: Callable[[str], Awaitable[Client]]) -> Client:
    """An admin, and the only one unless the test makes another."""
    return await make_admin("root@example.com")
