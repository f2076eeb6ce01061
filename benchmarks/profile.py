"""Where a request's time goes: the application in this process, sampled by the CPU time that it uses.

`make profile` (ARGS=W3 for another workload) serves it with hypercorn on an embedded PostgreSQL, lets wrk ask, and sums
the samples by room or library. A sample belongs to the innermost Python frame; work in C belongs to who called it.
"""

import argparse
import asyncio
import os
import signal
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, redirect_stdout, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import asyncpg
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart

from benchmarks.contenders.contender import SECRET, filling
from benchmarks.contenders.inkwell import HASHER, Inkwell
from benchmarks.machine import other_cores
from benchmarks.postgres import free_port
from benchmarks.report import table
from benchmarks.rows import PASSWORD, Size
from benchmarks.running import Callers
from benchmarks.server import LOOK_S
from benchmarks.workloads import BY_NAME, Workload
from benchmarks.wrk import Load, load
from inkwell.app import create_app
from inkwell.database_url import parse_database_url
from inkwell.embedded import EmbeddedPostgres
from inkwell.logs import configure_logging
from inkwell.migrations import migrate
from inkwell.settings import load_settings

SOURCES = Path(__file__).resolve().parents[1] / "src"
LIBRARIES = Path(sysconfig.get_path("purelib"))
STANDARD = Path(sysconfig.get_path("stdlib"))
SIZE = Size(2_000, 8_000)
CONNECTIONS, SAMPLE_S, SMALLEST = 16, 0.001, 0.01  # rooms below a hundredth are summed up as "other"


class Sampler:
    """Counts where the process is, each time it has used so much CPU time; started and stopped on the main thread."""

    def __init__(self) -> None:
        self.rooms: Counter[str] = Counter()

    def __enter__(self) -> "Sampler":
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        self.rooms[room(frame.f_code.co_filename) if frame else "other"] += 1


def room(filename: str) -> str:
    """Our room, the library or, of Python's own, asyncio apart from the rest."""
    path = Path(filename)
    for place in (SOURCES, LIBRARIES):
        if path.is_relative_to(place):
            return path.relative_to(place).parts[0].removesuffix(".py")
    if path.is_relative_to(STANDARD):
        return "asyncio" if path.relative_to(STANDARD).parts[0] == "asyncio" else "standard library"
    return "other"


def lines(rooms: Counter[str], us_per_request: float) -> list[list[str]]:
    """Room, share and microseconds, the largest first."""
    total = rooms.total()
    shown = {name: count for name, count in rooms.most_common() if count >= SMALLEST * total and name != "other"}
    shown["other"] = total - sum(shown.values())
    shares = {name: count / total for name, count in shown.items()}
    return [[name, f"{share:.1%}", f"{share * us_per_request:.0f}"] for name, share in shares.items()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make profile", description=__doc__)
    parser.add_argument("workload", nargs="?", default="W1", choices=list(BY_NAME))
    parser.add_argument("--seconds", type=int, default=10)
    asked = parser.parse_args()
    asyncio.run(_profile(BY_NAME[asked.workload], asked.seconds))


async def _profile(workload: Workload, seconds: int) -> None:
    async with _database() as url, _served(url) as address:
        callers = await asyncio.to_thread(Callers, Inkwell("hypercorn"), SIZE, address)
        await asyncio.to_thread(_ask, address, callers, workload, 1)
        with Sampler() as sampler:
            began = time.process_time()
            result = await asyncio.to_thread(_ask, address, callers, workload, seconds)
            used_us = (time.process_time() - began) * 1e6 / max(result.requests, 1)
    print(
        f"\n{workload.name} {workload.title}: {result.requests} requests, {used_us:.0f} microseconds of CPU time each\n"
    )
    print(table(["room", "share", "us per request"], lines(sampler.rooms, used_us)))


def _ask(address: str, callers: Callers, workload: Workload, seconds: int) -> Load:
    asked = callers.asked(workload)
    with load(address, asked, connections=CONNECTIONS, seconds=seconds, cores=other_cores()) as running:
        return running.result()


@asynccontextmanager
async def _database() -> AsyncIterator[str]:
    """The URL of a database with the rows of the benchmark, on a server that forgets everything afterwards."""
    with _open_folder() as folder:
        postgres = EmbeddedPostgres(folder, durable=False)
        await postgres.start()
        try:
            await _fill(postgres.url)
            yield postgres.url
        finally:
            await postgres.stop()


async def _fill(url: str) -> None:
    await migrate(parse_database_url(url))
    connection = await asyncpg.connect(url)
    await connection.execute(filling(SIZE, HASHER.hash(PASSWORD), more="published_at"))
    await connection.execute("ANALYZE")
    await connection.close()


@contextmanager
def _open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="inkwell-profile-") as folder:
        Path(folder).chmod(0o755)  # root lends the server another account
        yield Path(folder)


@contextmanager
def _logs_unread() -> Iterator[None]:
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        configure_logging("json")
        yield


@asynccontextmanager
async def _served(database_url: str) -> AsyncIterator[str]:
    """The address of the application in this process, its log lines made as ever, and read by nobody."""
    settings = load_settings(env="testing", database_url=database_url, jwt_secret_key=SECRET)
    with _logs_unread():
        port, stop = free_port(), asyncio.Event()
        task = asyncio.create_task(_serve(create_app(settings), port, stop.wait))
        await _accepting(port)
        yield f"http://127.0.0.1:{port}"
        stop.set()
        await task


async def _accepting(port: int) -> None:
    while True:
        with suppress(ConnectionRefusedError):
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
            return
        await asyncio.sleep(LOOK_S)


async def _serve(app: Quart, port: int, stopped: Callable[..., Any]) -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    await serve(app, config, shutdown_trigger=stopped)


if __name__ == "__main__":
    main()
