"""Load from wrk."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import pinned
from benchmarks.workloads import Asked

SCRIPT = Path(__file__).with_name("load.lua")
PATIENCE_S = 60  # for one answer: slow ones are to be measured, not to be cut off


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it. `refused` had another status than 2xx or 3xx, `failed` no answer."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    failed: int

    @property
    def valid(self) -> bool:
        return self.requests > 0 and not self.refused and not self.failed

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class UnderWay:
    """A load that is under way."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def result(self) -> Load:
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"wrk failed: {output}")
        return parse(output)


def parse(output: str) -> Load:
    """What load.lua printed, below wrk's own lines."""
    return Load(**json.loads(output[output.rindex("\n{") :]))


@contextmanager
def load(
    url: str, asked: Sequence[Asked], *, connections: int, seconds: int, cores: Sequence[int]
) -> Iterator[UnderWay]:
    """Sends the requests, each with the Authorization before it, over so many connections that are kept open."""
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines(f"{sent.method}\t{sent.path}\t{token}\t{sent.body}\n" for token, sent in asked)
        file.flush()
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={PATIENCE_S}s", f"--script={SCRIPT}"]
        command = pinned(["wrk", *options, url, "--", file.name], cores)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            yield UnderWay(process)
