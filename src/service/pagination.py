"""How lists are cut into pages."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from domain.errors import Detail, InvalidQuery
from domain.pages import Counting, Cut, Key, Page, Pagination, Slice
from service.cursors import MOST_LISTINGS, cursor_after, place_of
from service.fields import Input, PageLimit, PageNumber, Text

T = TypeVar("T")

# What a place in a list consists of: mostly a time, and then the id.
BY_TIME: tuple[type[Key], ...] = (datetime, UUID)
KEYS: Mapping[str, tuple[type[Key], ...]] = {
    "id": (UUID,),
    "email": (str,),  # there are no two of it
    "last_name": (str, UUID),
    "title": (str, UUID),
    "rank": (datetime, float, UUID),  # since when posts were made that are ranked, and the rank; or see posts.py
}


class PageRequest(Input):
    """Which page of a list: `page` 1-1,000,000 or where a `cursor` leads, `limit` 1-100 rows; how to count them all."""

    page: PageNumber = 1
    limit: PageLimit = 20
    cursor: Text | None = None
    total: Counting = "exact"

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def cut(self, wanted: object, order: str) -> Cut:
        """Of the list of what is `wanted`, which its representation tells. Raises BadCursor, InvalidQuery."""
        if self.cursor is None:
            return Cut(order, self.limit, self.offset, total=self.total)
        if "page" in self.model_fields_set:
            raise InvalidQuery([Detail("cursor", "with_page", "Not together with page")])
        types = KEYS.get(order.removeprefix("-"), BY_TIME)
        return Cut(order, self.limit, after=place_of(self.cursor, _listing(wanted, order), types), total=self.total)

    def answer(self, found: Slice[T], wanted: object = None, order: str = "") -> Page[T]:
        pages = None if found.total is None else -(-found.total // self.limit)
        follows = cursor_after(_listing(wanted, order), found.end) if found.end else None
        page = self.page if self.cursor is None else None
        return Page(found.rows, Pagination(page, self.limit, found.total, pages, follows))


@lru_cache(MOST_LISTINGS)
def _listing(wanted: object, order: str) -> str:
    return f"{wanted!r} {order}"
