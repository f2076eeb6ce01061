"""Inkwell as a process, started as an operator starts it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COMMAND = [sys.executable, "-P", "-m", "inkwell"]
# Measuring what is covered makes a process start in twice the time, and finds nothing that other tests do not run too.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}


def inkwell(*arguments: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )


@contextmanager
def serving(environment: dict[str, str], folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server and its port. Its output goes to a file beside the folder, so that a full pipe cannot stop it."""
    log = folder.with_name(f"{folder.name}.log")
    process = _start([*COMMAND, "serve"], environment, folder, log)
    try:
        yield process, _port(process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def in_a_terminal(line: str, environment: dict[str, str], folder: Path, log: Path) -> Iterator[str]:
    """The port of the server that a shell line starts. Ctrl-C ends it: all that the line started is interrupted."""
    process = _start(["bash", "-c", line], environment, folder, log, group=0)
    try:
        yield _port(process, log)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _start(
    command: list[str], environment: dict[str, str], folder: Path, log: Path, group: int | None = None
) -> subprocess.Popen[str]:
    with log.open("w") as output:
        return subprocess.Popen(
            command, env=environment, cwd=folder, process_group=group, text=True,
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _port(process: subprocess.Popen[str], log: Path) -> str:
    for _ in range(2400):
        if match := re.search(r"serves on http://\S+:(\d+)", log.read_text()):
            return match[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"it does not serve: {log.read_text()}")
