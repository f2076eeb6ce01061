"""A page and the total of its list, in one round trip."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam, func, select, true
from sqlalchemy.sql.base import ColumnCollection

from domain.pages import Slice
from repositories.reading import Executor

T = TypeVar("T")


def page_statement(rows: Select[Any], order: Sequence[str], *, descending: bool = False) -> Select[Any]:
    """The rows from :offset, at most :limit, each behind the total; one row with the total alone for an empty page."""
    counted = select(func.count().label("total")).select_from(rows.subquery("all_rows")).subquery("counted")
    cut = rows.order_by(*_sorted(rows.selected_columns, order, descending)).limit(bindparam("limit"))
    page = cut.offset(bindparam("offset")).subquery("page")
    joined = select(counted.c.total, *page.c).select_from(counted.outerjoin(page, true()))
    return joined.order_by(*_sorted(page.c, order, descending))


def _sorted(columns: ColumnCollection[str, Any], order: Sequence[str], descending: bool) -> list[Any]:
    return [columns[name].desc() if descending else columns[name] for name in order]


async def fetch_page(
    session: Executor, statement: Select[Any], parameters: Mapping[str, Any], make: Callable[..., T]
) -> Slice[T]:
    found = (await session.execute(statement, parameters)).all()
    return Slice([make(*row[1:]) for row in found if row[1] is not None], found[0][0])
