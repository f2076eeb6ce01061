"""Lists: sorted, narrowed, counted and cut, a page in one round trip, by statements that are built once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar, cast

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Label,
    ScalarSelect,
    Select,
    Table,
    Uuid,
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

from domain.pages import Cut, Place, Slice
from repositories.explaining import Explained
from repositories.reading import MOST_STATEMENTS, PATIENCE, Executor
from repositories.shapes import Shape, asked
from repositories.tables import totals

T = TypeVar("T")

Keys = tuple[ColumnElement[Any], ...]
Layout = tuple[Sequence[int], Callable[[Any], Place]]  # the keys that are shown by themselves, and a row's place

LIMIT, OFFSET = bindparam("limit", type_=BigInteger), bindparam("offset", type_=BigInteger)
NEAR = 1_000  # rows of an order to look among for those that are wanted: one in fifty fills a page
MOST_SORTED = 1_000  # rows of a range that are sorted by something else; of more, some come soon in any order
HURRIED = 10_000  # rows of an order that can be looked at in any case, even from the disk


class MadeKeys(Protocol):
    """Makes the keys of rows of which all were found before, for the first page or for one after a place."""

    def __call__(self, found: CTE, *, after: bool) -> Keys: ...


@dataclass(frozen=True, eq=False)
class Listing(Generic[T]):
    """A list: what makes a row's value, the columns of each sort key, and the conditions that narrow it.

    A condition is named `filter` where it is bound to a parameter of that name, `filter=value` where the value is
    part of it; `counting` has those that take another form where all rows are looked for. `kept` names the totals that
    are counted already for a set of conditions. `ranges` names the sort that a condition is a stretch of. `extras` are
    computed from the page's rows alone, and come last in a value. A sort whose keys are made has all rows looked for,
    once, with the columns `found`; the first is the id. `left_out` has what holds for just those that a condition
    leaves out, where these are the ones to count.
    """

    make: Callable[..., T]
    columns: Sequence[ColumnElement[Any]]
    sorts: Mapping[str, Keys | MadeKeys]
    filters: Mapping[str, ColumnElement[bool]]
    kept: Mapping[frozenset[str], Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, str] = field(default_factory=dict)
    extras: Callable[[Any], Sequence[ColumnElement[Any]]] = lambda _: ()
    counting: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    found: Sequence[ColumnElement[Any]] = ()
    left_out: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        return cast(Table, self.columns[0].table)

    async def find(
        self, session: Executor, wanted: Any, cut: Cut, *, patience_s: float | None = None, hurried: bool = False
    ) -> Slice[T]:
        """The rows of what is `wanted`: a value whose fields are named as the filters are.

        Raises GivenUp after `patience_s`, in a Look. `hurried` looks at the next HURRIED rows of the order alone,
        and may have found fewer than the limit, or none, though others follow; not for an order whose keys are made.
        """
        statement, bound, shape, layout = _asked(self, wanted, cut, hurried, patience_s)
        found = (await session.execute(statement, bound)).all()
        total = found[0][0]
        if cut.total == "estimated" and total is None:
            total = await self._estimated(session, shape, bound)
        return self._slice(found if found[0][1] is not None else [], layout, cut, total, hurried=hurried)

    async def _estimated(self, session: Executor, shape: Shape, bound: Mapping[str, Any]) -> int:
        plan = (await session.execute(_estimate(self, shape.filters), bound)).one()[0]
        return int(plan[0]["Plan"]["Plan Rows"])

    def _slice(self, rows: Sequence[Any], layout: Layout, cut: Cut, total: int | None, *, hurried: bool) -> Slice[T]:
        apart, place_of = layout
        begin = 1 + len(apart)  # behind the total
        # Not the place up to which was looked in a hurry.
        whole = [row for row in rows if row[begin] is not None] if hurried else rows
        last = whole[cut.limit - 1] if len(whole) > cut.limit else rows[-1] if len(rows) > len(whole) else None
        return Slice([self.make(*row[begin:]) for row in whole[: cut.limit]], total, last and place_of(last))

    def rows(self, filters: frozenset[str], *columns: ColumnElement[Any]) -> Select[Any]:
        return self._narrowed(self.filters, filters, columns)

    def all_rows(self, filters: frozenset[str], *columns: ColumnElement[Any]) -> Select[Any]:
        """As one has them best who wants them all."""
        return self._narrowed({**self.filters, **self.counting}, filters, columns)

    def _narrowed(
        self, known: Mapping[str, ColumnElement[bool]], filters: frozenset[str], columns: Sequence[ColumnElement[Any]]
    ) -> Select[Any]:
        return select(*columns).select_from(self.table).where(*(known[name] for name in sorted(filters)))


@lru_cache(MOST_STATEMENTS)
def _estimate(listing: Listing[Any], filters: frozenset[str]) -> Explained:
    return Explained(listing.rows(filters, *listing.columns[:1]))


@lru_cache(MOST_STATEMENTS)
def _keys(listing: Listing[Any], shape: Shape) -> Keys:
    keys = listing.sorts[shape.sort]
    return keys if isinstance(keys, tuple) else keys(_found(listing, shape.filters), after=shape.after)


@lru_cache(MOST_STATEMENTS)
def _found(listing: Listing[Any], filters: frozenset[str]) -> CTE:
    return listing.all_rows(filters, *listing.found).cte("found")


def _finds_all(listing: Listing[Any], shape: Shape) -> bool:
    return callable(listing.sorts[shape.sort])


@lru_cache(MOST_STATEMENTS)
def _asked(
    listing: Listing[Any], wanted: Any, cut: Cut, hurried: bool, patience_s: float | None
) -> tuple[Select[Any], Mapping[str, Any], Shape, Layout]:
    """The statement for a page, what is bound to it, how rows are read: first pages are asked for all the time."""
    shape, bound = asked(listing.filters, wanted, cut, hurried=hurried, patience_s=patience_s)
    return _page(listing, shape), MappingProxyType(bound), shape, _layout(listing, shape)


@lru_cache(MOST_STATEMENTS)
def _page(listing: Listing[Any], shape: Shape) -> Select[Any]:
    """The page's rows, each behind the total and its place; one row with the total alone for an empty page."""
    keys = [column.label(f"key_{number}") for number, column in enumerate(_keys(listing, shape))]
    page = _cut(listing, shape, keys).subquery()
    counted = select(_total(listing, shape).label("total")).subquery("counted")
    apart = [page.c[keys[number].name] for number in _layout(listing, shape)[0]]
    shown = [counted.c.total, *apart, *list(page.c)[len(keys) :], *listing.extras(page.c)]
    joined = select(*shown).select_from(counted.outerjoin(page, true()))
    ordered = joined.order_by(*(_directed(page.c[key.name], shape) for key in keys))
    return ordered.execution_options(**{PATIENCE: shape.patience_s})


@lru_cache(MOST_STATEMENTS)
def _layout(listing: Listing[Any], shape: Shape) -> Layout:
    """Which keys are shown by themselves, as the others are among the row's columns, and what reads a row's place."""
    keys, columns = _keys(listing, shape), list(listing.columns)
    apart = [number for number, key in enumerate(keys) if shape.hurried or key not in {*columns}]
    shown = [keys[number] for number in apart] + columns
    places = [1 + next(index for index, column in enumerate(shown) if column is key) for key in keys]
    return apart, lambda row: tuple([row[place] for place in places])


def _cut(listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]]) -> Select[Any]:
    if shape.hurried:
        return _keys_first(listing, keys, _in_a_hurry(listing, shape, keys), isouter=True)
    if _finds_all(listing, shape):
        found = _found(listing, shape.filters)
        return _keys_first(listing, keys, _lined_up(listing, shape, select(*keys, found.c[0].label("row_id"))))
    if _elusive(listing, shape):
        return _keys_first(listing, keys, _near_or_far(listing, shape, keys))
    if _stretches(listing, shape):
        return _keys_first(listing, keys, _few_or_many(listing, shape, keys))
    if shape.deep and shape.filters in listing.kept:
        return _keys_first(listing, keys, _from_nearer_end(listing, shape, keys))
    if shape.deep:
        return _keys_first(listing, keys, _lined_up(listing, shape, _row_ids(listing, shape, keys)))
    return _lined_up(listing, shape, listing.rows(shape.filters, *keys, *listing.columns))


def _row_ids(listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]]) -> Select[Any]:
    return listing.rows(shape.filters, *keys, listing.columns[0].label("row_id"))


def _from_nearer_end(listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]]) -> Select[Any]:
    """The keys, passed over from the end of the list that they are nearer to: how many there are is kept."""
    left, nothing = _kept_total(listing, shape) - OFFSET, literal_column("0", BigInteger)
    rows = _row_ids(listing, shape, keys)
    ahead = rows.where(left >= OFFSET).order_by(*_sorted(listing, shape)).limit(LIMIT).offset(OFFSET)
    back = rows.where(left < OFFSET).order_by(*_sorted(listing, replace(shape, descending=not shape.descending)))
    back = back.limit(func.greatest(func.least(LIMIT, left), nothing)).offset(func.greatest(left - LIMIT, nothing))
    nearer = union_all(select(ahead.subquery("ahead")), select(back.subquery("back"))).subquery("nearer")
    return select(nearer).limit(LIMIT)  # which is never more than there are, but PostgreSQL does not know


def _elusive(listing: Listing[Any], shape: Shape) -> frozenset[str]:
    """Conditions that no index has together with the order: what meets them may be anywhere in it, or nowhere."""
    return shape.filters & listing.counting.keys()


def _stretches(listing: Listing[Any], shape: Shape) -> frozenset[str]:
    """Conditions that are a stretch of another order than the one that is asked for."""
    return frozenset(name for name in shape.filters if listing.ranges.get(name, shape.sort) != shape.sort)


def _looked_for(listing: Listing[Any], shape: Shape) -> frozenset[str]:
    return _elusive(listing, shape) | _stretches(listing, shape)


def _near_or_far(listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]]) -> Select[Any]:
    """The keys of rows that are either many, and then among the next ones of the order, or few, and quickly sorted.

    PostgreSQL can tell neither of the two beforehand.
    """
    most, next_ones = LIMIT + OFFSET, literal_column(str(NEAR), BigInteger) + literal_column("10", BigInteger) * OFFSET
    near = _looked_through(listing, shape, keys, lambda rows: rows.limit(next_ones)).limit(most).cte("near")
    are_few = select(func.count() < most).select_from(near).scalar_subquery()
    all_rows = listing.all_rows(shape.filters, *keys, listing.columns[0].label("row_id")).where(are_few)
    far = _beyond_place(listing, shape, all_rows).cte("far").prefix_with("MATERIALIZED")
    both = union_all(select(near).where(not_(are_few)), select(far)).subquery("both")
    order = [_directed(both.c[key.name], shape) for key in keys]
    return select(both).order_by(*order).limit(LIMIT).offset(OFFSET)


def _looked_through(
    listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]], some: Callable[[Select[Any]], Select[Any]]
) -> Select[Any]:
    """Those among `some` rows of the order, which are looked at one after the other until they are enough."""
    looked_for = sorted(_looked_for(listing, shape))
    shown = [*keys, listing.columns[0].label("row_id")]
    met = [listing.filters[name].label(name) for name in looked_for]
    rows = _beyond_place(listing, shape, listing.rows(shape.filters.difference(looked_for), *shown, *met))
    in_line = some(rows.order_by(*_sorted(listing, shape))).subquery("in_line")
    order = [_directed(in_line.c[key.name], shape) for key in keys]
    found = select(*(in_line.c[column.name] for column in shown))
    return found.where(*(in_line.c[name] for name in looked_for)).order_by(*order)


def _in_a_hurry(listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]]) -> Select[Any]:
    """The keys of those found among the next rows of the order; then, if the page is not full, the last one's place."""
    some = literal_column(str(HURRIED), BigInteger)
    page = _looked_through(listing, shape, keys, lambda rows: rows.limit(some)).limit(LIMIT).offset(OFFSET).cte("page")
    is_short = select(func.count() < LIMIT).select_from(page).scalar_subquery()
    in_line = listing.rows(shape.filters - _looked_for(listing, shape), *keys, null().cast(Uuid).label("row_id"))
    one, last = literal_column("1", BigInteger), literal_column(str(HURRIED - 1), BigInteger)
    place = _lined_up(listing, shape, in_line.where(is_short)).limit(one).offset(last)
    return select(union_all(select(page), select(place.subquery("place"))).subquery("both"))


def _few_or_many(listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]]) -> Select[Any]:
    """The keys of rows in a stretch of another order: sorted where they are few, looked for in this order where not.

    How many there are, the other order's index tells at once; PostgreSQL guesses, and then walks for the last of few.
    """
    few = _start_of_stretch(listing, shape).cte("few").prefix_with("MATERIALIZED")
    are_many = select(func.count() > literal_column(str(MOST_SORTED))).select_from(few).scalar_subquery()
    in_order = _looked_through(listing, shape, keys, _whole_order).where(are_many)
    both = [rows.limit(LIMIT).offset(OFFSET) for rows in (in_order, _sorted_few(listing, shape, keys, few, are_many))]
    return select(union_all(*(select(rows.subquery()) for rows in both)).subquery("both")).limit(LIMIT)


def _start_of_stretch(listing: Listing[Any], shape: Shape) -> Select[Any]:
    """One row more than are sorted."""
    order = cast(Keys, listing.sorts[{listing.ranges[name] for name in _stretches(listing, shape)}.pop()])
    rows = listing.rows(shape.filters, listing.columns[0].label("row_id"))
    return rows.order_by(*order).limit(literal_column(str(MOST_SORTED + 1), BigInteger))


def _whole_order(rows: Select[Any]) -> Select[Any]:
    """Which PostgreSQL leaves as it is for the offset's sake: no other index comes into question."""
    return rows.offset(literal_column("0"))


def _sorted_few(
    listing: Listing[Any], shape: Shape, keys: Sequence[Label[Any]], few: CTE, are_many: ColumnElement[bool]
) -> Select[Any]:
    by_id = select(*keys).select_from(listing.table).where(listing.columns[0] == few.c.row_id)
    one = _whole_order(by_id).lateral("one")
    named = [one.c[key.name] for key in keys]
    rows = select(*named, few.c.row_id).select_from(few.join(one, true())).where(not_(are_many))
    rows = rows.where(_beyond(named, shape)) if shape.after else rows
    return rows.order_by(*(_directed(key, shape) for key in named))


def _keys_first(
    listing: Listing[Any], keys: Sequence[Label[Any]], lined_up: Select[Any], *, isouter: bool = False
) -> Select[Any]:
    """The rows of the page's keys alone."""
    cut = lined_up.subquery("cut")
    named = [cut.c[key.name] for key in keys]
    of_row = listing.columns[0] == cut.c.row_id
    return select(*named, *listing.columns).select_from(cut.join(listing.table, of_row, isouter=isouter))


def _lined_up(listing: Listing[Any], shape: Shape, rows: Select[Any]) -> Select[Any]:
    ordered = _beyond_place(listing, shape, rows).order_by(*_sorted(listing, shape))
    return ordered.limit(literal_column(str(shape.first))) if shape.first else ordered.limit(LIMIT).offset(OFFSET)


def _beyond_place(listing: Listing[Any], shape: Shape, rows: Select[Any]) -> Select[Any]:
    return rows.where(_beyond(_keys(listing, shape), shape)) if shape.after else rows


def _sorted(listing: Listing[Any], shape: Shape) -> list[ColumnElement[Any]]:
    return [_directed(column, shape) for column in _keys(listing, shape)]


def _directed(column: ColumnElement[Any], shape: Shape) -> ColumnElement[Any]:
    return column.desc() if shape.descending else column


def _beyond(keys: Sequence[ColumnElement[Any]], shape: Shape) -> ColumnElement[bool]:
    """Compared as rows: the index is entered at the place, however deep it lies."""
    row = tuple_(*keys)
    place = tuple_(*(bindparam(f"after_{number}", type_=key.type) for number, key in enumerate(keys)))
    return row < place if shape.descending else row > place


def _total(listing: Listing[Any], shape: Shape) -> ScalarSelect[Any] | ColumnElement[Any]:
    if shape.total != "none" and shape.filters in listing.kept:
        return _kept_total(listing, shape)
    if shape.total == "exact" and shape.filters & listing.left_out.keys():
        return _all_but(listing, shape)
    if shape.total == "exact" and _finds_all(listing, shape):
        return select(func.count()).select_from(_found(listing, shape.filters)).scalar_subquery()
    if shape.total == "exact":
        return listing.all_rows(shape.filters, func.count()).scalar_subquery()
    return null().cast(BigInteger)


def _all_but(listing: Listing[Any], shape: Shape) -> ColumnElement[Any]:
    """How many there are without the conditions, less those that these leave out: there is one at most."""
    others = shape.filters.difference(listing.left_out)
    (left_out,) = (listing.left_out[name] for name in shape.filters - others)
    less = listing.rows(others, func.count()).where(left_out).scalar_subquery()
    return _total(listing, replace(shape, filters=others)) - less


def _kept_total(listing: Listing[Any], shape: Shape) -> ScalarSelect[Any]:
    names: list[ColumnElement[str]] = [literal_column(f"'{name}'") for name in listing.kept[shape.filters]]
    summed = func.coalesce(func.sum(totals.c.rows), literal_column("0")).cast(BigInteger)
    return select(summed).where(totals.c.name.in_(names)).scalar_subquery()
