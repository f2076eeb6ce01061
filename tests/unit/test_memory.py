"""What was freed goes back to the system, and what a worker is made of is left out of collections."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from inkwell.memory import THRESHOLDS, give_back, settle

MIB = 2**20
PIECES = 20_000  # of 1 KiB, which C's library takes out of its own store


@pytest.fixture
def unsettled() -> Iterator[None]:
    before = gc.get_threshold()
    gc.disable()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("unsettled")
def test_a_settled_worker_collects_and_leaves_out_what_there_was() -> None:
    settle()
    assert gc.isenabled()
    assert (gc.get_threshold(), gc.get_freeze_count() > 1000) == (THRESHOLDS, True)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell")
def test_what_was_freed_is_given_back() -> None:
    pieces = [bytes(1024) for _ in range(PIECES)]
    last = bytes(1024)  # above them, so that nothing is given back of itself
    pieces.clear()
    held = _resident_bytes()
    give_back()
    assert _resident_bytes() < held - 10 * MIB
    assert last


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
