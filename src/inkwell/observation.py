"""Which figures there are of the parts of a worker. What is new is counted here."""

import asyncio
from collections.abc import Iterable

import structlog

from inkwell.background import Chore
from inkwell.gate import Gate
from inkwell.metrics import Metrics, Reading, Total
from inkwell.readiness import Readiness
from repositories.database import Database
from service.passwords import Passwords

SAMPLE_PAUSE_S = 1.0  # Prometheus asks every few seconds, and one worker for all
NAP_S = 0.05

log = structlog.get_logger()


class Observation:
    """Looks at the parts, and makes the page of all figures."""

    def __init__(self, metrics: Metrics, readiness: Readiness, gate: Gate, database: Database, passwords: Passwords):
        self._metrics, self._readiness, self._gate = metrics, readiness, gate
        self._lag_s, self._refused = 0.0, 0
        metrics.watch([*_of_requests(gate), *_of_the_database(database), *_of_passwords(passwords)])
        lag = "By how much the event loop was late, the slowest worker's."
        metrics.watch([Reading("inkwell_event_loop_lag_seconds", lag, lambda: self._lag_s, "livemax")])
        metrics.watch([Reading("inkwell_event_loop_tasks", "Tasks of asyncio.", lambda: len(asyncio.all_tasks()))])

    @property
    def chore(self) -> Chore:
        """Keeps this worker's figures fresh for whichever worker is asked."""
        return Chore("sample_metrics", self._sample, SAMPLE_PAUSE_S)

    async def page(self, accept: str) -> tuple[bytes, str]:
        """All figures as text, and its content type."""
        self._metrics.database_up.set(await self._readiness.database_trouble() is None)
        self._metrics.sample()
        return await asyncio.to_thread(self._metrics.page, accept)

    async def _sample(self) -> int:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(NAP_S)
        self._lag_s = max(0.0, asyncio.get_running_loop().time() - began - NAP_S)
        self._metrics.sample()
        self._tell_of_refusals()
        return 0

    def _tell_of_refusals(self) -> None:
        """Of all of a second in one line: there may be thousands."""
        more, self._refused = self._gate.refused - self._refused, self._gate.refused
        if more:
            log.warning("overloaded", refused=more, waiting=self._gate.waiting)


def _of_requests(gate: Gate) -> Iterable[Reading | Total]:
    yield Reading("inkwell_http_requests_in_flight", "Requests that are worked on.", lambda: gate.running)
    yield Reading("inkwell_http_requests_waiting", "Requests that wait to be worked on.", lambda: gate.waiting)
    yield Total("inkwell_http_requests_refused", "Requests refused because too many were here.", lambda: gate.refused)


def _of_the_database(database: Database) -> Iterable[Reading]:
    name = "inkwell_database_connections"
    yield Reading(f"{name}_in_use", "Connections with work on them.", lambda: database.pool.in_use)
    yield Reading(f"{name}_open", "Connections, idle ones included.", lambda: database.pool.open)
    yield Reading(f"{name}_overflow", "Connections open beyond the pools' size.", lambda: database.pool.overflow)
    yield Reading(f"{name}_limit", "Connections that there may be.", lambda: database.pool.limit)


def _of_passwords(passwords: Passwords) -> Iterable[Reading]:
    yield Reading("inkwell_hasher_busy", "Workers that hash a password now.", lambda: min(1, passwords.pending))
    yield Reading("inkwell_hasher_waiting", "Passwords that wait for it.", lambda: max(0, passwords.pending - 1))
