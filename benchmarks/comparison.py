"""The comparison: every workload on every contender, in rounds, each round once through all of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from benchmarks.contenders.contender import Contender, Place
from benchmarks.gate import check
from benchmarks.plan import Plan
from benchmarks.results import Cell, Comparison, Figures, figures, login_figures
from benchmarks.running import Running, running, say
from benchmarks.workloads import BY_NAME, Workload
from benchmarks.wrk import Load

SWEPT = ("W1", "W3")  # against connections
SCALED = ("W3", "W3b", "W3c", "W5")  # against rows

Measured = dict[tuple[str, str, int], Figures | None]  # by workload, contender's title, and what it is drawn against


def contenders() -> list[Contender]:
    """In the order of the table. PocketBase takes its rows from a database of the limit, so that one is made first."""
    # Here, since they need packages that nobody else does: Inkwell alone is measured without them.
    from benchmarks.contenders.fastapi import FastAPI
    from benchmarks.contenders.flask import Flask
    from benchmarks.contenders.inkwell import Inkwell
    from benchmarks.contenders.limit import Limit
    from benchmarks.contenders.pocketbase import PocketBase

    return [
        Inkwell("hypercorn"),
        Inkwell("uvicorn"),
        Flask(),
        FastAPI(),
        Limit(),
        PocketBase(logs=False),
        PocketBase(logs=True),
    ]


def compare(taking_part: Sequence[Contender], place: Place, plan: Plan) -> Comparison:
    """Raises Different where contenders do not answer the same."""
    cells: defaultdict[tuple[str, str], list[Cell]] = defaultdict(list)
    logins: defaultdict[str, list[tuple[Load, Load]]] = defaultdict(list)
    with running(taking_part, place) as ready:
        check(ready, plan.size)
        say("All answers agree.")
        _warm_up(ready, plan)
        for number in range(1, plan.rounds + 1):
            say(f"Round {number} of {plan.rounds}")
            for workload, one in product(plan.workloads, ready):
                cells[workload.name, one.contender.name].append(_cell(one, workload, plan))
            for one in ready:
                logins[one.contender.name].append(_logins(one, plan))
    return Comparison(
        titles={one.contender.name: one.contender.title for one in ready},
        figures={key: figures(found) for key, found in cells.items()},
        logins={name: login_figures(found) for name, found in logins.items()},
    )


def sweep(place: Place, plan: Plan) -> Measured:
    """Against connections."""
    found: defaultdict[tuple[str, str, int], list[Cell]] = defaultdict(list)
    with running(contenders(), place) as ready:
        for _, connections, name, one in product(range(plan.rounds), plan.sweep, SWEPT, ready):
            cell = one.measure(BY_NAME[name], connections=connections, seconds=plan.sweep_seconds)
            found[name, one.contender.title, connections].append(cell)
    return {key: figures(cells) for key, cells in found.items()}


def grow(place: Place, plan: Plan) -> Measured:
    """Against rows: users, and four times as many posts."""
    found: Measured = {}
    for size in plan.sizes:
        with running(contenders(), replace(place, size=size)) as ready:
            for name, one in product(SCALED, ready):
                cells = [_cell(one, BY_NAME[name], plan) for _ in range(plan.rounds)]
                found[name, one.contender.title, size.users + size.posts] = figures(cells)
    return found


def _warm_up(ready: Sequence[Running], plan: Plan) -> None:
    for workload, one in product(plan.workloads if plan.warms_up else (), ready):
        one.measure(workload, connections=plan.connections, seconds=1)


def _cell(one: Running, workload: Workload, plan: Plan) -> Cell:
    return one.measure(workload, connections=plan.connections, seconds=plan.seconds)


def _logins(one: Running, plan: Plan) -> tuple[Load, Load]:
    return one.measure_logins(BY_NAME["W1"], connections=plan.connections, seconds=plan.login_seconds)
