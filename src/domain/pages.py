"""Pages: a stretch of a list, and where in the list it lies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """The rows that were asked for, and how many there are in all."""

    rows: Sequence[T]
    total: int

    def map(self, change: "Callable[[T], U]") -> "Slice[U]":
        return Slice([change(row) for row in self.rows], self.total)


@dataclass(frozen=True, slots=True)
class Pagination:
    """Where a page lies: `page` counts from 1; `pages` is 0 for an empty list."""

    page: int
    limit: int
    total: int
    pages: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What a list answers."""

    data: Sequence[T]
    pagination: Pagination
