"""Figures that a worker keeps in a mapped file, where whichever worker is asked finds them (docs/decisions/0036).

The files are prometheus_client's own: its MultiProcessCollector reads them. Its way to write one takes a lock, asks
for the process's number, packs bytes and slices the map; an addition is enough, since one thread counts.
"""

import os
from collections.abc import Sequence
from functools import cache

from prometheus_client.mmap_dict import MmapedDict, mmap_key

from inkwell.metrics_folder import VARIABLE


class _File(MmapedDict):
    """One of this process's files, whose figures can be had as numbers in place."""

    def place(self, key: str) -> "tuple[memoryview[float], int]":
        """The map as numbers of eight bytes, and which of them is the key's figure; behind it is its time."""
        self.read_value(key)  # type: ignore[no-untyped-call]  # makes it where it is not there
        return memoryview(self._m).cast("d"), self._positions[key] // 8


_file = cache(_File)


class SharedValue:
    """What prometheus_client calls a ValueClass. For one thread, in one process."""

    __slots__ = ("_numbers", "_place")

    def __init__(
        self,
        kind: str,
        metric: str,
        name: str,
        labels: Sequence[str],
        given: Sequence[str],
        help: str,
        multiprocess_mode: str = "",
    ) -> None:
        kind = f"{kind}_{multiprocess_mode}" if multiprocess_mode else kind
        file = _file(f"{os.environ[VARIABLE]}/{kind}_{os.getpid()}.db")
        self._numbers, self._place = file.place(mmap_key(metric, name, [*labels], [*given], help))

    def inc(self, amount: float) -> None:
        self._numbers[self._place] += amount

    def set(self, value: float, timestamp: float | None = None) -> None:
        self._numbers[self._place] = value
        self._numbers[self._place + 1] = timestamp or 0.0
