"""Pages: a stretch of a list, and where in the list it lies."""

from datetime import datetime
from typing import Generic, Literal, TypeVar
from uuid import UUID

from domain.values import value

T = TypeVar("T")

Counting = Literal["exact", "estimated", "none"]
Key = datetime | str | float | UUID
Place = tuple[Key, ...]  # the sort key of one row


@value
class Cut:
    """The stretch that is wanted: at most `limit` rows in this order, from `offset` on or, if given, `after` a place.

    `order` is the name of a sort key, with `-` in front for descending; what ties there goes by id the same way.
    """

    order: str
    limit: int
    offset: int = 0
    after: Place | None = None
    total: Counting = "exact"

    @property
    def sort(self) -> str:
        return self.order.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.order.startswith("-")


@value
class Slice(Generic[T]):
    """The rows that were asked for, how many there are in all, and where to go on if more may follow: the place of the
    last one, or of the last that was looked at."""

    rows: list[T]
    total: int | None
    end: Place | None = None


@value
class Pagination:
    """Where a page lies: `page` counts from 1, and is None for what a cursor led to; `pages` is 0 for an empty list."""

    page: int | None
    limit: int
    total: int | None
    pages: int | None
    next_cursor: str | None


@value
class Page(Generic[T]):
    """What a list answers."""

    data: list[T]
    pagination: Pagination
