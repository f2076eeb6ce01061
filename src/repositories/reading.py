"""Straight to the database, without what only changes of several statements need: a transaction, a session.

A prebuilt statement is compiled once, and then sent straight on the connection that SQLAlchemy's pool hands out: a
fifth of the processor time that AsyncSession.execute() takes for the same row (docs/decisions/0016).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol, cast

from asyncpg import PostgresError, QueryCanceledError
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.sqltypes import Boolean, NumericCommon
from sqlalchemy.types import TypeEngine

from domain.values import value
from repositories.pool import Borrowed, Connections

Row = Sequence[Any]
Processor = Callable[[Any], Any]
Processors = Sequence[tuple[int, Processor]]

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
NOTHING: Mapping[str, Any] = MappingProxyType({})
MOST_STATEMENTS = 512  # of some 50 kB: lists come in thousands of shapes, most of which nobody asks for


PATIENCE = "patience_s"  # an execution option: seconds after which a look by this statement is given up


class GivenUp(Exception):
    """A look took longer than its statement's patience, or than the server's own time-out."""


_TOO_LATE = (TimeoutError, QueryCanceledError)


class Rows(Protocol):
    """What repositories ask of a result: SQLAlchemy's, and the one below."""

    def __iter__(self) -> Iterator[Any]: ...
    def all(self) -> Sequence[Any]: ...
    def one(self) -> Any: ...
    def one_or_none(self) -> Any | None: ...
    def scalars(self) -> Iterable[Any]: ...


class Executor(Protocol):
    """What repositories ask of a session: SQLAlchemy's for changes, and a Look."""

    async def execute(self, statement: Any, params: Any = None, /) -> Rows: ...


class FetchedRows(list[Row]):
    """The rows of a look, all of them fetched."""

    def all(self) -> Sequence[Row]:
        return self

    def one(self) -> Row:
        found = self.one_or_none()
        if found is None:
            raise NoResultFound("No row was found when one was required")
        return found

    def one_or_none(self) -> Row | None:
        if len(self) > 1:
            raise MultipleResultsFound("Multiple rows were found when one or none was required")
        return self[0] if self else None

    def scalars(self) -> Iterable[Any]:
        return [row[0] for row in self]


class Look:
    """One look at the database: borrows a connection at its first statement, until it is closed."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._borrowed: Borrowed | None = None

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] = NOTHING, /) -> FetchedRows:
        """Raises what asyncpg raises, SQLAlchemy's TimeoutError where the pool stays empty, and GivenUp."""
        if self._borrowed is None:
            self._borrowed = self._connections.borrow_at_once() or await self._connections.borrow()
        compiled, connection = _compile(statement), self._borrowed.driver
        try:
            rows = await connection.look(compiled.sql, compiled.arguments(parameters), compiled.patience_s)
        except BaseException as error:
            if compiled.patience_s and isinstance(error, _TOO_LATE) and not connection.is_closed():
                raise GivenUp from error  # asyncpg has told the server to stop
            # Whoever was broken off in the middle of an answer leaves the rest of it on the wire.
            if connection.is_closed() or not isinstance(error, PostgresError):
                self._borrowed.pooled.invalidate()
            raise
        return FetchedRows(compiled.processed(rows))

    async def aclose(self) -> None:
        borrowed, self._borrowed = self._borrowed, None
        if borrowed is not None and not self._connections.keep(borrowed):
            await self._connections.give_up(borrowed)


class OneChange(Look):
    """The same for one statement that changes something: it commits itself, so that a second would be apart from it."""

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] = NOTHING, /) -> FetchedRows:
        """Raises RuntimeError at a second statement, and what Look raises."""
        if self._borrowed:
            raise RuntimeError("Changes by several statements take a transaction: write() has one")
        return await super().execute(statement, parameters)


@value
class Compiled:
    """A statement as asyncpg takes it; the processors, with their places, are those of types that need one."""

    sql: str
    names: Sequence[str]
    constants: Mapping[str, Any]
    bind_processors: Processors
    result_processors: Processors
    patience_s: float | None = None

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        values = [parameters[name] if name in parameters else self.constants[name] for name in self.names]
        return _through(self.bind_processors, values) if self.bind_processors else values

    def processed(self, rows: Sequence[Row]) -> Sequence[Row]:
        return [_through(self.result_processors, [*row]) for row in rows] if self.result_processors else rows


@lru_cache(MOST_STATEMENTS)
def _compile(statement: Executable) -> Compiled:
    compiled = cast(SQLCompiler, statement.compile(dialect=_DIALECT))  # type: ignore[attr-defined]
    names = tuple(compiled.positiontup or ())
    constants = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
    binding = [_sending(_kind(compiled.binds[name].type)) for name in names]
    showing = [_showing(_kind(column.type)) for column in compiled._result_columns]
    patience_s = statement.get_execution_options().get(PATIENCE)
    return Compiled(compiled.string, names, constants, _needed(binding), _needed(showing), patience_s)


def _kind(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.dialect_impl(_DIALECT)


def _sending(kind: TypeEngine[Any]) -> Processor | None:
    """asyncpg itself refuses what is no truth value."""
    return None if isinstance(kind, Boolean) else kind.bind_processor(_DIALECT)


def _showing(kind: TypeEngine[Any]) -> Processor | None:
    """Numbers come from asyncpg as what they are: SQLAlchemy would ask for the column's type, known with the answer."""
    return None if isinstance(kind, NumericCommon) else kind.result_processor(_DIALECT, None)


def _needed(processors: Sequence[Processor | None]) -> Processors:
    return [(place, process) for place, process in enumerate(processors) if process]


def _through(processors: Processors, values: list[Any]) -> list[Any]:
    for place, process in processors:
        values[place] = process(values[place])
    return values
