"""One PostgreSQL server on one data folder, as a child process that is restarted when it dies and leaves with us."""

import asyncio
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import asyncpg
import structlog

from inkwell.embedded.lock import locked, noted_sockets, private, socket_folder
from inkwell.embedded.places import (
    data_folder,
    make_folder,
    make_private_folder,
    possible_folders,
    programs,
    server_account,
)
from inkwell.embedded.process import LOOK_SECONDS, finished, spawn, stop_orphan
from inkwell.settings import ConfigurationError

NAME = "inkwell"  # of the database and of its owner
START_SECONDS = 60  # recovery after a crash reads up to 1 GB of WAL (max_wal_size)
SHUTDOWN_SECONDS = 20
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 30.0
SETTINGS = {
    "listen_addresses": "",  # whoever may enter the socket's folder is the superuser; the network is not asked
    "port": "5432",
    "max_connections": "500",  # 15 workers with the default pools of 10 + 5 + 1, twice while they are replaced
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
INITDB = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8", "--auth=trust"]

# What asyncpg raises where a server goes while it is asked; the last, where it goes between two messages.
FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = structlog.get_logger()


class EmbeddedPostgres:
    """PostgreSQL on the cluster in `folder`, which is DATA_DIR, or a place that the server can reach if root starts it.

    `chosen` says that the operator named the folder, so that no other one may be taken; `durable=False` risks the data
    for speed, for tests. Raises ConfigurationError as start() does: in one sentence.
    """

    def __init__(self, data_dir: Path, *, chosen: bool = True, durable: bool = True) -> None:
        self.folder = data_folder(data_dir, chosen=chosen)
        self._cluster = self.folder / "postgres"
        self._settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
        self._account = server_account(self._cluster)
        self._undo = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._turn = asyncio.Lock()
        self._sockets: Path
        self._process: Process
        self._log_start: int

    @property
    def url(self) -> str:
        """DATABASE_URL of the running server; keep() leaves it as it is, each start() makes another."""
        return _url(self._sockets)

    async def start(self) -> None:
        """Makes the cluster if needed, and returns when the server accepts connections; call it from the main thread.

        Raises ConfigurationError if the folder is in use or cannot be written, or the server does not come up.
        """
        self._stopping.clear()
        async with AsyncExitStack() as undo:
            with _one_sentence(self.folder):
                await self._start(undo)
            self._undo = undo.pop_all()

    async def stop(self) -> None:
        """Ends the server (open transactions are rolled back) and keep(); does nothing if it is not running."""
        self._stopping.set()
        async with self._turn:
            await self._undo.aclose()

    async def keep(self) -> None:
        """Restarts the server each time it dies by itself, until stop(); to be run as a task after start()."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            started = time.monotonic()
            await self._process.wait()
            if time.monotonic() - started > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await self._pause(pause)
            async with self._turn:
                if self._stopping.is_set():
                    return
                await self._restart()
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _start(self, undo: AsyncExitStack) -> None:
        make_folder(self.folder, open_to_all=self._account is not None)
        lock = undo.enter_context(locked(self.folder))
        if not (self._cluster / "PG_VERSION").exists():
            await self._make_cluster()
        self._sockets = undo.enter_context(socket_folder(lock, self._account))
        _keep_one_old_log(self._log)
        await self._spawn()
        undo.push_async_callback(self._shut_down)
        await self._until_ready()

    async def _make_cluster(self) -> None:
        # Renamed when complete: an initdb that was interrupted leaves nothing that looks like a cluster.
        unfinished = self.folder / "postgres.new"
        make_private_folder(unfinished, self._account)
        arguments = [*INITDB, f"--username={NAME}", f"--pgdata={unfinished}"]
        process = await spawn(programs(self._account) / "initdb", arguments, self._account, PIPE)
        output, _ = await finished(process)
        if process.returncode:
            raise ConfigurationError(f"DATA_DIR: no database could be made in {self.folder} ({_reason(output)})")
        unfinished.rename(self._cluster)

    async def _spawn(self) -> None:
        await stop_orphan(self._cluster)
        settings = self._settings | {"unix_socket_directories": str(self._sockets)}
        arguments = [f"-D{self._cluster}", *(f"--{name}={value}" for name, value in settings.items())]
        with self._opened_log() as output:
            self._log_start = output.tell()
            self._process = await spawn(programs(self._account) / "postgres", arguments, self._account, output)

    async def _until_ready(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while self._process.returncode is None and not self._stopping.is_set():
                    if await _answers(self._sockets):
                        return await _make_database(self._sockets)
                    await asyncio.sleep(LOOK_SECONDS)
        await self._shut_down()
        reason = _reason(self._log.read_bytes()[self._log_start :])
        raise ConfigurationError(f"DATA_DIR: PostgreSQL did not start in {self.folder} ({reason})")

    async def _restart(self) -> None:
        log.warning("database_died", exit_code=self._process.returncode, log=str(self._log))
        try:
            await self._spawn()
            await self._until_ready()
        except (ConfigurationError, *FAILURES) as error:
            log.error("database_not_restarted", reason=str(error))
        else:
            log.warning("database_restarted")

    async def _shut_down(self) -> None:
        for order in (signal.SIGINT, signal.SIGQUIT):  # fast, then immediate, which recovers at the next start
            with suppress(ProcessLookupError):
                self._process.send_signal(order)
            with suppress(TimeoutError):
                async with asyncio.timeout(SHUTDOWN_SECONDS):
                    await self._process.wait()
                    return

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _opened_log(self) -> IO[bytes]:
        return open(self._log, "ab", opener=private)  # statements that failed are in it

    @property
    def _log(self) -> Path:
        return self.folder / "postgres.log"


async def running_url(data_dir: Path) -> str | None:
    """The URL of the server that another process runs on this data folder, if it answers."""
    for folder in possible_folders(data_dir):
        sockets = noted_sockets(folder)
        if sockets and await _answers(sockets):
            return _url(sockets)
    return None


@asynccontextmanager
async def embedded_database(data_dir: Path, *, chosen: bool = True) -> AsyncIterator[str]:
    """The URL of the server that runs on the data folder already, or of one that runs as long as the context."""
    if url := await running_url(data_dir):
        yield url
        return
    server = EmbeddedPostgres(data_dir, chosen=chosen)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


@contextmanager
def _one_sentence(folder: Path) -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ConfigurationError(f"DATA_DIR: {folder} cannot be used ({reason})") from None


async def _answers(sockets: Path) -> bool:
    with suppress(*FAILURES):
        connection = await _connect(sockets)
        await connection.close()
        return True
    return False


async def _make_database(sockets: Path) -> None:
    connection = await _connect(sockets)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", NAME):
            await connection.execute(f"create database {NAME}")
    finally:
        await connection.close()


async def _connect(sockets: Path) -> Any:
    # What PG* variables could change for the worse is named: they may be meant for another server.
    return await asyncpg.connect(
        host=str(sockets), port=5432, user=NAME, database="postgres", ssl=False, target_session_attrs="any", timeout=5
    )


def _url(sockets: Path) -> str:
    return f"postgresql://{NAME}@/{NAME}?sslmode=disable&host={quote(str(sockets))}"


def _keep_one_old_log(path: Path) -> None:
    if path.exists():
        path.replace(path.with_name(path.name + ".old"))


def _reason(output: bytes) -> str:
    """The first error that a program of PostgreSQL names, without time and process; others follow from it."""
    lines = output.decode(errors="replace").splitlines() or ["it said nothing"]
    errors = [line.split(mark)[1].strip() for line in lines for mark in ("FATAL:", "PANIC:", "error:") if mark in line]
    ours = "the database system is starting up"  # the answer to our own knocking
    return next((error for error in errors if error != ours), lines[0])
