"""What was measured, and how rounds become one figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.wrk import Load


@dataclass(frozen=True, slots=True)
class Cell:
    """One contender under one load for one round; CPU time in seconds."""

    load: Load
    server_cpu_s: float
    database_cpu_s: float

    @property
    def server_us(self) -> float:
        return self.server_cpu_s / self.load.requests * 1e6

    @property
    def database_us(self) -> float:
        return self.database_cpu_s / self.load.requests * 1e6


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of the rounds, each by itself; `total_us` is CPU time per request in server and database."""

    total_us: float
    server_us: float
    database_us: float
    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class LoginFigures:
    """Medians of W6: logins per second, and how long W1 waits meanwhile."""

    logins_per_second: float
    w1_p99_ms: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """By workload and name of the contender; None where an answer was not a success."""

    titles: dict[str, str]
    figures: dict[tuple[str, str], Figures | None]
    logins: dict[str, LoginFigures | None]


def figures(cells: Sequence[Cell]) -> Figures | None:
    """None if there is none, or an answer in any round was not a success."""
    if not cells or not all(cell.load.valid for cell in cells):
        return None

    def middle(of: Callable[[Cell], float]) -> float:
        return median(map(of, cells))

    return Figures(
        total_us=middle(lambda cell: cell.server_us + cell.database_us),
        server_us=middle(lambda cell: cell.server_us),
        database_us=middle(lambda cell: cell.database_us),
        per_second=middle(lambda cell: cell.load.per_second),
        p50_ms=middle(lambda cell: cell.load.p50_ms),
        p99_ms=middle(lambda cell: cell.load.p99_ms),
    )


def login_figures(rounds: Sequence[tuple[Load, Load]]) -> LoginFigures | None:
    """Of the logins and the W1 of each round; None as above."""
    if not rounds or not all(load.valid for pair in rounds for load in pair):
        return None
    return LoginFigures(median(logins.per_second for logins, _ in rounds), median(w1.p99_ms for _, w1 in rounds))
