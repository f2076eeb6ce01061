"""Inkwell as a process, started as an operator starts it."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-P", "-m", "inkwell"]


def inkwell(*arguments: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )


@contextmanager
def serving(environment: dict[str, str], folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server and its port. Its output goes to a file beside the folder, so that a full pipe cannot stop it."""
    log = folder.with_name(f"{folder.name}.log")
    with log.open("w") as output:
        process = subprocess.Popen(
            [*COMMAND, "serve"], env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT, text=True
        )
    try:
        yield process, _port(process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[str], log: Path) -> str:
    for _ in range(2400):
        if match := re.search(r"serves on http://\S+:(\d+)", log.read_text()):
            return match[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"it does not serve: {log.read_text()}")
