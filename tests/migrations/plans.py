"""What PostgreSQL does for a list, on enough rows for it to want an index."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from domain.pages import Cut
from domain.posts import PostFilter
from inkwell.database_url import parse_database_url
from repositories.database import Limits
from repositories.paging import Listing, _page
from repositories.shapes import asked

LIMIT = 20
BIG = {"users", "posts", "audit"}
HALF_WAY = datetime(2025, 7, 2, tzinfo=UTC)
AUTHOR = UUID("00000000-0000-7000-8000-000000000007")
PERSON = "('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid"
WORDS = "tea engine garden river lamp paper stone music winter harbour"
FILL = (
    # Every twentieth is inactive and every five thousandth an admin.
    f"""INSERT INTO users (id, email, first_name, last_name, role, is_active, created_at, password_hash)
        SELECT {PERSON}, 'user' || number || '@example.com', 'First' || number % 97,
            CASE WHEN number % 10 > 0 THEN 'Last' || number % 1009 END,
            CASE WHEN number % 5000 = 0 THEN 'admin' ELSE 'user' END, number % 20 > 0,
            timestamptz '2025-01-01 00:00Z' + number * interval '10 minutes', '-'
        FROM generate_series(1, 50000) AS number""",  # noqa: S608  of constants
    # As wide as posts are. Every tenth is a draft; the keenest author, number 7, has one in 97.
    f"""INSERT INTO posts (id, author_id, title, content, published, created_at, updated_at, published_at)
        SELECT gen_random_uuid(), {PERSON.replace("number", "CASE WHEN n % 97 = 0 THEN 7 ELSE n % 50000 + 1 END")},
            'Title ' || n * 7919 % 9973,
            split_part('{WORDS}', ' ', 1 + n % 10) || ' word' || n % 40000 || repeat(' ', 1000), n % 10 > 0,
            moment, moment + n % 7 * interval '1 hour', CASE WHEN n % 10 > 0 THEN moment + n % 5 * interval '1 day' END
        FROM (SELECT n, timestamptz '2025-01-01 00:00Z' + n * interval '150 seconds' AS moment
              FROM generate_series(1, 200000) AS n) AS numbers""",  # noqa: S608  of constants
    "VACUUM ANALYZE users, posts, totals",
)
public = partial(PostFilter, published=True)


@dataclass
class Plan:
    """What PostgreSQL did: its nodes, with the rows that each gave; not what turned out to be needless."""

    root: dict[str, Any]

    def nodes(self, node: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        node = node or self.root
        if not node["Actual Loops"]:
            return
        yield node
        for part in node.get("Plans", ()):
            yield from self.nodes(part)

    def shape(self) -> list[tuple[str, str | None]]:
        return [(node["Node Type"], node.get("Index Name")) for node in self.nodes()]

    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes() if "Index Name" in node}

    def scanned(self) -> set[str]:
        """The big tables that were read from end to end."""
        scans = (node["Relation Name"] for node in self.nodes() if node["Node Type"] == "Seq Scan")
        return {table for table in scans if table in BIG}

    def most_sorted(self) -> float:
        """Rows that went into the largest sort."""
        sorts = [node for node in self.nodes() if node["Node Type"] in {"Sort", "Incremental Sort"}]
        parts = [part for node in sorts for part in node["Plans"] if part["Parent Relationship"] == "Outer"]
        return max((part["Actual Rows"] for part in parts), default=0)

    def fetched(self) -> float:
        """Rows of the big tables that were read from the table itself, or may have been."""
        fetching = [node for node in self.nodes() if node.get("Relation Name") in BIG]
        plain = [node for node in fetching if node["Node Type"] != "Index Only Scan"]
        looked = sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in plain
        )
        return float(looked + sum(node.get("Heap Fetches", 0) for node in fetching))

    def rows_read(self) -> float:
        """Of the big tables, those too that no filter let through."""
        reading = [node for node in self.nodes() if node.get("Relation Name") in BIG]
        return sum(_looked_at(node) for node in reading)


def _looked_at(node: dict[str, Any]) -> float:
    return float((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection as requests have it."""
    database = parse_database_url(url)
    arguments = Limits(command_timeout_s=60, statement_timeout_s=60).connect_args(database.connect_args)
    engine = create_async_engine(database.sqlalchemy_url, poolclass=NullPool, connect_args=arguments)
    async with engine.connect() as connection:
        yield connection


async def plan(url: str, listing: Listing[Any], wanted: Any, cut: Cut) -> Plan:
    """What PostgreSQL does for the listing's own statement, planned as for a client who asks often."""
    async with asking(url) as connection:
        shape, values = asked(listing.filters, wanted, cut)
        sql = _page(listing, shape).compile(dialect=connection.dialect)
        given = tuple(sql.construct_params(values)[name] for name in sql.positiontup or ())
        found = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", given)
        return Plan(found.scalar_one()[0]["Plan"])


def orders(listing: Listing[Any]) -> list[str]:
    return [sign + sort for sign, sort in product(("", "-"), listing.sorts) if sort != "rank"]
