"""Versions: a row's number, which goes up with every change that a reader could see."""

from collections.abc import Collection

from domain.errors import PreconditionFailed

Versions = Collection[int] | None  # those in which a thing may be changed; None for whichever it is in

UNSHOWN = {"exclude": True}  # metadata of a field that is not told to anybody; pydantic reads it


def require(version: int, expected: Versions) -> None:
    """Raises PreconditionFailed."""
    if expected is not None and version not in expected:
        raise PreconditionFailed
