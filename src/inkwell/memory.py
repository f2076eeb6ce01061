"""How a worker keeps house with memory."""

import asyncio
import ctypes
import gc
from contextlib import suppress

from inkwell.background import Chore

# Many requests are under way at once, and are looked through in vain: with Python's own 700, 10, 10 a page of users
# takes a fifth more time.
THRESHOLDS = (20_000, 20, 50)
REST_S = 5.0


def settle() -> None:
    """What there is now lives as long as the worker, and need not be looked through at each collection."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()


def give_back() -> None:
    """Hand to the system what was freed: each password that is hashed leaves 19 MiB, which C's library keeps.

    Now and then is often enough; to take it anew for each password would cost half as much as to hash it.
    """
    with suppress(AttributeError):  # this C library has no such call
        ctypes.CDLL(None).malloc_trim(0)


async def _give_back() -> int:
    await asyncio.to_thread(give_back)
    return 0


GIVE_BACK = Chore("give_back_memory", _give_back, REST_S)
