"""PostgreSQL plans the first pages of lists once for each connection, not at each request."""

import pytest
from sqlalchemy import text

from domain.pages import Cut
from domain.posts import PostFilter
from domain.users import UserFilter
from repositories.database import Database, Work

PLANS = text("SELECT sum(custom_plans)::int FROM pg_prepared_statements WHERE statement LIKE :shown")


async def new_plans(work: Work, name: str) -> int:
    rows = await work.users._session.execute(PLANS, {"shown": f"%counted.total%FROM {name}%"})
    found: int = rows.one()[0]
    return found


@pytest.mark.parametrize(("limit", "are_kept"), [(20, True), (21, False)])
async def test_the_plan_of_a_usual_number_of_rows_is_kept(database: Database, limit: int, are_kept: bool) -> None:
    async with database.read() as work:
        for _ in range(8):
            await work.users.find(UserFilter(is_active=True), Cut("created_at", limit))
            await work.posts.find(PostFilter(published=True), Cut("-published_at", limit))
        assert [await new_plans(work, name) == 0 for name in ("users", "posts")] == [are_kept, are_kept]
