"""The parent: owns the listening socket and the embedded database, and keeps the workers running."""

import asyncio
import errno
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from itertools import count

import structlog

from inkwell import reloading, servers
from inkwell.metrics_folder import forget_worker, metrics_folder
from inkwell.settings import ConfigurationError, Settings
from inkwell.systemd import notify

log = structlog.get_logger()

BACKLOG = 2048  # connections that wait in the kernel while every worker is busy; Linux caps it at net.core.somaxconn
MOST_CRASHES, CRASH_WINDOW_SECONDS = 10, 60.0  # what dies more often does not recover by being started again
LONGEST_PAUSE_SECONDS = 2.0  # between restarts: a single worker, too, can reach MOST_CRASHES within the window
LONGEST_ABSENCE_SECONDS = 30.0  # between two looks for a database that is away
READY_SECONDS = 60.0  # a new worker that does not serve by then is given up, and the old ones stay
PARTING_SECONDS = 7.0  # what a worker needs beyond drain and grace: to shut its door and to close its pools
REPLACED = signal.SIGUSR1  # asks a worker to drain while others take over; SIGTERM says that the node stops
WORKER = (sys.executable, "-P", "-m", "inkwell.worker")  # -P: a folder `service` where we happen to run is not ours
# With an arena for each thread, malloc_trim (memory.py) would not reach what the hasher's thread has freed last.
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}

Prepare = Callable[[Settings], Awaitable[None]]
Announce = Callable[[str, str], None]


class DatabaseAway(Exception):
    """The database cannot be reached now; the text says why. Serving goes on, and it is tried again."""


class GaveUp(Exception):
    """The workers keep crashing; the text is one clear sentence for the operator."""


class _Told(Exception):
    """SIGTERM or SIGINT came."""


def run(settings: Settings, prepare: Prepare, announce: Announce, worker: Sequence[str] = WORKER) -> int:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers. Returns the exit code, with everything stopped again.

    `prepare` makes the database fit to serve: where it raises DatabaseAway it is tried again while serving, where it
    raises ConfigurationError the sentence is printed and the exit code is 1. `announce` gets the URL
    once it answers, and where the data lie.
    """
    code = 0
    try:
        _check(settings)
        asyncio.run(_serve(settings, prepare, announce, worker))
    except* _Told:
        pass
    except* (ConfigurationError, GaveUp) as errors:
        print(f"inkwell: {errors.exceptions[0]}", file=sys.stderr)
        code = 1
    ignore_signals()
    return code


def _check(settings: Settings) -> None:
    """Raises ConfigurationError for what no worker could serve with."""
    servers.check(settings)
    if settings.reload:
        reloading.check_installed()


def ignore_signals() -> None:
    """A program at its end does not die of the signal that it has obeyed already."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


async def _serve(settings: Settings, prepare: Prepare, announce: Announce, worker: Sequence[str]) -> None:
    told, reload = _listen_to_signals()
    # Whatever ends the group, what `afterwards` got is undone in reverse order, and no signal cuts that short.
    async with AsyncExitStack() as afterwards, asyncio.TaskGroup() as tasks:
        tasks.create_task(_stop(told))
        listener = afterwards.enter_context(listen(settings.host, settings.port))
        afterwards.enter_context(metrics_folder())
        settings, data = await _with_database(settings, tasks, afterwards)
        await _prepare(prepare, settings, tasks)
        crew = Crew(settings, listener, worker, tasks)
        afterwards.push_async_callback(crew.dismiss)
        await crew.fill()
        tasks.create_task(crew.renew_at(reload))
        if settings.reload:
            tasks.create_task(reloading.reload_at_changes(reload))
        await crew.serving.wait()
        announce(_url(listener, "https" if settings.tls_certificate else "http"), data)
        notify("READY=1")


def _listen_to_signals() -> tuple[asyncio.Event, asyncio.Event]:
    told, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    by_terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN  # ignored: under nohup
    loop.add_signal_handler(signal.SIGHUP, lambda: (told if by_terminal and not _has_terminal() else reload).set())
    return told, reload


def _has_terminal() -> bool:
    """SIGHUP asks to reload, but comes also when the terminal that we were started from is closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


async def _stop(told: asyncio.Event) -> None:
    await told.wait()
    notify("STOPPING=1")
    raise _Told


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises ConfigurationError where that cannot be."""
    try:
        family, *_, address = min(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))  # IPv4 sorts before IPv6
        both = host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(_why_not(host, port, error)) from None
    listener.setblocking(False)
    return listener


def _why_not(host: str, port: int, error: OSError | UnicodeError) -> str:
    match error:
        case OSError(errno=errno.EADDRINUSE):
            return f"PORT: {port} is taken by another program; stop that one or choose another port"
        case PermissionError():
            return f"PORT: only the administrator may listen on {port}; choose a port above 1023"
        case socket.gaierror() | UnicodeError() | OSError(errno=errno.EADDRNOTAVAIL):
            return f"HOST: {host!r} is no address of this machine; 127.0.0.1 is local, 0.0.0.0 is every address"
    return f"HOST: cannot listen on {host!r}, port {port} ({error.strerror})"


def _url(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    host = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104  # read, not bound
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def _with_database(
    settings: Settings, tasks: asyncio.TaskGroup, afterwards: AsyncExitStack
) -> tuple[Settings, str]:
    """The settings with a database, their own or the embedded one, which is started; and where the data lie."""
    if settings.database:
        return settings, settings.database.masked
    from inkwell.embedded import EmbeddedPostgres  # an optional part, which production does not carry

    postgres = EmbeddedPostgres(settings.data_dir, chosen=settings.has_chosen("data_dir"))
    afterwards.push_async_callback(postgres.stop)
    await postgres.start()
    tasks.create_task(postgres.keep())
    return settings.on(postgres.url), str(postgres.folder)


async def _prepare(prepare: Prepare, settings: Settings, tasks: asyncio.TaskGroup) -> None:
    """Prepare the database now, or in the background as soon as it can be reached."""
    try:
        await prepare(settings)
    except DatabaseAway as away:
        log.warning("database_away", reason=str(away), serving="without it, until it appears")
        tasks.create_task(_prepare_later(prepare, settings))


async def _prepare_later(prepare: Prepare, settings: Settings) -> None:
    for attempt in count():
        await asyncio.sleep(min(0.5 * 2 ** min(attempt, 10), LONGEST_ABSENCE_SECONDS))
        with suppress(DatabaseAway):
            await prepare(settings)
            log.info("database_prepared")
            return


class Worker:
    """One worker process. `link` is our end of a socket pair: the worker writes a byte when it serves, and stops by
    itself when our end is closed, as it is when we are killed."""

    def __init__(self, process: asyncio.subprocess.Process, link: socket.socket, wanted: bool) -> None:
        self.process, self.wanted = process, wanted
        self._link = link
        self.ready = asyncio.create_task(self._is_ready())

    @property
    def serves(self) -> bool:
        return self.ready.done() and self.ready.result()

    async def _is_ready(self) -> bool:
        """True once it serves; False if it ended before."""
        return await asyncio.get_running_loop().sock_recv(self._link, 1) != b""

    async def ended(self) -> int:
        """The exit code, as soon as there is one."""
        code = await self.process.wait()
        await asyncio.wait([self.ready])  # the socket is closed when nobody reads from it any more
        self._link.close()
        return code

    async def dismiss(self, patience_seconds: float, order: signal.Signals) -> None:
        """Ask it to drain, by SIGTERM or REPLACED, and kill it where it has not ended within the time."""
        self.wanted = False
        end = asyncio.create_task(self.ended())
        self._signal(order)
        if not (await asyncio.wait([end], timeout=patience_seconds))[0]:
            log.warning("worker_killed", worker=self.process.pid, unfinished_after_seconds=patience_seconds)
            self._signal(signal.SIGKILL)
        await end

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class Crew:
    """The workers: as many as are wanted, each replaced when it ends unasked."""

    def __init__(
        self, settings: Settings, listener: socket.socket, command: Sequence[str], tasks: asyncio.TaskGroup
    ) -> None:
        self.serving = asyncio.Event()
        self._settings, self._listener, self._command, self._tasks = settings, listener, command, tasks
        self._workers: set[Worker] = set()
        self._changing = asyncio.Lock()  # two who both see one worker missing would start two
        self._crashes: deque[float] = deque(maxlen=MOST_CRASHES)

    async def fill(self) -> None:
        """Start the workers that are missing."""
        async with self._changing:
            while sum(worker.wanted for worker in self._workers) < self._settings.workers:
                await self._start(wanted=True)

    async def renew_at(self, reload: asyncio.Event) -> None:
        """Replace all workers each time the event is set."""
        while True:
            await reload.wait()
            reload.clear()
            async with self._changing:
                await self._renew()
            await self.fill()

    async def dismiss(self) -> None:
        """End all workers. Our own hold on the listening socket goes first: the last worker to leave closes it."""
        self._listener.close()
        await self._let_go(self._workers, signal.SIGTERM)

    @property
    def _patience(self) -> float:
        return self._settings.drain_time.total_seconds() + self._settings.grace_seconds + PARTING_SECONDS

    async def _renew(self) -> None:
        """New workers take over when all of them are ready; where one is not, the old ones stay."""
        fresh = {await self._start(wanted=False) for _ in range(self._settings.workers)}
        await asyncio.wait([worker.ready for worker in fresh], timeout=READY_SECONDS)
        if all(worker.serves for worker in fresh) and fresh <= self._workers:
            self._hand_over(fresh)
        else:
            log.error("workers_not_renewed", reason="the new ones did not start; the old ones go on")
            self._tasks.create_task(self._let_go(fresh, REPLACED))

    def _hand_over(self, fresh: set[Worker]) -> None:
        old = {worker for worker in self._workers if worker.wanted}  # and not those of a replacement before
        for worker in fresh:
            worker.wanted = True
        log.info("workers_renewed", workers=_pids(fresh), replaced=_pids(old))
        self._tasks.create_task(self._drain(old))

    async def _drain(self, old: set[Worker]) -> None:
        begun = time.monotonic()
        await self._let_go(old, REPLACED)
        log.info("workers_drained", workers=_pids(old), after_seconds=round(time.monotonic() - begun, 1))

    async def _let_go(self, workers: set[Worker], order: signal.Signals) -> None:
        await asyncio.gather(*(worker.dismiss(self._patience, order) for worker in workers))

    async def _start(self, wanted: bool) -> Worker:
        link, theirs = socket.socketpair()
        link.setblocking(False)
        with theirs:
            process = await self._spawn(self._listener.fileno(), theirs.fileno())
        worker = Worker(process, link, wanted)
        self._workers.add(worker)
        self._tasks.create_task(self._watch(worker))
        return worker

    async def _spawn(self, *sockets: int) -> asyncio.subprocess.Process:
        url = self._settings.database_url
        environment = ONE_ARENA | os.environ | ({"DATABASE_URL": url.get_secret_value()} if url else {})
        command = (*self._command, *map(str, sockets))
        # In a process group of its own a worker does not hear the terminal's Ctrl-C, not even before it can handle it.
        return await asyncio.create_subprocess_exec(*command, pass_fds=sockets, env=environment, process_group=0)

    async def _watch(self, worker: Worker) -> None:
        if await worker.ready:
            self.serving.set()
        code = await worker.ended()
        forget_worker(worker.process.pid)
        self._workers.discard(worker)
        if worker.wanted:
            log.error("worker_died", worker=worker.process.pid, cause=_cause(code))
            await asyncio.sleep(self._pause_after_crash(code))
            await self.fill()

    def _pause_after_crash(self, code: int) -> float:
        """In seconds; longer with each crash. Raises GaveUp when there were too many."""
        now = time.monotonic()
        self._crashes.append(now)
        recent = sum(now - crash < CRASH_WINDOW_SECONDS for crash in self._crashes)
        if recent == MOST_CRASHES:
            raise GaveUp(f"{recent} workers crashed within a minute, the last with {_cause(code)}; its output says why")
        return float(min(0.1 * 2 ** (recent - 1), LONGEST_PAUSE_SECONDS))


def _pids(workers: set[Worker]) -> list[int]:
    return sorted(worker.process.pid for worker in workers)


def _cause(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
