"""Figures that several workers keep together, each in files of its own."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest, values

from inkwell.metrics import BUCKETS_S, Durations, Metrics
from inkwell.metrics_folder import VARIABLE, forget_worker

MakeWorker = Callable[[int], Metrics]


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeWorker:
    """The figures of the worker with a number."""
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)  # so that it is as it was, afterwards
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    def make(pid: int) -> Metrics:
        monkeypatch.setattr("os.getpid", lambda: pid)
        return Metrics()

    return make


def figure(metrics: Metrics, name: str) -> list[float]:
    """Its values, whatever the labels."""
    return [float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", metrics.page("")[0].decode(), re.M)]


def test_whichever_worker_is_asked_knows_at_once_what_all_have_counted(worker: MakeWorker) -> None:
    workers = [worker(1), worker(2), worker(3)]
    for number, each in enumerate(workers, 1):
        each.count_request("/api/posts", "GET", 200, number)
        each.count_batch("purge", "done", 10 * number)
    for each in workers:
        assert figure(each, "inkwell_http_request_duration_seconds_count") == [3]
        assert figure(each, "inkwell_http_request_duration_seconds_sum") == [6]
        assert figure(each, "inkwell_chore_rows_total") == [60]


def test_a_file_grows_under_those_who_count_in_it(worker: MakeWorker) -> None:
    metrics = worker(1)
    for _ in range(2):
        for number in range(100):  # with some KiB for each
            metrics.count_request(f"/{number}", "GET", 200, 0.001)
    assert figure(metrics, "inkwell_http_request_duration_seconds_count") == [2] * 100


def test_a_worker_that_ended_leaves_its_counts_and_no_figures_of_the_moment(worker: MakeWorker) -> None:
    first, second = worker(1), worker(2)
    for each in (first, second):
        each.count_batch("purge", "done", 1)
        each.sample()
    assert len(figure(second, "process_open_fds")) == 2
    forget_worker(1)
    assert figure(second, "inkwell_chore_rows_total") == [2]
    assert len(figure(second, "process_open_fds")) == 1


def test_of_what_is_the_same_for_all_the_last_one_set_counts(worker: MakeWorker) -> None:
    workers = [worker(1), worker(2)]
    for up, each in zip((1, 0), workers, strict=True):
        each.database_up.set(up)
    assert figure(workers[0], "inkwell_database_up") == [0]


def test_durations_are_counted_as_prometheus_own_histogram_has_it() -> None:
    def page(kind: type[Histogram]) -> list[bytes]:
        registry = CollectorRegistry()
        histogram = kind("seconds", "Of this.", ["of"], buckets=BUCKETS_S, registry=registry).labels("this")
        for bound in (0.0, *BUCKETS_S):
            for seconds in (bound, bound + 0.0001):
                histogram.observe(seconds)
        return [line for line in generate_latest(registry).splitlines() if b"_created" not in line]

    assert page(Durations) == page(Histogram)
