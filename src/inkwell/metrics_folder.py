"""The folder in which the workers count together; the parent makes it, and takes it away at its end."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from inkwell.settings import ConfigurationError

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own name; the workers inherit it


@contextmanager
def metrics_folder() -> Iterator[None]:
    """While it lasts, processes started from here count together. Raises ConfigurationError."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="inkwell-metrics-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ConfigurationError(f"TMPDIR: there is no folder for temporary files ({error.strerror})") from None
    with folder as os.environ[VARIABLE]:
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def forget_worker(pid: int) -> None:
    """What a worker that ended has counted stays; what it has in use is nothing any more."""
    from prometheus_client.multiprocess import mark_process_dead

    if folder := os.environ.get(VARIABLE):
        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
