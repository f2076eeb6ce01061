"""`python -m benchmarks`: compares Inkwell with others, draws that, or measures how Inkwell itself grows."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks import growth, report
from benchmarks.comparison import SCALED, SWEPT, compare, contenders, grow, sweep
from benchmarks.contenders.contender import Place
from benchmarks.machine import kind
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.postgres import Postgres
from benchmarks.running import make_rows, say

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("BENCH_DATA", HERE / "data"))
RESULTS = HERE.parent / "docs" / "performance"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended"))  # by way of every `finally`, which stop the servers
    asked = _arguments()
    plan = _plan(asked)
    results = RESULTS if plan == FULL else DATA / "quick"
    for folder in (DATA, results):
        folder.mkdir(parents=True, exist_ok=True)
    postgres = Postgres(DATA)
    postgres.start()
    try:
        for what in asked.what or ["compare"]:
            WORK[what](Place(DATA, postgres, plan.size), plan, results)
    finally:
        postgres.stop()
    say(f"Written into {results}")


def _plan(asked: argparse.Namespace) -> Plan:
    plan = QUICK if asked.quick else FULL
    return replace(plan, rounds=asked.rounds or plan.rounds, seconds=asked.seconds or plan.seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[[], *WORK], help="default: compare")
    parser.add_argument("--rounds", type=int, help=f"default: {FULL.rounds}")
    parser.add_argument("--seconds", type=int, help=f"of each cell of a comparison; default: {FULL.seconds}")
    parser.add_argument(
        "--quick", action="store_true", help="few rows and seconds, to see that it runs; into data/quick"
    )
    return parser.parse_args()


def _compare(place: Place, plan: Plan, results: Path) -> None:
    text = report.page(compare(contenders(), place, plan), kind(place.postgres.version), _setting(plan))
    (results / "comparison.md").write_text(text)


def _load(place: Place, plan: Plan, results: Path) -> None:
    """Makes the rows, which takes longer than to measure; they stay in the folder of the data."""
    make_rows(contenders(), place)


def _sweep(place: Place, plan: Plan, results: Path) -> None:
    from benchmarks import plots

    measured = sweep(place, plan)
    for workload in SWEPT:
        plots.throughput(measured, workload, results / f"throughput-{workload}.svg")
        plots.latency(measured, workload, results / f"latency-{workload}.svg")


def _rows(place: Place, plan: Plan, results: Path) -> None:
    from benchmarks import plots

    measured = grow(place, plan)
    for workload in SCALED:
        plots.cost(measured, workload, results / f"cost-{workload}.svg")


def _growth(place: Place, plan: Plan, results: Path) -> None:
    text = growth.page(growth.measure(place, plan), kind(place.postgres.version))
    (results / "growth.md").write_text(text)


def _setting(plan: Plan) -> str:
    size = f"{plan.size.users:,} users, {plan.size.posts:,} posts"
    rounds = f"{plan.rounds} rounds of {plan.seconds} s" if plan.rounds > 1 else f"one round of {plan.seconds} s"
    return f"{size}, {plan.connections} connections kept open, {rounds}, fsync on, each server on one core of its own"


WORK: dict[str, Callable[[Place, Plan, Path], None]] = {
    "load": _load,
    "compare": _compare,
    "sweep": _sweep,
    "rows": _rows,
    "growth": _growth,
}

if __name__ == "__main__":
    main()
