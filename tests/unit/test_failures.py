"""What the database's refusals mean."""

import ssl

import asyncpg
import pytest
from asyncpg.exceptions import TargetServerAttributeNotMatched
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from repositories.failures import is_outage, sqlstate, violated_constraint

Adapted = AsyncAdapt_asyncpg_dbapi


def wrapped(error: BaseException, outer: type[DBAPIError] = DBAPIError, *, invalidated: bool = False) -> DBAPIError:
    """The driver's error as SQLAlchemy raises it: within an adapter's, within its own."""
    adapted = Adapted.Error(f"{type(error)}: {error}", error)  # type: ignore[no-untyped-call]
    adapted.__cause__ = error
    statement = outer("SELECT 1", {}, adapted, connection_invalidated=invalidated)
    statement.__cause__ = adapted
    return statement


def refused_by(name: str) -> IntegrityError:
    error = asyncpg.UniqueViolationError("duplicate key value violates unique constraint")
    error.constraint_name = name
    refusal = wrapped(error, IntegrityError)
    assert isinstance(refusal, IntegrityError)
    return refusal


def test_a_violated_constraint_is_known_by_its_name() -> None:
    assert violated_constraint(refused_by("uq_users_email")) == "uq_users_email"
    assert sqlstate(refused_by("uq_users_email")) == "23505"


@pytest.mark.parametrize("error", [ValueError("x"), wrapped(asyncpg.DeadlockDetectedError("x"))])
def test_what_violated_no_constraint_has_none(error: Exception) -> None:
    assert violated_constraint(error) is None


def test_what_postgres_did_not_say_has_no_sqlstate() -> None:
    assert sqlstate(ConnectionResetError()) is None


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InvalidPasswordError('password authentication failed for user "inkwell"'),
        asyncpg.InvalidAuthorizationSpecificationError("no pg_hba.conf entry"),
        asyncpg.InvalidCatalogNameError('database "inkwell" does not exist'),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
        asyncpg.SerializationError("could not serialize access"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
        asyncpg.UndefinedTableError('relation "users" does not exist'),
        asyncpg.UndefinedColumnError('column "email" does not exist'),
        asyncpg.UndefinedFunctionError("function inkwell_pairs(text) does not exist"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
        asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
    ],
)
def test_what_passes_is_an_outage_bare_and_wrapped(error: asyncpg.PostgresError) -> None:
    assert is_outage(error)
    assert is_outage(wrapped(error))


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("duplicate key"),
        asyncpg.ForeignKeyViolationError("still referenced"),
        asyncpg.CheckViolationError("new row violates check constraint"),
        asyncpg.NotNullViolationError("null value"),
        asyncpg.DataError("invalid input for query argument $1"),
        asyncpg.FeatureNotSupportedError("not implemented"),
        asyncpg.CharacterNotInRepertoireError("invalid byte sequence"),
        asyncpg.NumericValueOutOfRangeError("out of range"),
        asyncpg.PostgresSyntaxError("syntax error"),
        asyncpg.InsufficientPrivilegeError("permission denied for table users"),
        asyncpg.InFailedSQLTransactionError("current transaction is aborted"),
    ],
)
def test_a_mistake_or_a_refusal_is_no_outage_bare_or_wrapped(error: asyncpg.PostgresError) -> None:
    assert not is_outage(error)
    assert not is_outage(wrapped(error, ProgrammingError))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connect call failed"),
        ConnectionResetError(104, "Connection reset by peer"),
        FileNotFoundError(2, "No such file or directory"),
        TimeoutError(),
        ssl.SSLError("tlsv1 alert"),
        asyncpg.InterfaceError("cannot perform operation: connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        TargetServerAttributeNotMatched("None of the hosts match the target attribute requirement"),
        asyncpg.InvalidCachedStatementError("cached plan must not change result type"),
        PoolTimeoutError("QueuePool limit of size 10 overflow 5 reached"),
    ],
)
def test_a_server_out_of_reach_or_changed_meanwhile_is_an_outage_bare_and_wrapped(error: Exception) -> None:
    assert is_outage(error)
    assert is_outage(wrapped(error, OperationalError))


def test_a_connection_that_was_given_up_is_an_outage() -> None:
    lost = Adapted.InterfaceError("connection is closed")  # type: ignore[no-untyped-call]
    assert is_outage(InterfaceError("SELECT 1", {}, lost, connection_invalidated=True))
    assert not is_outage(InterfaceError("SELECT 1", {}, lost))


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RuntimeError("x"), AssertionError()])
def test_a_mistake_of_ours_is_no_outage(error: Exception) -> None:
    assert not is_outage(error)


def test_an_outage_is_known_by_what_was_being_handled_when_it_showed() -> None:
    late = RuntimeError("while closing")
    late.__context__ = wrapped(asyncpg.AdminShutdownError("terminating connection"))
    assert is_outage(late)
    assert sqlstate(late) == "57P01"


def test_postgres_has_the_last_word_over_what_came_of_it() -> None:
    broken = ConnectionResetError()
    broken.__cause__ = wrapped(asyncpg.UniqueViolationError("duplicate key"))
    assert not is_outage(broken)


def test_errors_that_caused_each_other_are_asked_once() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert not is_outage(first)
    assert violated_constraint(second) is None
