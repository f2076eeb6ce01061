"""How Inkwell itself grows: with workers, with idle connections, and with rows."""

import resource
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.contenders.contender import Place
from benchmarks.contenders.inkwell import Inkwell
from benchmarks.cpu import family, pss_bytes
from benchmarks.machine import other_cores, server_cores
from benchmarks.many_lists import Asked, ask_all
from benchmarks.plan import Plan
from benchmarks.postgres import free_port
from benchmarks.report import NOT_VALID, table
from benchmarks.results import Figures, figures
from benchmarks.rows import Size
from benchmarks.running import Running, say, serving, started
from benchmarks.workloads import BY_NAME

WORKERS = (1, 2, 4)
MANY_ROWS = Size(1_000_000, 5_000_000)
MOST_MS = 20  # of database time, for any list or search
IDLE, IDLE_QUICK = 10_000, 200
REQUESTS = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
ALL_CORES = sorted({*server_cores(), *other_cores()})


@dataclass(frozen=True, slots=True)
class Crew:
    """So many workers, on all cores."""

    workers: int
    w1: Figures | None
    pss_mb: float
    ready_s: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Everything that was found; `asked` is about lists of `size`."""

    crews: Sequence[Crew]
    idle: int
    idle_kib: float
    size: Size
    asked: Sequence[Asked]


def measure(place: Place, plan: Plan) -> Growth:
    quick = plan.rounds == 1
    contender = Inkwell("hypercorn")
    contender.make_data(place)
    crews = [_crew(place, plan, workers) for workers in WORKERS]
    idle = IDLE_QUICK if quick else IDLE
    with started(contender, place) as running:
        idle_kib = _idle_kib(running, idle)
    size = plan.size if quick else MANY_ROWS
    return Growth(crews, idle, idle_kib, size, ask_all(Place(place.folder, place.postgres, size)))


def page(found: Growth, machine: str) -> str:
    rows = [[str(crew.workers), *_speed(crew.w1), f"{crew.pss_mb:.0f}", f"{crew.ready_s:.2f}"] for crew in found.crews]
    heads = ["workers", "W1 per second", "p99 ms", "MB PSS per worker", "s from start to ready"]
    over = [one.question.title for one in found.asked if one.ms > MOST_MS]
    verdict = f"Above {MOST_MS} ms: {'; '.join(over)}." if over else f"None is above {MOST_MS} ms."
    times = [[one.question.title, _counted(one), f"{one.ms:.2f}"] for one in found.asked]
    parts = [
        "# Inkwell as it grows",
        f"Measured by `make bench ARGS=growth` on {machine}.",
        "## With workers, on all cores",
        table(heads, rows),
        f"{found.idle:,} idle connections in one worker: {found.idle_kib:.1f} KiB each.",
        f"## Database time per request, with {found.size.users:,} users and {found.size.posts:,} posts",
        table(["", "rows of the list", "ms"], times),
        verdict,
    ]
    return "\n\n".join(parts) + "\n"


def _counted(asked: Asked) -> str:
    return "" if asked.total is None else f"{asked.total:,}"


def _speed(cell: Figures | None) -> tuple[str, str]:
    return (f"{cell.per_second:.0f}", f"{cell.p99_ms:.1f}") if cell else (NOT_VALID, NOT_VALID)


def _crew(place: Place, plan: Plan, workers: int) -> Crew:
    say(f"{workers} workers")
    contender = Inkwell("hypercorn", workers)
    port, data = free_port(), contender.open_data(place)
    try:
        with serving(contender, place, port, data, ALL_CORES) as server:
            ready_s = server.wait(contender.health)
            running = Running(contender, place, server)
            cells = [
                running.measure(BY_NAME["W1"], connections=plan.connections, seconds=plan.seconds)
                for _ in range(plan.rounds)
            ]
            return Crew(workers, figures(cells), _worker_pss(server.pid, workers) / 1e6, ready_s)
    finally:
        contender.close_data(place)


def _worker_pss(pid: int, workers: int) -> float:
    """Per worker: the parent's is not theirs."""
    crew = sorted(map(pss_bytes, family(pid)[1:]))[-workers:]
    return sum(crew) / len(crew)


def _idle_kib(running: Running, count: int) -> float:
    before = _worker_pss(running.server.pid, 1)
    with _idle(running.url, count):
        time.sleep(1)
        return (_worker_pss(running.server.pid, 1) - before) / 1024 / count


@contextmanager
def _idle(url: str, count: int) -> Iterator[None]:
    """Connections that were served once and are kept open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    address = (urlsplit(url).hostname, urlsplit(url).port)
    with ExitStack() as open_ones:
        for _ in range(count):
            client = open_ones.enter_context(socket.create_connection(address, timeout=10))
            client.sendall(REQUESTS)
            if not client.recv(4096).startswith(b"HTTP/1.1 200"):
                raise RuntimeError("an idle connection was refused")
        yield
