"""Changing a row in the version that the caller knows, and in no other."""

from sqlalchemy import ColumnElement, Table, true

from domain.versions import Versions


def among(table: Table, expected: Versions) -> ColumnElement[bool]:
    """Compared where the row is written: who waited for another change of it sees what that one left."""
    return true() if expected is None else table.c.version.in_(expected)
