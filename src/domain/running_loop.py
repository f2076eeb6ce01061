"""Which event loop runs here."""

import asyncio
from threading import get_ident

_latest: tuple[int, asyncio.AbstractEventLoop | None] = (0, None)  # nearly always there is one loop to a process


def running_loop() -> asyncio.AbstractEventLoop:
    """asyncio.get_running_loop(), which asks the system for the process's number each time, up to Python 3.11.

    Not for a process that is forked while its loop runs, nor for a loop that moves to another thread. The last one that
    was found lives on until the next.
    """
    thread, loop = _latest
    return loop if loop and thread == get_ident() and loop.is_running() else _found()


def _found() -> asyncio.AbstractEventLoop:
    global _latest
    loop = asyncio.get_running_loop()
    _latest = get_ident(), loop
    return loop
