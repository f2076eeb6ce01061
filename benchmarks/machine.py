"""The machine: who runs on which core, and what kind it is."""

import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path


def server_cores() -> list[int]:
    """The core that servers have for themselves."""
    return sorted(os.sched_getaffinity(0))[-1:]


def other_cores() -> list[int]:
    """The cores of the load and of PostgreSQL; the same one where there is no other."""
    return sorted(os.sched_getaffinity(0))[:-1] or server_cores()


def pinned(command: Sequence[str], cores: Sequence[int]) -> list[str]:
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]


def kind(postgres: str) -> str:
    """One line for the results; no name of the machine or of a folder is in it."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = next((line.partition(": ")[2] for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores ({model}), {gib:.0f} GiB, {platform.system()}, Python {platform.python_version()}, {postgres}"
    )


def version(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text().splitlines()
