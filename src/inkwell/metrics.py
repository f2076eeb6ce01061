"""What the server counts of itself, for Prometheus: of all workers together, whichever of them is asked.

Each worker writes its figures into files of a folder that the parent makes (prometheus_client's multiprocess mode,
chosen by PROMETHEUS_MULTIPROC_DIR); the one that is asked adds them up. Without the folder it counts for itself.
"""

import os
import platform
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from inkwell.background import Outcome
from inkwell.metrics_folder import VARIABLE
from inkwell.shared_values import SharedValue

OPEN_METRICS = "application/openmetrics-text"
METHODS = {"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"}
BUCKETS_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # to the longest that a request may take

# How the workers' values become one: their sum, the highest, the last one set, or one for each (labelled `pid`).
Together = Literal["livesum", "livemax", "liveall", "livemostrecent"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that is looked up when it is wanted, at least once in a second."""

    name: str
    help: str
    read: Callable[[], float]
    together: Together = "livesum"


@dataclass(frozen=True, slots=True)
class Total:
    """A figure that only grows, and is looked up as a Reading is."""

    name: str
    help: str
    read: Callable[[], float]


class Durations(Histogram):
    """A histogram whose child is quick to tell where an observation goes."""

    def observe(self, amount: float, exemplar: object = None) -> None:
        """Counts it in a child; there are no exemplars."""
        self._sum.inc(amount)
        self._buckets[bisect_left(self._upper_bounds, amount)].inc(1)


class Metrics:
    """The figures of one worker, and the answer for all of them."""

    def __init__(self) -> None:
        if VARIABLE in os.environ:
            values.ValueClass = SharedValue
        self.registry = CollectorRegistry()
        self._samplers: list[Callable[[], None]] = []
        self._children: dict[tuple[str, str, int], Histogram] = {}
        self._requests = Durations(
            "inkwell_http_request_duration_seconds",
            "Time from a request's head to its answer, by route template; all unknown paths are one route.",
            ["route", "method", "status"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._throttled = self._counter("inkwell_throttled_requests", "Requests answered with 429.", ["route"])
        self._batches = self._counter("inkwell_chore_batches", "Batches of background work.", ["chore", "outcome"])
        self._rows = self._counter("inkwell_chore_rows", "Rows dealt with by background work.", ["chore"])
        self.database_up = self._gauge(
            "inkwell_database_up", "1 if the database answers and its schema will do, otherwise 0.", "livemostrecent"
        )
        build = self._gauge("inkwell_build_info", "1; the labels say what runs.", "livemax", ["version", "python"])
        build.labels(version("inkwell"), platform.python_version()).set(1)
        self._watch_process()

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts an answer; the labels are few, whatever clients send."""
        key = (route, method if method in METHODS else "other", status)
        child = self._children.get(key)  # labels() takes longer than all the rest
        if child is None:
            child = self._children[key] = self._requests.labels(*key)
        child.observe(seconds)
        if status == 429:
            self._throttled.labels(route).inc()

    def count_batch(self, chore: str, outcome: Outcome, rows: int) -> None:
        """Counts a batch of a chore."""
        self._batches.labels(chore, outcome).inc()
        self._rows.labels(chore).inc(rows)

    def watch(self, figures: Iterable[Reading | Total]) -> None:
        """From now on these are looked up with each sample."""
        for figure in figures:
            self._samplers.append(self._total(figure) if isinstance(figure, Total) else self._reading(figure))

    def sample(self) -> None:
        """Looks up all figures that are watched."""
        for look in self._samplers:
            look()

    def page(self, accept: str) -> tuple[bytes, str]:
        """All figures, and their content type: OpenMetrics where it is accepted, else Prometheus' own text.

        With several workers it takes milliseconds, so it is for a thread.
        """
        registry = self.registry
        if folder := os.environ.get(VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        encode, content_type = choose_encoder(f"{OPEN_METRICS}; version=1.0.0" if OPEN_METRICS in accept else "")
        return encode(registry), content_type

    def _watch_process(self) -> None:
        """prometheus_client's own figures of a process, of which its multiprocess mode knows nothing."""
        collector, latest = ProcessCollector(registry=None), dict[str, float]()

        def look() -> None:
            latest.update({family.name: family.samples[0].value for family in collector.collect()})

        self._samplers.append(look)
        for family in collector.collect():
            read = partial(latest.__getitem__, family.name)
            known = (family.name, family.documentation, read)
            self.watch([Total(*known) if family.type == "counter" else Reading(*known, together="liveall")])

    def _reading(self, reading: Reading) -> Callable[[], None]:
        gauge = self._gauge(reading.name, reading.help, reading.together)
        return lambda: gauge.set(reading.read())

    def _total(self, total: Total) -> Callable[[], None]:
        counter, seen = self._counter(total.name, total.help), 0.0

        def look() -> None:
            nonlocal seen
            now = total.read()
            counter.inc(now - seen)
            seen = now

        return look

    def _counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(name, help, labels, registry=self.registry)

    def _gauge(self, name: str, help: str, together: Together, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, help, labels, registry=self.registry, multiprocess_mode=together)
