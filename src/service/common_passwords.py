"""The passwords that are tried first: zxcvbn's list, most common first, drawn from published leaks."""

from functools import cache

from zxcvbn.frequency_lists import FREQUENCY_LISTS


@cache
def _common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])


def is_common(password: str) -> bool:
    """Whether the password, regardless of case, is among the 30,000 most common."""
    return password.lower() in _common()
