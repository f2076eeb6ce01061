"""Lists: sorted, narrowed, counted and cut, a page in one round trip, by statements that are built once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Label,
    ScalarSelect,
    Select,
    bindparam,
    func,
    literal_column,
    not_,
    null,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

from domain.pages import Counting, Cut, Slice
from repositories.reading import MOST_STATEMENTS, Executor
from repositories.tables import totals

T = TypeVar("T")

Keys = tuple[ColumnElement[Any], ...]
Conditions = Sequence[ColumnElement[bool]]

LIMIT, OFFSET = bindparam("limit", type_=BigInteger), bindparam("offset", type_=BigInteger)
DEEP = 500  # rows to pass over, from which on it is cheaper to pass over their keys alone, in the index


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a request decides over the statement; everything else is bound to it."""

    filters: frozenset[str]
    sort: str
    descending: bool
    after: bool
    deep: bool
    total: Counting


class MadeKeys(Protocol):
    """Makes the keys of the rows that `rows` selects columns from, for the first page or for one after a place."""

    def __call__(self, rows: Callable[..., Select[Any]], *, after: bool) -> Keys: ...


@dataclass(frozen=True, eq=False)
class Listing(Generic[T]):
    """A list: what makes a row's value, the columns of each sort key, and the conditions that narrow it.

    A condition is named `filter` where it is bound to a parameter of that name, `filter=value` where the value is
    part of it. `kept` names the totals that are counted already for a set of conditions. `extras` are computed from
    the page's rows alone, and come last in a value. `first` tells, by a sort's keys, which rows come before all others:
    those are looked for only where these are not enough.
    """

    make: Callable[..., T]
    columns: Sequence[ColumnElement[Any]]
    sorts: Mapping[str, Keys | MadeKeys]
    filters: Mapping[str, ColumnElement[bool]]
    kept: Mapping[frozenset[str], Sequence[str]] = field(default_factory=dict)
    extras: Callable[[Any], Sequence[ColumnElement[Any]]] = lambda _: ()
    first: Mapping[str, Callable[[Keys], ColumnElement[bool]]] = field(default_factory=dict)

    async def find(self, session: Executor, wanted: Any, cut: Cut) -> Slice[T]:
        """The rows of what is `wanted`: a value whose fields are named as the filters are."""
        shape, bound = self.asked(wanted, cut)
        found = (await session.execute(_page(self, shape), bound)).all()
        total = found[0][0]
        if cut.total == "estimated" and total is None:
            total = await self._estimated(session, shape, bound)
        width = len(_keys(self, shape))
        return self._slice([row[1:] for row in found if row[1] is not None], width, cut, total)

    def asked(self, wanted: Any, cut: Cut) -> tuple[Shape, dict[str, Any]]:
        """What decides over the statement, and what is bound to it."""
        given = {name: value for name in wanted.__slots__ if (value := getattr(wanted, name)) is not None}
        filters = frozenset(name if name in self.filters else f"{name}={value}" for name, value in given.items())
        places = {f"after_{number}": key for number, key in enumerate(cut.after or ())}
        bound = given | places | {"limit": cut.limit + 1, "offset": cut.offset}  # one more, to see whether more follow
        return Shape(filters, cut.sort, cut.descending, cut.after is not None, cut.offset >= DEEP, cut.total), bound

    async def _estimated(self, session: Executor, shape: Shape, bound: Mapping[str, Any]) -> int:
        plan = (await session.execute(_estimate(self, shape.filters), bound)).one()[0]
        return int(plan[0]["Plan"]["Plan Rows"])

    def _slice(self, rows: Sequence[Any], width: int, cut: Cut, total: int | None) -> Slice[T]:
        shown = rows[: cut.limit]
        end = tuple(shown[-1][:width]) if len(rows) > cut.limit else None
        return Slice([self.make(*row[width:]) for row in shown], total, end)

    def rows(self, filters: frozenset[str], *columns: ColumnElement[Any], only: Conditions = ()) -> Select[Any]:
        table: Any = self.columns[0].table  # named, for what is counted without a condition
        narrowed = (*only, *(self.filters[name] for name in sorted(filters)))
        return select(*columns).select_from(table).where(*narrowed)


class Explained(Executable, ClauseElement):
    """The planner's opinion of a statement, which is not run."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explained)
def _explained(element: Explained, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


@lru_cache(MOST_STATEMENTS)
def _estimate(listing: Listing[Any], filters: frozenset[str]) -> Explained:
    return Explained(listing.rows(filters, *listing.columns[:1]))


@lru_cache(MOST_STATEMENTS)
def _keys(listing: Listing[Any], shape: Shape) -> Keys:
    keys = listing.sorts[shape.sort]
    return keys if isinstance(keys, tuple) else keys(partial(listing.rows, shape.filters), after=shape.after)


@lru_cache(MOST_STATEMENTS)
def _page(listing: Listing[Any], shape: Shape) -> Select[Any]:
    """The page's rows, each behind the total and its place; one row with the total alone for an empty page."""
    keys = [column.label(f"key_{number}") for number, column in enumerate(_keys(listing, shape))]
    page = (_deep_cut(listing, shape, keys) if shape.deep else _cut(listing, shape, *keys, *listing.columns)).subquery()
    counted = select(_total(listing, shape).label("total")).subquery("counted")
    joined = select(counted.c.total, *page.c, *listing.extras(page.c)).select_from(counted.outerjoin(page, true()))
    return joined.order_by(*(_directed(page.c[key.name], shape) for key in keys))


def _cut(listing: Listing[Any], shape: Shape, *columns: ColumnElement[Any]) -> Select[Any]:
    if shape.sort in listing.first:
        return _cut_in_two(listing, shape, *columns)
    return _lined_up(listing, shape, *columns).limit(LIMIT).offset(OFFSET)


def _cut_in_two(listing: Listing[Any], shape: Shape, *columns: ColumnElement[Any]) -> Select[Any]:
    """From those that come first, and from the others if these do not reach to the end of the page."""
    is_first, most = listing.first[shape.sort](_keys(listing, shape)), LIMIT + OFFSET
    first = _lined_up(listing, shape, *columns, only=[is_first]).limit(most).cte("first")
    are_few = select(func.count() < most).select_from(first).scalar_subquery()
    others = _lined_up(listing, shape, *columns, only=[not_(is_first), are_few]).limit(most).subquery("others")
    both = union_all(select(first), select(others)).subquery("both")
    keys = [_directed(column, shape) for column in both.c if column.name.startswith("key_")]
    return select(both).order_by(*keys).limit(LIMIT).offset(OFFSET)


def _lined_up(listing: Listing[Any], shape: Shape, *columns: ColumnElement[Any], only: Conditions = ()) -> Select[Any]:
    found = listing.rows(shape.filters, *columns, only=only).order_by(*_sorted(listing, shape))
    return found.where(_beyond(listing, shape)) if shape.after else found


def _deep_cut(listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]]) -> Select[Any]:
    """The keys first, and the rows of the page's keys alone."""
    row_id: Any = listing.columns[0]
    found = _cut(listing, shape, *keys, row_id.label("row_id")).subquery("found")
    named = [found.c[key.name] for key in keys]
    return select(*named, *listing.columns).select_from(found.join(row_id.table, row_id == found.c.row_id))


def _sorted(listing: Listing[Any], shape: Shape) -> list[ColumnElement[Any]]:
    return [_directed(column, shape) for column in _keys(listing, shape)]


def _directed(column: ColumnElement[Any], shape: Shape) -> ColumnElement[Any]:
    return column.desc() if shape.descending else column


def _beyond(listing: Listing[Any], shape: Shape) -> ColumnElement[bool]:
    """Compared as rows: the index is entered at the place, however deep it lies."""
    columns = _keys(listing, shape)
    row = tuple_(*columns)
    place = tuple_(*(bindparam(f"after_{number}", type_=column.type) for number, column in enumerate(columns)))
    return row < place if shape.descending else row > place


def _total(listing: Listing[Any], shape: Shape) -> ScalarSelect[Any] | ColumnElement[Any]:
    if shape.total != "none" and shape.filters in listing.kept:
        names: list[ColumnElement[str]] = [literal_column(f"'{name}'") for name in listing.kept[shape.filters]]
        summed = func.coalesce(func.sum(totals.c.rows), literal_column("0")).cast(BigInteger)
        return select(summed).where(totals.c.name.in_(names)).scalar_subquery()
    if shape.total == "exact":
        return listing.rows(shape.filters, func.count()).scalar_subquery()
    return null().cast(BigInteger)
