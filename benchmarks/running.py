"""Contenders while they run: their servers, the people who ask, and what a load on them costs."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

from benchmarks.contenders.contender import Contender, Place
from benchmarks.cpu import cpu_seconds
from benchmarks.machine import other_cores, server_cores
from benchmarks.postgres import free_port
from benchmarks.results import Cell
from benchmarks.rows import Size, user_id
from benchmarks.server import Server, send
from benchmarks.workloads import Asked, Asking, Workload
from benchmarks.wrk import Load, UnderWay, load

SETTLE_LOOK_S, SETTLE_LOOKS = 0.25, 60
RENEWED_AFTER_S = 300  # of the 900 for which the shortest-lived token is good
LOGIN_CONNECTIONS = 16  # keep the hasher busy, and below the 32 that may wait for Inkwell's


class Callers:
    """The people who ask one contender, signed in."""

    def __init__(self, contender: Contender, size: Size, url: str) -> None:
        self._contender, self._size, self._url = contender, size, url
        self._sign_in()

    def _sign_in(self) -> None:
        self._tokens = [self._token(email) for email in self._size.first_emails]
        self._signed_in_at = time.monotonic()

    def asked(self, workload: Workload) -> list[Asked]:
        """What all of them send for a workload; they sign in again in time, so not while CPU is counted."""
        if time.monotonic() - self._signed_in_at > RENEWED_AFTER_S:
            self._sign_in()
        askings = [Asking(self._contender, self._size, user_id(self._size, n + 1)) for n in range(len(self._tokens))]
        pairs = zip(self._tokens, askings, strict=True)
        return [(token, request) for token, asking in pairs for request in workload.requests(asking)]

    def logins(self) -> list[Asked]:
        return [("", self._contender.login(email)) for email in self._size.first_emails]

    def _token(self, email: str) -> str:
        status, body = send(self._url, self._contender.login(email))
        if status != 200:
            raise RuntimeError(f"{self._contender.title} answered a login with {status}: {body.decode()}")
        return self._contender.authorization(json.loads(body))


class Running:
    """One contender that serves its own copy of the rows."""

    def __init__(self, contender: Contender, place: Place, server: Server) -> None:
        self.contender, self.server, self.url = contender, server, server.url
        self._postgres = place.postgres
        self._callers = Callers(contender, place.size, server.url)

    def asked(self, workload: Workload) -> list[Asked]:
        return self._callers.asked(workload)

    def measure(self, workload: Workload, *, connections: int, seconds: int) -> Cell:
        asked = self.asked(workload)
        server_s, database_s = self._cpu_seconds()
        with self._load(asked, connections, seconds) as asking:
            result = asking.result()
        server_end_s, database_end_s = self._cpu_seconds()
        self._settle()
        return Cell(result, server_end_s - server_s, database_end_s - database_s)

    def measure_logins(self, w1: Workload, *, connections: int, seconds: int) -> tuple[Load, Load]:
        """The logins, and W1 beside them."""
        asked = self.asked(w1)
        with self._load(self._callers.logins(), LOGIN_CONNECTIONS, seconds) as entering:
            with self._load(asked, connections, seconds) as reading:
                read = reading.result()
            entered = entering.result()
        self._settle()
        return entered, read

    def _settle(self) -> None:
        """Until it is done with what nobody waits for any more: a slow one would be at work in the next one's time."""
        for _ in range(SETTLE_LOOKS):
            before_s = sum(self._cpu_seconds())
            time.sleep(SETTLE_LOOK_S)
            if sum(self._cpu_seconds()) - before_s < SETTLE_LOOK_S / 10:
                return

    def _cpu_seconds(self) -> tuple[float, float]:
        return cpu_seconds(self.server.pid), cpu_seconds(self._postgres.pid)

    def _load(self, asked: Sequence[Asked], connections: int, seconds: int) -> AbstractContextManager[UnderWay]:
        return load(self.url, asked, connections=connections, seconds=seconds, cores=other_cores())


@contextmanager
def running(contenders: Sequence[Contender], place: Place) -> Iterator[list[Running]]:
    """All of them that can, at once: only one is asked at a time, and a server that nobody asks costs nothing."""
    with ExitStack() as afterwards:
        able = make_rows(contenders, place)
        yield [afterwards.enter_context(started(contender, place)) for contender in able]


def make_rows(contenders: Sequence[Contender], place: Place) -> list[Contender]:
    """Those that can take part, whose rows there are now."""
    able = [contender for contender in contenders if not _absent(contender)]
    for contender in able:
        say(f"{contender.title}: rows")
        contender.make_data(place)
    return able


@contextmanager
def started(contender: Contender, place: Place) -> Iterator[Running]:
    port, data = free_port(), contender.open_data(place)
    try:
        with serving(contender, place, port, data, server_cores()) as server:
            server.wait(contender.health)
            yield Running(contender, place, server)
    finally:
        contender.close_data(place)


@contextmanager
def serving(contender: Contender, place: Place, port: int, data: str, cores: Sequence[int]) -> Iterator[Server]:
    log = place.folder / f"{contender.name}.log"
    environment = contender.environment(port, data)
    server = Server(contender.command(port, data), environment, port=port, log=log, cores=cores)
    try:
        yield server
    finally:
        server.stop()


def _absent(contender: Contender) -> bool:
    if reason := contender.why_not():
        say(f"{contender.title} is left out: {reason}.")
    return bool(reason)


say = partial(print, file=sys.stderr, flush=True)
