"""Which index serves which choice of the audit trail."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.audit import AuditFilter
from domain.pages import Cut
from repositories.audit import TRAIL
from tests.conftest import Server
from tests.migrations.plans import LIMIT, plan

SOMEBODY = UUID("00000000-0000-7000-8000-000000000007")
# When a good half of the trail was still to come, as an id.
MIDNIGHT = UUID(int=int(datetime(2025, 3, 11, tzinfo=UTC).timestamp() * 1000) << 80)
NARROW_TRAILS = [
    AuditFilter(actor=SOMEBODY),
    AuditFilter(target=SOMEBODY),
    AuditFilter(action="user.delete"),
    AuditFilter(actor=SOMEBODY, until=MIDNIGHT),
    AuditFilter(target=SOMEBODY, since=MIDNIGHT),
    AuditFilter(action="user.delete", since=MIDNIGHT),
]
TRAILS = [*NARROW_TRAILS, AuditFilter(), AuditFilter(since=MIDNIGHT), AuditFilter(until=MIDNIGHT)]
FILL = (
    # An event a minute. Number 7 has one in 50, and one in 1,000 is a rare one.
    """INSERT INTO audit (id, at, actor_id, action, target_id, data)
        SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7000' || '8000'
            || lpad(to_hex(n), 12, '0'))::uuid, moment, person, CASE WHEN n % 1000 = 0 THEN 'user.delete'
            WHEN n % 7 = 0 THEN 'login.fail' ELSE 'login.succeed' END, person, '{}'
        FROM (SELECT n, timestamptz '2025-01-01 00:00Z' + n * interval '1 minute' AS moment,
                ('00000000-0000-7000-8000-' || lpad(CASE WHEN n % 50 = 0 THEN '7' ELSE to_hex(n % 5000 + 8) END,
                    12, '0'))::uuid AS person
              FROM generate_series(1, 200000) AS n) AS numbers""",
    "VACUUM ANALYZE audit",
)


@pytest.fixture(scope="module")
async def full_database(server: Server, template: str) -> AsyncIterator[str]:
    """The URL of a database with 200,000 events."""
    url = await server.create(template)
    for statement in FILL:
        await server.run(statement, url)
    yield url
    await server.drop(url)


@pytest.mark.parametrize(("filters", "total"), [(NARROW_TRAILS, "exact"), (TRAILS, "none")])
async def test_the_trail_is_read_from_an_index_and_nothing_is_sorted(
    full_database: str, filters: list[AuditFilter], total: Any
) -> None:
    for wanted in filters:
        found = await plan(full_database, TRAIL, wanted, Cut("-id", LIMIT, total=total))
        assert found.scanned() == set(), (wanted, found.shape())
        assert found.most_sorted() <= LIMIT + 1, (wanted, found.shape())


async def test_the_page_after_a_cursor_is_read_as_the_first_one_is(full_database: str) -> None:
    for wanted in TRAILS:
        first = await plan(full_database, TRAIL, wanted, Cut("-id", LIMIT, total="none"))
        deep = await plan(full_database, TRAIL, wanted, Cut("-id", LIMIT, after=(MIDNIGHT,), total="none"))
        assert deep.scanned() == set(), (wanted, deep.shape())
        assert max(first.rows_read(), deep.rows_read()) < 100 * LIMIT, (wanted, deep.shape())
