"""What lists in memory have in common with those of PostgreSQL: order, cuts, and comparisons of text and time."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from domain.pages import Cut, Slice

T = TypeVar("T")


def cut_out(rows: list[tuple[Any, T]], cut: Cut) -> Slice[T]:
    """Of rows, each behind its place."""
    ordered = sorted(rows, key=lambda row: row[0], reverse=cut.descending)
    left = [row for row in ordered if cut.after is None or _lies_beyond(row[0], cut.after, cut.descending)]
    page = left[cut.offset : cut.offset + cut.limit]
    end = page[-1][0] if len(left) > cut.offset + cut.limit else None
    return Slice([row for _, row in page], None if cut.total == "none" else len(rows), end)


def _lies_beyond(place: Any, after: Any, descending: bool) -> bool:
    return bool(place < after if descending else place > after)


def contains(texts: Iterable[str | None], q: str) -> bool:
    return any(fold(q) in fold(text) for text in texts if text is not None)


def fold(text: str) -> str:
    """Without accents and without case."""
    return "".join(part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part)).casefold()


def is_between(time: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    if time is None:
        return start is None and end is None
    return (start is None or start <= time) and (end is None or time < end)
