"""The results as a page in Markdown: the figures, the machine, and how far each goal is reached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.results import Comparison, Figures
from benchmarks.workloads import WORKLOADS

NOT_VALID = "-"  # a round had answers that were no success


@dataclass(frozen=True, slots=True)
class Goal:
    """How many times cheaper than others Inkwell has to be, on each server; and how many limits it may cost."""

    workload: str
    fastapi: tuple[float, float]
    flask: tuple[float, float]
    pocketbase: float
    limit: float


GOALS = (
    Goal("W1", fastapi=(4, 9), flask=(4, 9), pocketbase=1.8, limit=1.6),
    Goal("W2", fastapi=(3.5, 7), flask=(3.5, 7), pocketbase=1.4, limit=2.2),
    Goal("W3", fastapi=(6, 10), flask=(6, 10), pocketbase=9, limit=1.5),
    Goal("W3b", fastapi=(5, 5), flask=(4, 4), pocketbase=4, limit=1.1),
    Goal("W3c", fastapi=(20, 20), flask=(20, 20), pocketbase=5, limit=1.2),
    Goal("W3d", fastapi=(20, 20), flask=(20, 20), pocketbase=5, limit=1.2),
    Goal("W4", fastapi=(3, 4.5), flask=(4, 6), pocketbase=1.7, limit=1.5),
    Goal("W5", fastapi=(3.5, 6), flask=(3.5, 6), pocketbase=1.8, limit=1.5),
)
HYPERCORN, UVICORN = "inkwell_hypercorn", "inkwell_uvicorn"
LOGIN_GOALS = (
    ("fastapi", 10),
    ("flask", 3),
    ("pocketbase", 3),
)  # so many times shorter is W1's p99 while people log in
LOGIN_P99_MS = 12


def page(found: Comparison, machine: str, setting: str) -> str:
    """All of it."""
    parts = [
        "# Inkwell beside others",
        f"Measured by `make bench` on {machine}; {setting}. The figures are the medians of the rounds, each going "
        f"through all contenders in turn. `{NOT_VALID}` stands where an answer was not a success.",
        "## CPU time per request, in microseconds: server + database",
        _table(found, _cost),
        "## Requests per second",
        _table(found, lambda cell: f"{cell.per_second:.0f}"),
        "## Latency in milliseconds: p50 / p99",
        _table(found, lambda cell: f"{cell.p50_ms:.1f} / {cell.p99_ms:.1f}"),
        "## Logins",
        _logins(found),
        "## Goals",
        _goals(found),
    ]
    return "\n\n".join(parts) + "\n"


def _cost(cell: Figures) -> str:
    return f"{cell.total_us:.0f} ({cell.server_us:.0f} + {cell.database_us:.0f})"


def _table(found: Comparison, shown: Callable[[Figures], str]) -> str:
    rows = [
        [
            f"{workload.name} {workload.title}",
            *(_shown(found.figures.get((workload.name, name)), shown) for name in found.titles),
        ]
        for workload in WORKLOADS
    ]
    return table(["", *found.titles.values()], rows)


def _shown(cell: Figures | None, shown: Callable[[Figures], str]) -> str:
    return shown(cell) if cell else NOT_VALID


def _logins(found: Comparison) -> str:
    cells = [found.logins.get(name) for name in found.titles]
    rows = [
        ["W6 logins per second", *(f"{cell.logins_per_second:.1f}" if cell else NOT_VALID for cell in cells)],
        ["p99 of W1 meanwhile, ms", *(f"{cell.w1_p99_ms:.1f}" if cell else NOT_VALID for cell in cells)],
    ]
    return table(["", *found.titles.values()], rows)


def _goals(found: Comparison) -> str:
    rows = [[goal.workload, *_reached(found, goal)] for goal in GOALS]
    heads = ["against FastAPI", "against Flask"]
    pairs = [f"{head}, {server}" for head in heads for server in ("hypercorn", "uvicorn")]
    return (
        table(["", *pairs, "against PocketBase, uvicorn", "of the limit, uvicorn"], rows) + "\n\n" + _login_goals(found)
    )


def _reached(found: Comparison, goal: Goal) -> list[str]:
    def cost(name: str) -> float | None:
        cell = found.figures.get((goal.workload, name))
        return cell.total_us if cell else None

    pairs = [("fastapi", goal.fastapi), ("flask", goal.flask)]
    cells = [
        verdict(cost(other), cost(server), least=wanted)
        for other, both in pairs
        for server, wanted in zip((HYPERCORN, UVICORN), both, strict=True)
    ]
    pocketbase = verdict(cost("pocketbase"), cost(UVICORN), least=goal.pocketbase)
    return [*cells, pocketbase, verdict(cost(UVICORN), cost("limit"), most=goal.limit)]


def _login_goals(found: Comparison) -> str:
    def p99(name: str) -> float | None:
        cell = found.logins.get(name)
        return cell.w1_p99_ms if cell else None

    rows = [
        [f"against {found.titles.get(name, name)}", verdict(p99(name), p99(HYPERCORN), least=times)]
        for name, times in LOGIN_GOALS
    ]
    own = verdict(p99(HYPERCORN), 1.0, most=LOGIN_P99_MS).replace("x", " ms")
    return table(["p99 of W1 while logins saturate", "hypercorn"], [*rows, ["itself", own]])


def verdict(above: float | None, below: float | None, *, least: float = 0, most: float = float("inf")) -> str:
    """The ratio, and by how much it misses what is wanted, if it does."""
    if above is None or below is None:
        return NOT_VALID
    ratio = above / below
    wanted = f"{most:g}" if least == 0 else f"{least:g}"
    return f"{ratio:.1f}x" if least <= ratio <= most else f"{ratio:.1f}x, **missed** ({wanted}x)"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Figures to the right."""
    lines = [head, ["---", *("--:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
