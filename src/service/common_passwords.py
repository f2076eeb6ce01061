"""The passwords that are tried first: zxcvbn's lists, drawn from leaks, and the words and names behind them."""

from functools import cache
from itertools import chain

from zxcvbn.frequency_lists import FREQUENCY_LISTS


@cache
def _common() -> frozenset[str]:
    return frozenset(chain.from_iterable(FREQUENCY_LISTS.values()))


def is_common(password: str) -> bool:
    """Whether the password, regardless of case, is among the 30,000 most common, or one common word or name."""
    return password.lower() in _common()
