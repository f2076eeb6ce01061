"""One contender's server as a process: started on its own core, waited for, and stopped with all it started."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.machine import pinned
from benchmarks.workloads import Request

START_S, STOP_S, LOOK_S = 60, 40, 0.02


class Server:
    """A server that answers on `url`."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, port: int, log: Path, cores: Sequence[int]
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                pinned(command, cores),
                env=_surroundings() | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process that every other one of the server descends from."""
        return self._process.pid

    def wait(self, path: str) -> float:
        """Until the path is answered with success; how many seconds that took."""
        began = time.monotonic()
        while time.monotonic() < began + START_S and self._process.poll() is None:
            with suppress(OSError):
                if send(self.url, Request("GET", path))[0] < 400:
                    return time.monotonic() - began
            time.sleep(LOOK_S)
        self.stop()
        raise RuntimeError(f"did not start: {self._log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Asks, and kills what is left of the process group."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _surroundings() -> dict[str, str]:
    """Our own, except that Python keeps what it has compiled, as it does for whoever just starts a server."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def send(url: str, request: Request, token: str = "") -> tuple[int, bytes]:
    """Status and body of one answer, whatever the status."""
    headers = {"Authorization": token} if token else {}
    if request.body:
        headers["Content-Type"] = "application/json"
    asked = urllib.request.Request(url + request.path, request.body.encode() or None, headers, method=request.method)  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310  http://127.0.0.1, above
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
