"""`python -m benchmarks`: compares Inkwell with others, draws that, or measures how Inkwell itself grows."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks import growth, report
from benchmarks.comparison import SCALED, SWEPT, compare, grow, sweep
from benchmarks.contenders.contender import Place
from benchmarks.machine import kind
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.postgres import Postgres
from benchmarks.running import say

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("BENCH_DATA", HERE / "data"))
RESULTS = HERE.parent / "docs" / "performance"


def main() -> None:
    asked = _arguments()
    plan = QUICK if asked.quick else FULL
    results = DATA / "quick" if asked.quick else RESULTS
    for folder in (DATA, results):
        folder.mkdir(parents=True, exist_ok=True)
    postgres = Postgres(DATA)
    postgres.start()
    try:
        for what in asked.what or WORK:
            WORK[what](Place(DATA, postgres, plan.size), plan, results)
    finally:
        postgres.stop()
    say(f"Written into {results}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[[], *WORK], help="default: all")
    parser.add_argument(
        "--quick", action="store_true", help="few rows and seconds, to see that it runs; into data/quick"
    )
    return parser.parse_args()


def _compare(place: Place, plan: Plan, results: Path) -> None:
    text = report.page(compare(place, plan), kind(place.postgres.version), _setting(plan))
    (results / "comparison.md").write_text(text)


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
    "compare": _compare,
    "sweep": _sweep,
    "rows": _rows,
    "growth": _growth,
}

if __name__ == "__main__":
    main()
