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
from benchmarks.plan import Plan
from benchmarks.postgres import Postgres, free_port
from benchmarks.report import NOT_VALID, table
from benchmarks.results import Figures, figures
from benchmarks.rows import Size
from benchmarks.running import Running, say, serving, started
from benchmarks.server import send
from benchmarks.workloads import BY_NAME, WORKLOADS, Asked, Workload

WORKERS = (1, 2, 4)
LISTS = [workload for workload in WORKLOADS if workload.total or workload.name == "W5"]
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
    """Everything that was found; `list_ms` is database time by workload, on `size`."""

    crews: Sequence[Crew]
    idle: int
    idle_kib: float
    size: Size
    list_ms: dict[str, float]


def measure(place: Place, plan: Plan) -> Growth:
    quick = plan.rounds == 1
    contender = Inkwell("hypercorn")
    contender.make_data(place)
    crews = [_crew(place, plan, workers) for workers in WORKERS]
    idle = IDLE_QUICK if quick else IDLE
    with started(contender, place) as running:
        idle_kib = _idle_kib(running, idle)
    large = Place(place.folder, place.postgres, plan.size if quick else MANY_ROWS)
    contender.make_data(large)
    return Growth(crews, idle, idle_kib, large.size, _database_ms(contender, large))


def page(found: Growth, machine: str) -> str:
    rows = [[str(crew.workers), *_speed(crew.w1), f"{crew.pss_mb:.0f}", f"{crew.ready_s:.2f}"] for crew in found.crews]
    heads = ["workers", "W1 per second", "p99 ms", "MB PSS per worker", "s from start to ready"]
    over = {name: ms for name, ms in found.list_ms.items() if ms > MOST_MS}
    verdict = f"Above {MOST_MS} ms: {', '.join(over)}." if over else f"None is above {MOST_MS} ms."
    times = [[f"{name} {BY_NAME[name].title}", f"{ms:.2f}"] for name, ms in found.list_ms.items()]
    parts = [
        "# Inkwell as it grows",
        f"Measured by `make bench ARGS=growth` on {machine}.",
        "## With workers, on all cores",
        table(heads, rows),
        f"{found.idle:,} idle connections in one worker: {found.idle_kib:.1f} KiB each.",
        f"## Database time per request, with {found.size.users:,} users and {found.size.posts:,} posts",
        table(["", "ms"], times),
        verdict,
    ]
    return "\n\n".join(parts) + "\n"


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


def _database_ms(contender: Inkwell, place: Place) -> dict[str, float]:
    with place.postgres.counting(), started(contender, place) as running:
        return {workload.name: _statements_ms(running, place.postgres, workload) for workload in LISTS}


def _statements_ms(running: Running, postgres: Postgres, workload: Workload) -> float:
    """Of all statements of a request, with the pages in memory: the mean of some requests, one after the other."""
    asked = running.asked(workload)[:10]
    _ask(running, asked)
    postgres.forget_counts()
    _ask(running, asked)
    return postgres.counted_ms(f"run_{running.contender.name}") / len(asked)


def _ask(running: Running, asked: Sequence[Asked]) -> None:
    for token, request in asked:
        status, body = send(running.url, request, token)
        if status != 200:
            say(f"{request.path}: {status} {body.decode()}")
