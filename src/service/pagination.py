"""How lists are cut into pages."""

from typing import TypeVar

from domain.pages import Page, Pagination, Slice
from service.fields import Input, PageLimit, PageNumber

T = TypeVar("T")


class PageRequest(Input):
    """Which page of a list: `page` 1-1,000,000, `limit` 1-100 rows."""

    page: PageNumber = 1
    limit: PageLimit = 20

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def answer(self, found: Slice[T]) -> Page[T]:
        pages = -(-found.total // self.limit)
        return Page(found.rows, Pagination(self.page, self.limit, found.total, pages, None))
