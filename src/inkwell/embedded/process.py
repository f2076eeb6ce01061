"""Child processes of the embedded server: apart from the terminal, and never outliving us."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from inkwell.embedded.places import Account, Identity

PR_SET_PDEATHSIG = 1  # linux/prctl.h
ORPHAN_SECONDS = 30  # an orphan in fast shutdown writes a checkpoint first
LOOK_SECONDS = 0.05  # between two looks at something that sends no event

# Loaded before any fork: between fork and exec nothing may take a lock that another thread could hold.
_libc = ctypes.CDLL(None)


async def spawn(program: Path, arguments: Sequence[str], account: Account | None, output: int | IO[bytes]) -> Process:
    """Starts a program in its own session, so that the terminal's Ctrl-C reaches us only; call it from the main thread.

    On Linux it gets SIGINT (for PostgreSQL a fast shutdown) when the thread that called this ends, kill -9 included.
    """
    return await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
        env={"LC_ALL": "C", "TZ": "UTC"},  # neither our secrets nor PG* variables, which would change its settings
        start_new_session=True,
        preexec_fn=_end_with_parent(),
        **(account.identity if account else Identity()),
    )


async def finished(process: Process) -> tuple[bytes, bytes]:
    """What the program wrote, to its output and as errors; if we are cancelled, it is killed and has ended."""
    try:
        return await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()  # asyncio complains of pipes that are open when the loop is closed
        raise


async def stop_orphan(cluster: Path) -> None:
    """Stops what still runs on this cluster although the process that started it is gone.

    That is a server, or, if somebody killed the server itself, sessions that are too busy to have noticed. Where there
    is no /proc to find them in, PostgreSQL refuses to start beside them and says so; likewise if they do not end.
    """
    postmaster, running = _noted_pid(cluster), _processes(cluster)
    for pid in {postmaster} & running or running:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT if pid == postmaster else signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(ORPHAN_SECONDS):
            while _processes(cluster) or _is_leaving(postmaster):  # noqa: ASYNC110  not our children: no event comes
                await asyncio.sleep(LOOK_SECONDS)


def _end_with_parent() -> Callable[[], None] | None:
    # Set after the change of account (Popen's order), which would clear it.
    return partial(_follow, os.getpid()) if sys.platform == "linux" else None


def _follow(parent: int) -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _noted_pid(cluster: Path) -> int:
    with suppress(OSError, ValueError):
        return int((cluster / "postmaster.pid").read_text().partition("\n")[0])
    return 0


def _processes(cluster: Path) -> set[int]:
    """The processes of a server on this cluster. The noted pid alone would not do: it may be another process by now."""
    return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _works_in(entry, cluster)}


def _works_in(entry: Path, cluster: Path) -> bool:
    with suppress(OSError):  # it ended meanwhile, or belongs to somebody else
        return (entry / "comm").read_text() == "postgres\n" and (entry / "cwd").readlink() == cluster
    return False


def _is_leaving(pid: int) -> bool:
    """Whether the process is dead but still listed: PostgreSQL takes it for alive until its parent has been told."""
    entry = Path(f"/proc/{pid}")
    with suppress(PermissionError):
        try:
            (entry / "cwd").readlink()
        except FileNotFoundError:
            return entry.exists()
    return False
