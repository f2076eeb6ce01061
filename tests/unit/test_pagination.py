"""How lists are cut into pages."""

import pytest

from domain.pages import Page, Pagination, Slice
from service.pagination import PageRequest


def test_the_first_page_of_twenty_is_what_nobody_asked_for() -> None:
    request = PageRequest()
    assert (request.page, request.limit, request.offset) == (1, 20, 0)


@pytest.mark.parametrize(
    ("page", "limit", "offset"), [(1, 1, 0), (2, 1, 1), (2, 20, 20), (7, 15, 90), (1_000_000, 100, 99_999_900)]
)
def test_the_offset_is_what_lies_on_the_pages_before(page: int, limit: int, offset: int) -> None:
    assert PageRequest(page=page, limit=limit).offset == offset


@pytest.mark.parametrize(
    ("total", "limit", "pages"),
    [
        (0, 20, 0),
        (1, 20, 1),
        (19, 20, 1),
        (20, 20, 1),
        (21, 20, 2),
        (40, 20, 2),
        (41, 20, 3),
        (5, 1, 5),
        (10**15 + 1, 100, 10**13 + 1),
    ],
)
def test_the_last_page_may_be_a_short_one(total: int, limit: int, pages: int) -> None:
    found: Slice[str] = Slice([], total)
    assert PageRequest(limit=limit).answer(found).pagination.pages == pages


def test_an_answer_says_where_the_page_lies() -> None:
    found = Slice(["c", "d"], 5)
    assert PageRequest(page=2, limit=2).answer(found) == Page(["c", "d"], Pagination(2, 2, 5, 3, None))


def test_a_page_beyond_the_end_says_so_by_its_numbers() -> None:
    found: Slice[str] = Slice([], 5)
    assert PageRequest(page=9, limit=2).answer(found) == Page([], Pagination(9, 2, 5, 3, None))
