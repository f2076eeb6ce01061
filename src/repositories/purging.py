"""Rows whose time is over: removed in batches, by any number of nodes at once."""

from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, select
from sqlalchemy.sql.dml import ReturningDelete


def purge(table: Table, condition: ColumnElement[bool]) -> ReturningDelete[Any]:
    """Removes at most :limit rows and returns their ids; the rows that another node is at are left to it."""
    # FOR UPDATE makes the rows be chosen once, before any of them is removed; a bare subquery could be run again.
    doomed = select(table.c.id).where(condition).limit(bindparam("limit")).with_for_update(skip_locked=True)
    return delete(table).where(table.c.id.in_(select(doomed.cte("doomed").c.id))).returning(table.c.id)
