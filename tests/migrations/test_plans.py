"""Which index serves which list, on enough rows for PostgreSQL to want one."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import text

from domain.pages import Cut
from domain.posts import PostFilter
from domain.users import UserFilter
from repositories.paging import NEAR, Listing, _keys, _page
from repositories.posts import FOUND, FOUND_OF_AUTHOR, OF_AUTHOR, PUBLIC
from repositories.shapes import asked
from repositories.users import DIRECTORY, SHORT
from tests.migrations.plans import AUTHOR, HALF_WAY, LIMIT, WORDS, asking, orders, plan, public

USERS = [
    UserFilter(),
    UserFilter(role="user"),
    UserFilter(role="admin"),
    UserFilter(is_active=True),
    UserFilter(is_active=False),
    UserFilter(created_from=HALF_WAY),
    UserFilter(created_to=HALF_WAY),
    UserFilter(is_active=True, created_from=HALF_WAY),  # as members see it
    UserFilter(is_active=True, created_to=HALF_WAY),
]
POSTS = [public(), public(published_from=HALF_WAY), public(published_to=HALF_WAY)]
AUTHORS = [
    public(author=AUTHOR),
    PostFilter(author=AUTHOR),
    PostFilter(author=AUTHOR, published=False),
]


@pytest.mark.parametrize("total", ["exact", "none"])
@pytest.mark.parametrize(("listing", "filters"), [(DIRECTORY, USERS), (PUBLIC, POSTS), (OF_AUTHOR, AUTHORS)])
async def test_every_order_with_one_filter_is_served_by_an_index(
    full_database: str, listing: Listing[Any], filters: list[Any], total: Any
) -> None:
    for wanted, order in product(filters, orders(listing)):
        found = await plan(full_database, listing, wanted, Cut(order, LIMIT, total=total))
        assert found.scanned() == set(), (wanted, order, found.shape())
        assert found.most_sorted() <= LIMIT + 1, (wanted, order, found.shape())


@pytest.mark.parametrize(
    ("listing", "wanted", "order"),
    [
        (DIRECTORY, UserFilter(), "created_at"),
        (DIRECTORY, UserFilter(), "last_name"),
        (DIRECTORY, UserFilter(), "-email"),
        (PUBLIC, public(), "-published_at"),
        (PUBLIC, public(), "title"),
        (OF_AUTHOR, PostFilter(author=AUTHOR), "-created_at"),
    ],
)
async def test_the_page_after_a_cursor_is_read_as_the_first_one_is(
    full_database: str, listing: Listing[Any], wanted: Any, order: str
) -> None:
    first = await plan(full_database, listing, wanted, Cut(order, LIMIT))
    deep = await plan(
        full_database, listing, wanted, Cut(order, LIMIT, after=await place(full_database, listing, order))
    )
    assert deep.indexes() == first.indexes()
    assert deep.rows_read() == first.rows_read()


async def place(url: str, listing: Listing[Any], order: str) -> tuple[Any, ...]:
    """The place of the last row on page 2,000, or of the author's middle one."""
    table, condition, offset = {
        DIRECTORY: ("users", "true", 2000 * LIMIT - 1),
        PUBLIC: ("posts", "published", 2000 * LIMIT - 1),
        OF_AUTHOR: ("posts", f"author_id = '{AUTHOR}'", 1000),
    }[listing]
    keys = [str(key.compile()) for key in _keys(listing, asked(listing.filters, UserFilter(), Cut(order, 1))[0])]
    by = ", ".join(key + (" DESC" if order.startswith("-") else "") for key in keys)
    async with asking(url) as connection:
        rows = f"SELECT {', '.join(keys)} FROM {table} WHERE {condition}"  # noqa: S608  of constants
        return tuple((await connection.execute(text(f"{rows} ORDER BY {by} OFFSET {offset} LIMIT 1"))).one())


@pytest.mark.parametrize("wanted", [UserFilter(q="r4999@"), UserFilter(names="st1008")])
async def test_a_search_for_few_in_the_directory_uses_the_trigrams(full_database: str, wanted: UserFilter) -> None:
    found = await plan(full_database, DIRECTORY, wanted, Cut("created_at", LIMIT))
    assert "ix_users_search" in found.indexes()
    assert found.scanned() == set()


@pytest.mark.parametrize(("q", "found_in"), [("zq", 0), ("00", 4_000)])
async def test_two_letters_that_few_have_are_not_looked_for_in_everybody(
    full_database: str, q: str, found_in: int
) -> None:
    for order, wanted in product(orders(SHORT), (UserFilter(q=q), UserFilter(names=q))):
        found = await plan(full_database, SHORT, wanted, Cut(order, LIMIT))
        assert found.scanned() == set()
        assert found.rows_read() <= NEAR + 3 * found_in, (order, found.shape())


@pytest.mark.parametrize(
    ("listing", "wanted", "order"),
    [
        (DIRECTORY, UserFilter(q="irst"), "created_at"),
        (FOUND, public(q="tea"), "-rank"),
        (FOUND, public(q="a"), "title"),
    ],
)
async def test_a_search_is_planned_for_its_words_however_often_it_is_asked(
    full_database: str, listing: Listing[Any], wanted: Any, order: str
) -> None:
    """A plan for any words would fold or parse them for every row, or not know how many have them."""
    shape, values = asked(listing.filters, wanted, Cut(order, LIMIT))
    async with asking(full_database) as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        sql = _page(listing, shape).compile(dialect=connection.dialect)
        given = sql.construct_params(values)
        statement = await driver.prepare(str(sql))
        for _ in range(10):
            await statement.fetch(*(given[name] for name in sql.positiontup or ()))
        plans = await driver.fetch("SELECT generic_plans FROM pg_prepared_statements WHERE custom_plans >= 5")
    assert [row[0] for row in plans] == [0]


@pytest.mark.parametrize("q", ["word123", " or ".join(WORDS.split()[:9])])
async def test_a_full_text_search_finds_all_that_match_by_its_index(full_database: str, q: str) -> None:
    for wanted, listing in ((public(q=q), FOUND), (PostFilter(q=q, author=AUTHOR), FOUND_OF_AUTHOR)):
        found = await plan(full_database, listing, wanted, Cut("-rank", LIMIT))
        assert found.scanned() == set()
        assert found.indexes() & {"ix_posts_search", "ix_posts_author_id_created_at_id"}


@pytest.mark.parametrize(
    ("listing", "wanted"), [(FOUND, public(q="garden")), (FOUND_OF_AUTHOR, public(q="garden", author=AUTHOR))]
)
async def test_a_search_for_a_common_word_in_another_order_reads_no_more_than_its_page(
    full_database: str, listing: Listing[Any], wanted: Any
) -> None:
    for order in orders(listing):
        found = await plan(full_database, listing, wanted, Cut(order, LIMIT, total="none"))
        assert found.most_sorted() <= LIMIT + 1, (order, found.shape())
        assert found.rows_read() <= 50 * LIMIT, (order, found.shape())


@pytest.mark.parametrize(("listing", "wanted"), [(DIRECTORY, UserFilter(is_active=True)), (PUBLIC, public())])
async def test_totals_that_are_kept_are_not_counted(full_database: str, listing: Listing[Any], wanted: Any) -> None:
    found = await plan(full_database, listing, wanted, Cut("created_at", LIMIT))
    assert max(node["Actual Rows"] for node in found.nodes()) <= LIMIT + 1


@pytest.mark.parametrize(("listing", "wanted"), [(DIRECTORY, UserFilter(is_active=True)), (PUBLIC, public())])
async def test_a_deep_page_by_number_passes_over_keys_alone_from_the_nearer_end(
    full_database: str, listing: Listing[Any], wanted: Any
) -> None:
    order = "created_at" if listing is DIRECTORY else "-published_at"
    most = {DIRECTORY: 47_500, PUBLIC: 180_000}[listing]
    for offset in (most // 3, most - 10_000, 1_000_000):
        found = await plan(full_database, listing, wanted, Cut(order, LIMIT, offset=offset))
        passed_over = min(offset, max(most - offset, 0))
        assert offset > most or "Index Only Scan" in {node["Node Type"] for node in found.nodes()}
        assert found.rows_read() <= 1.1 * passed_over + 3 * LIMIT  # every twentieth user is inactive
