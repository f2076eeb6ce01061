"""The passwords that are tried first: zxcvbn's lists, drawn from leaks, and what everybody makes of those by rule."""

import re
from array import array
from bisect import bisect_left
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import distribution
from itertools import chain
from types import ModuleType

_MOST_LIKED = 1_000  # of the most common passwords: with a year or a sign behind them they are tried next
_TAIL = re.compile(r"[\W\d_]{1,5}$")
_AS_LETTERS = str.maketrans("@4831!05$7", "aabeiiosst")
_LONGEST_UNIT = 3  # that is trivial whatever it is: 121212121212, abcabcabcabc
_FEWEST_CHARACTERS = 3  # fewer different ones are a key held down, and one slip: 1111111112

_ROWS = ("qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn")
_COLUMNS = ("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/", "qazwsxedcrfvtgbyhnujmik,ol.p;/")
_COUNTING = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "!@#$%^&*()")
_WALKS = (*_ROWS, *_COLUMNS, *_COUNTING)
_WAYS = (*_WALKS, *(walk[::-1] for walk in _WALKS))


def _lists() -> dict[str, list[str]]:
    """Without zxcvbn around them, whose tables of the same words would take 19 MB of every worker."""
    lists = ModuleType("frequency_lists")
    path = distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py")
    SourceFileLoader(lists.__name__, str(path)).exec_module(lists)
    return dict(lists.FREQUENCY_LISTS)


@cache
def _kept() -> tuple["array[int]", frozenset[str]]:
    """The hashes of all, which have eight bytes each: none is met by chance; and those that are most liked."""
    lists = _lists()
    numbers = array("q", sorted(map(hash, chain.from_iterable(lists.values()))))
    return numbers, frozenset(lists["passwords"][:_MOST_LIKED])


def read_lists() -> None:
    """Read the lists now, which takes some 40 ms, and not with the first password."""
    _kept()


def is_common(password: str) -> bool:
    """Whether the password, regardless of case, is among the 30,000 most common, or one common word or name.

    So are walks over the keyboard, counting, repetitions of such and of what is very short, and the thousand most
    common with up to five digits or signs behind them, also where signs stand for letters.
    """
    text = password.lower()
    unit = _unit(text)
    repeats = len(unit) < len(text)
    return (
        _is_listed(text)
        or len(set(text)) < _FEWEST_CHARACTERS
        or (repeats and (len(unit) <= _LONGEST_UNIT or _is_listed(unit)))
        or _is_dressed_up(text)
    )


def _is_listed(text: str) -> bool:
    hashes, number = _kept()[0], hash(text)
    place = bisect_left(hashes, number)
    return (place < len(hashes) and hashes[place] == number) or any(text in way for way in _WAYS)


def _is_dressed_up(text: str) -> bool:
    bare = _TAIL.sub("", text)
    return not _kept()[1].isdisjoint({bare, bare.translate(_AS_LETTERS), text.translate(_AS_LETTERS)})


def _unit(text: str) -> str:
    """What the text repeats, twice at least and perhaps broken off at its end; all of it where it repeats nothing."""
    lengths = range(1, len(text) // 2 + 1)
    return next((text[:length] for length in lengths if text[length:] == text[:-length]), text)
