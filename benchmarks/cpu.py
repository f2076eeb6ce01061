"""What processes cost: their CPU time and memory, as Linux counts them in /proc."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int, proc: Path = PROC) -> float:
    """User and system time of a process and all its descendants, those included that have ended and were waited for.

    A child's time goes over to its parent's when it is waited for, so that none is lost and none counts twice.
    """
    return sum(_ticks(proc / str(pid)) for pid in family(root, proc)) / TICKS_PER_SECOND


def family(root: int, proc: Path = PROC) -> list[int]:
    """The process and all its descendants that are there now."""
    parents = dict(_parents(proc))
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def pss_bytes(pid: int, proc: Path = PROC) -> int:
    """Memory of one process, in which what n processes share counts as an n-th."""
    lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _parents(proc: Path) -> Iterator[tuple[int, int]]:
    for entry in proc.glob("[0-9]*"):
        if fields := _fields(entry):
            yield int(entry.name), int(fields[1])


def _ticks(entry: Path) -> int:
    """utime, stime, cutime and cstime (proc(5))."""
    return sum(map(int, _fields(entry)[11:15]))


def _fields(entry: Path) -> list[str]:
    """The fields of `stat` from the third on, for the second is a name that may hold anything; none if it ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return (entry / "stat").read_text().rpartition(")")[2].split()
    return []
