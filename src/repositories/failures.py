"""What the database's refusals mean: an outage that passes, a constraint that held, or a mistake of ours."""

from collections.abc import Iterator

from asyncpg import (
    IntegrityConstraintViolationError,
    InterfaceError,
    InternalClientError,
    InvalidCachedStatementError,
)
from asyncpg.exceptions import TargetServerAttributeNotMatched
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

REFUSED = (IntegrityError, IntegrityConstraintViolationError)  # a row by a constraint: SQLAlchemy's word, and asyncpg's
READ_ONLY = "25006"  # a former primary, now a standby

# Classes and codes of SQLSTATE (PostgreSQL's appendix A) under which the same statement may succeed later.
_AWAY = (
    "08",  # connection lost
    "28",  # not let in
    "3D000",  # the database is not there yet
    "53",  # out of connections, memory or disk
    "57P",  # shutting down, or starting up
    READ_ONLY,
)
_BUSY = (
    "40001",  # serialization failure
    "40P01",  # deadlock
    "55P03",  # waited too long for a lock
    "57014",  # statement time-out
    "25P03",  # idle too long in a transaction
)
_LOST = (
    OSError,
    PoolTimeoutError,
    InterfaceError,
    InternalClientError,  # the server said goodbye between two messages of one statement, which asyncpg did not expect
    TargetServerAttributeNotMatched,  # no primary just now
)
_BEHIND = ("42P01", "42703", "42883")  # table, column or function not there yet: the code is ahead of the schema


def is_outage(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    # A migration changed the type of a column: the statement is prepared anew the next time.
    outdated = any(isinstance(link, InvalidCachedStatementError) for link in _chain(error))
    return outdated or _is_one_of(error, _AWAY + _BUSY + _BEHIND)


def is_away(error: BaseException) -> bool:
    """Whether the database cannot be used now, whatever is asked of it."""
    return _is_one_of(error, _AWAY + _BUSY)


def _is_one_of(error: BaseException, states: tuple[str, ...]) -> bool:
    """Outages come in many classes, so the whole chain is asked; one without a state is a connection that was lost."""
    state = sqlstate(error)
    if state is not None:
        return state.startswith(states)
    return any(_is_lost_connection(link) for link in _chain(error))


def sqlstate(error: BaseException) -> str | None:
    """The five characters by which PostgreSQL names a failure, or None if it was not PostgreSQL that failed."""
    return next((state for link in _chain(error) if (state := getattr(link, "sqlstate", None))), None)


def violated_constraint(error: BaseException) -> str | None:
    """The name of the constraint that refused the row."""
    return next((name for link in _chain(error) if (name := getattr(link, "constraint_name", None))), None)


def _is_lost_connection(link: BaseException) -> bool:
    invalidated = isinstance(link, DBAPIError) and link.connection_invalidated
    return invalidated or isinstance(link, _LOST)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__
