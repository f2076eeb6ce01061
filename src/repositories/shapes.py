"""What of a request for a page decides over the statement, and what is bound to it."""

from collections.abc import Container
from typing import Any

from domain.pages import Counting, Cut
from domain.values import value

USUAL = {10, 20, 50, 100}  # rows of a page, for which there are statements of their own
DEEP = 500  # rows to pass over, from which on it is cheaper to pass over their keys alone, in the index


@value
class Shape:
    """What of a request decides over the statement; everything else is bound to it."""

    filters: frozenset[str]
    sort: str
    descending: bool
    after: bool
    deep: bool
    total: Counting
    first: int | None = None
    hurried: bool = False
    patience_s: float | None = None


def asked(
    known: Container[str], wanted: Any, cut: Cut, *, hurried: bool = False, patience_s: float | None = None
) -> tuple[Shape, dict[str, Any]]:
    """Of a list with conditions that are `known` by the names of what is bound to them, and others by their values."""
    given = {name: value for name in wanted.__slots__ if (value := getattr(wanted, name)) is not None}
    filters = frozenset(name if name in known else f"{name}={value}" for name, value in given.items())
    places = {f"after_{number}": key for number, key in enumerate(cut.after or ())}
    bound = given | places | {"limit": cut.limit + 1, "offset": cut.offset}  # one more, to see whether more follow
    after, deep = cut.after is not None, cut.offset >= DEEP
    first = bound["limit"] if _is_usual(filters, cut) else None
    return Shape(filters, cut.sort, cut.descending, after, deep, cut.total, first, hurried, patience_s), bound


def _is_usual(filters: frozenset[str], cut: Cut) -> bool:
    """Whether PostgreSQL can keep its plan: for a number of rows that it is not told it makes a new one each time."""
    return cut.offset == 0 and cut.limit in USUAL and all("=" in name for name in filters)
