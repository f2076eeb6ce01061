"""One server on one data folder: the lock, and the note in it that says who serves and where the socket is."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from inkwell.embedded.places import Account, give_to
from inkwell.settings import ConfigurationError

SHORT = "/tmp"  # noqa: S108  the path of a socket has at most 107 bytes, so neither DATA_DIR nor TMPDIR will do
PREFIX = "inkwell-"


@contextmanager
def locked(folder: Path) -> Iterator[IO[str]]:
    """Holds the lock of the data folder, which the kernel lets go however we end; yields its file, for the note.

    Raises ConfigurationError if another process holds it.
    """
    with open(folder / "lock", "a+", opener=private) as file:
        file.seek(0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.readline().strip() or "that is just starting"
            raise ConfigurationError(f"DATA_DIR: {folder} is in use by process {holder}") from None
        yield file


@contextmanager
def socket_folder(lock: IO[str], account: Account | None) -> Iterator[Path]:
    """A folder that only the server's account and root enter; its name is noted in the lock as long as it exists."""
    for left in lock.read().splitlines()[1:]:  # by a process that could not clear up
        if Path(left).parent == Path(SHORT) and Path(left).name.startswith(PREFIX):  # whatever the file may say
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=SHORT))
    give_to(folder, account)
    _note(lock, f"{os.getpid()}\n{folder}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _note(lock, "")


def noted_sockets(folder: Path) -> Path | None:
    """The socket folder of the server that another process runs, or ran, on this data folder."""
    with suppress(OSError, IndexError):
        sockets = Path((folder / "lock").read_text().splitlines()[1])
        # After a crash the name may have gone to somebody else.
        if sockets.stat().st_uid == (folder / "postgres").stat().st_uid:
            return sockets
    return None


def private(path: str, flags: int) -> int:
    """An opener for files that are nobody else's business."""
    return os.open(path, flags, 0o600)


def _note(file: IO[str], text: str) -> None:
    file.truncate(0)
    file.write(text)
    file.flush()
