"""How long is measured, and on how much."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.rows import Size
from benchmarks.workloads import WORKLOADS, Workload


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how much."""

    size: Size
    rounds: int
    seconds: int
    login_seconds: int
    sweep_seconds: int
    warms_up: bool
    connections: int
    sweep: Sequence[int]
    sizes: Sequence[Size]
    workloads: Sequence[Workload] = WORKLOADS


FULL = Plan(
    size=Size(50_000, 200_000),
    rounds=3,
    seconds=3,  # of a server at work: 300 ticks of CPU time
    login_seconds=6,
    sweep_seconds=2,
    warms_up=True,
    connections=48,
    sweep=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    sizes=[Size(users, 4 * users) for users in (200, 2_000, 20_000, 200_000)],
)
QUICK = Plan(
    size=Size(2_000, 8_000),
    rounds=1,
    seconds=1,
    login_seconds=6,  # the slowest contender, on a busy machine, answers its first login by then
    sweep_seconds=1,
    warms_up=False,
    connections=16,
    sweep=(1, 64),
    sizes=[Size(users, 4 * users) for users in (200, 2_000)],
)
