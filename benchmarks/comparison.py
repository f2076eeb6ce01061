"""The comparison: every workload on every contender, in rounds, each round once through all of them."""

from collections import defaultdict
from collections.abc import Sequence

from benchmarks.contenders.contender import Contender, Place
from benchmarks.contenders.fastapi import FastAPI
from benchmarks.contenders.flask import Flask
from benchmarks.contenders.inkwell import Inkwell
from benchmarks.contenders.limit import Limit
from benchmarks.contenders.pocketbase import PocketBase
from benchmarks.gate import check
from benchmarks.plan import Plan
from benchmarks.results import Cell, Comparison, Figures, figures, login_figures
from benchmarks.running import Running, running, say
from benchmarks.workloads import BY_NAME, WORKLOADS, Workload
from benchmarks.wrk import Load

SWEPT = ("W1", "W3")  # against connections
SCALED = ("W3", "W3b", "W3c", "W5")  # against rows


Cells = defaultdict[tuple[str, str], list[Cell]]


def contenders() -> list[Contender]:
    """In the order of the table. PocketBase takes its rows from a database of the limit, so that one is made first."""
    return [
        Inkwell("hypercorn"),
        Inkwell("uvicorn"),
        Flask(),
        FastAPI(),
        Limit(),
        PocketBase(logs=False),
        PocketBase(logs=True),
    ]


def compare(place: Place, plan: Plan) -> Comparison:
    """Raises Different where contenders do not answer the same."""
    with running(contenders(), place) as ready:
        check(ready, plan.size)
        say("All answers agree.")
        cells: Cells = defaultdict(list)
        logins: defaultdict[str, list[tuple[Load, Load]]] = defaultdict(list)
        if plan.warms_up:
            _warm_up(ready, plan)
        for number in range(plan.rounds):
            say(f"Round {number + 1} of {plan.rounds}")
            _round(ready, plan, cells, logins)
    done = Comparison({one.contender.name: one.contender.title for one in ready})
    done.figures = {key: figures(found) for key, found in cells.items()}
    done.logins = {name: login_figures(found) for name, found in logins.items()}
    return done


def _warm_up(ready: Sequence[Running], plan: Plan) -> None:
    for workload in WORKLOADS:
        for one in ready:
            one.measure(workload, connections=plan.connections, seconds=1)


def _round(
    ready: Sequence[Running], plan: Plan, cells: Cells, logins: defaultdict[str, list[tuple[Load, Load]]]
) -> None:
    for workload in WORKLOADS:
        for one in ready:
            cell = one.measure(workload, connections=plan.connections, seconds=plan.seconds)
            cells[workload.name, one.contender.name].append(cell)
    for one in ready:
        pair = one.measure_logins(BY_NAME["W1"], connections=plan.connections, seconds=plan.login_seconds)
        logins[one.contender.name].append(pair)


def sweep(place: Place, plan: Plan) -> dict[tuple[str, str, int], Figures | None]:
    """By workload, contender's title and number of connections."""
    found: defaultdict[tuple[str, str, int], list[Cell]] = defaultdict(list)
    with running(contenders(), place) as ready:
        for _ in range(plan.rounds):
            for connections in plan.sweep:
                for name in SWEPT:
                    for one in ready:
                        cell = one.measure(BY_NAME[name], connections=connections, seconds=plan.seconds)
                        found[name, one.contender.title, connections].append(cell)
    return {key: figures(cells) for key, cells in found.items()}


def grow(place: Place, plan: Plan) -> dict[tuple[str, str, int], Figures | None]:
    """By workload, contender's title and number of users."""
    found: dict[tuple[str, str, int], Figures | None] = {}
    for size in plan.sizes:
        with running(contenders(), Place(place.folder, place.postgres, size)) as ready:
            for name in SCALED:
                for one in ready:
                    cells = [_cell(one, BY_NAME[name], plan) for _ in range(plan.rounds)]
                    found[name, one.contender.title, size.users] = figures(cells)
    return found


def _cell(one: Running, workload: Workload, plan: Plan) -> Cell:
    return one.measure(workload, connections=plan.connections, seconds=plan.seconds)
