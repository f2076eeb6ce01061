"""The passwords that are tried first: zxcvbn's lists, drawn from leaks, and the words and names behind them."""

from array import array
from bisect import bisect_left
from importlib.machinery import SourceFileLoader
from importlib.metadata import distribution
from itertools import chain
from types import ModuleType


def _words() -> chain[str]:
    """Without zxcvbn around them, whose tables of the same words would take 19 MB of every worker."""
    lists = ModuleType("frequency_lists")
    path = distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py")
    SourceFileLoader(lists.__name__, str(path)).exec_module(lists)
    return chain.from_iterable(lists.FREQUENCY_LISTS.values())


_HASHES = array("q", sorted(map(hash, _words())))  # eight bytes each: none is met by chance


def is_common(password: str) -> bool:
    """Whether the password, regardless of case, is among the 30,000 most common, or one common word or name."""
    number = hash(password.lower())
    place = bisect_left(_HASHES, number)
    return place < len(_HASHES) and _HASHES[place] == number
