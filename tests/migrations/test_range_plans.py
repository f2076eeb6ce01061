"""Ranges of dates in an order by something else: what is read, be they narrow or wide."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from domain.pages import Counting, Cut
from domain.posts import PostFilter
from domain.users import UserFilter
from repositories.paging import MOST_SORTED, Listing, _keys
from repositories.posts import OF_AUTHOR, PUBLIC
from repositories.shapes import asked
from repositories.users import DIRECTORY
from tests.migrations.plans import AUTHOR, HALF_WAY, LIMIT, asking, orders, plan, public

HALVES_OF_AUTHOR = [
    PostFilter(author=AUTHOR, published_from=HALF_WAY),
    PostFilter(author=AUTHOR, published_to=HALF_WAY),
]
RANGES: dict[Listing[Any], Callable[[datetime | None, datetime | None], Any]] = {
    DIRECTORY: lambda start, end: UserFilter(created_from=start, created_to=end),
    PUBLIC: lambda start, end: public(published_from=start, published_to=end),
    OF_AUTHOR: lambda start, end: public(author=AUTHOR, published_from=start, published_to=end),
}
START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 14, tzinfo=UTC)  # before all, and behind nearly all
TOTALS: tuple[Counting, ...] = ("exact", "none")


async def test_a_range_beside_an_author_is_few_or_served_by_an_index(full_database: str) -> None:
    for wanted, order in product(HALVES_OF_AUTHOR, orders(OF_AUTHOR)):
        found = await plan(full_database, OF_AUTHOR, wanted, Cut(order, LIMIT))
        assert found.scanned() == set(), (wanted, order, found.shape())
        most = LIMIT + 1 if order.endswith("published_at") else MOST_SORTED
        assert found.most_sorted() <= most, (wanted, order, found.shape())


async def place_in(url: str, listing: Listing[Any], wanted: Any, order: str, offset: int) -> tuple[Any, ...]:
    """The place of a row in a list, by the listing itself."""
    async with asking(url) as connection:
        end = (await listing.find(connection, wanted, Cut(order, 1, offset=offset, total="none"))).end
    assert end
    return end


@pytest.mark.parametrize("days", [0, 0.01, 1, 1.1])
@pytest.mark.parametrize("start", [START, HALF_WAY, END, None])
@pytest.mark.parametrize("listing", RANGES)
async def test_a_narrow_range_is_found_by_its_own_index_whatever_the_order(
    full_database: str, listing: Listing[Any], start: datetime | None, days: float
) -> None:
    wanted = RANGES[listing](start, (start or START) + timedelta(days=days))
    for order, total in product(orders(listing), TOTALS):
        found = await plan(full_database, listing, wanted, Cut(order, LIMIT, total=total))
        assert found.scanned() == set(), (order, found.shape())
        assert found.most_sorted() <= MOST_SORTED, (order, found.shape())
        assert found.rows_read() <= 2 * MOST_SORTED + (MOST_SORTED + 1) * (total == "exact"), (order, found.shape())


@pytest.mark.parametrize("days", [3, 10, 60, 150])
@pytest.mark.parametrize("start", [START, HALF_WAY])
@pytest.mark.parametrize("listing", RANGES)
async def test_a_wide_range_is_neither_sorted_nor_are_its_rows_read(
    full_database: str, listing: Listing[Any], start: datetime, days: int
) -> None:
    wanted = RANGES[listing](start, start + timedelta(days=days + 10))
    for order in orders(listing):
        found = await plan(full_database, listing, wanted, Cut(order, LIMIT, total="none"))
        assert found.scanned() == set(), (order, found.shape())
        assert found.most_sorted() <= MOST_SORTED, (order, found.shape())
        assert found.fetched() <= (MOST_SORTED if listing is OF_AUTHOR else 3 * LIMIT), (order, found.shape())


@pytest.mark.parametrize(
    ("listing", "order", "days"), [(PUBLIC, "title", 4), (PUBLIC, "-title", 40), (DIRECTORY, "-last_name", 14)]
)
async def test_a_range_that_is_spread_over_the_order_is_met_as_often_as_it_is_wide(
    full_database: str, listing: Listing[Any], order: str, days: int
) -> None:
    wanted = RANGES[listing](HALF_WAY, HALF_WAY + timedelta(days=days))
    found = await plan(full_database, listing, wanted, Cut(order, LIMIT, total="none"))
    part = days / 347
    assert found.rows_read() <= MOST_SORTED + 1 + 3 * LIMIT / part


@pytest.mark.parametrize("days", [1, 40])
@pytest.mark.parametrize("listing", [DIRECTORY, PUBLIC])
async def test_the_page_after_a_cursor_in_a_range_costs_what_the_first_one_does(
    full_database: str, listing: Listing[Any], days: int
) -> None:
    wanted = RANGES[listing](HALF_WAY, HALF_WAY + timedelta(days=days))
    order = "last_name" if listing is DIRECTORY else "title"
    after = await place_in(full_database, listing, wanted, order, 80)
    first = await plan(full_database, listing, wanted, Cut(order, LIMIT, total="none"))
    later = await plan(full_database, listing, wanted, Cut(order, LIMIT, after=after, total="none"))
    assert later.indexes() == first.indexes()
    assert later.rows_read() <= 2 * first.rows_read()


@pytest.mark.parametrize("days", [1, 40])
@pytest.mark.parametrize("listing", [DIRECTORY, PUBLIC])
async def test_a_range_has_the_same_rows_whether_they_are_few_or_many(
    full_database: str, listing: Listing[Any], days: int
) -> None:
    wanted = RANGES[listing](HALF_WAY, HALF_WAY + timedelta(days=days))
    async with asking(full_database) as connection:
        for order in orders(listing):
            shape, bound = asked(listing.filters, wanted, Cut(order, LIMIT))
            keys = [key.desc() if shape.descending else key for key in _keys(listing, shape)]
            rows = listing.rows(shape.filters, listing.columns[0]).order_by(*keys).limit(3 * LIMIT)
            ids = list((await connection.execute(rows, bound)).scalars())
            first = await listing.find(connection, wanted, Cut(order, LIMIT))
            second = await listing.find(connection, wanted, Cut(order, LIMIT, after=first.end))
            third = await listing.find(connection, wanted, Cut(order, LIMIT, offset=2 * LIMIT))
            assert [row.id for page in (first, second, third) for row in page.rows] == ids, order
