"""Posts in PostgreSQL."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    REAL,
    Column,
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY, insert

from domain.pages import Cut, Slice
from domain.posts import HIT_ENDS, HIT_STARTS, FoundPost, Post, PostFilter, snippet
from domain.versions import Versions
from repositories.failures import REFUSED, violated_constraint
from repositories.paging import Keys, Listing, MadeKeys
from repositories.reading import Executor, GivenUp
from repositories.tables import posts, posts_by_published_at, posts_by_title
from repositories.versions import among

POST: tuple[Column[Any], ...] = (
    posts.c.id,
    posts.c.title,
    posts.c.content,
    posts.c.published,
    posts.c.author_id,
    posts.c.created_at,
    posts.c.updated_at,
    posts.c.published_at,
    posts.c.version,
)

_GET = select(*POST).where(posts.c.id == bindparam("post_id"))
_NEW = ("id", "author_id", "title", "content", "published")
_PARAMETERS = [f"new_{name}" for name in _NEW]
_ADD = insert(posts).values(dict(zip(_NEW, map(bindparam, _PARAMETERS), strict=True))).returning(*POST)
_PUBLISH = _ADD.values(published_at=func.now())

_TIME = posts.c.published_at.type
PUBLIC: Listing[Post] = Listing(
    Post,
    POST,
    sorts={
        "published_at": (posts.c.published_at, posts.c.id),
        "created_at": (posts.c.created_at, posts.c.id),
        "updated_at": (posts.c.updated_at, posts.c.id),
        "title": (posts_by_title, posts.c.id),
    },
    filters={
        "author": posts.c.author_id == bindparam("author"),
        # `published` as it stands: `published IS true` would miss the partial indexes.
        "published=True": posts.c.published,
        "published=False": ~posts.c.published,
        "published_from": posts.c.published_at >= bindparam("published_from", type_=_TIME),
        "published_to": posts.c.published_at < bindparam("published_to", type_=_TIME),
    },
    kept={frozenset({"published=True"}): ["posts"]},
    ranges={"published_from": "published_at", "published_to": "published_at"},
)
_HAS_TIME = posts.c.published_at.is_not(None)
# With drafts among them, whose time is none; the author's indexes are over this key, public or not.
OF_AUTHOR = replace(
    PUBLIC,
    sorts={**PUBLIC.sorts, "published_at": (posts_by_published_at, posts.c.id)},
    filters={
        **PUBLIC.filters,
        "published_from": and_(_HAS_TIME, posts_by_published_at >= bindparam("published_from", type_=_TIME)),
        "published_to": and_(_HAS_TIME, posts_by_published_at < bindparam("published_to", type_=_TIME)),
    },
)

MOST_RANKED = 1_000  # of a search's matches: to rank one, its vector is read
_EARLIEST = literal_column("'1970-01-01 00:00:00+00'::timestamptz", _TIME)
_UNRANKED = literal_column("-1::real", REAL)  # behind whatever is ranked
_QUERY = func.inkwell_query(bindparam("q"), type_=TSQUERY)
_HEADLINE = f"StartSel={HIT_STARTS}, StopSel={HIT_ENDS}, MaxWords=40, MinWords=20"
_ranked = posts.alias("ranked")


def _since(found: CTE, most: int) -> ColumnElement[Any]:
    """When the first match was made that is too old to be among the newest `most`; what is younger is ranked."""
    made = found.c.created_at
    too_old = select(made).order_by(made.desc()).limit(1).offset(literal_column(str(most)))
    since = select(func.coalesce(too_old.scalar_subquery(), _EARLIEST).label("made")).cte("since")
    return select(since.c.made).scalar_subquery()


def ranking(most: int) -> MadeKeys:
    """Keys that rank the newest `most` matches and have the others behind them by age.

    A walk ranks those to its end that were the newest when it began.
    """

    def keys(found: CTE, *, after: bool) -> Keys:
        since = bindparam("after_0", type_=_TIME) if after else _since(found, most)
        rank = select(func.ts_rank(_ranked.c.search, _QUERY, type_=REAL)).where(_ranked.c.id == found.c.id)
        return since, case((found.c.created_at > since, rank.scalar_subquery()), else_=_UNRANKED), found.c.id

    return keys


def _all_that_match() -> ColumnElement[bool]:
    """The search as it is counted: by the index, which the planner leaves alone where it knows that many match.

    It does not know what a subquery asks for. Only what names no word that a match must have is put to it openly.
    """
    names_none = func.querytree(_QUERY) == literal_column("'T'")
    unknown = select(case((not_(names_none), _QUERY))).scalar_subquery()
    search = posts.c.search.bool_op("@@")
    return or_(search(unknown), and_(names_none, search(_QUERY)))


# Characters that a snippet is looked for in: marking costs up to 4 µs for each, and a page has up to 100 posts.
LONGEST_PASSAGE_TEXT = 5_000


def _passage(page: Any) -> list[ColumnElement[Any]]:
    text = func.left(page.content, LONGEST_PASSAGE_TEXT)
    return [
        func.ts_headline(func.inkwell_language(), func.translate(text, HIT_STARTS + HIT_ENDS, ""), _QUERY, _HEADLINE)
    ]


def _found(*values: Any) -> FoundPost:
    return FoundPost(*[*values[:-1], snippet(values[-1])])


def _searched(listing: Listing[Post]) -> Listing[Post]:
    return replace(
        listing,
        make=_found,
        sorts={**listing.sorts, "rank": ranking(MOST_RANKED)},
        filters={**listing.filters, "q": posts.c.search.bool_op("@@")(_QUERY)},
        extras=_passage,
        counting={"q": _all_that_match()},
        found=(posts.c.id, posts.c.created_at),
    )


@cache
def _excluding(listing: Listing[Post]) -> Listing[Post]:
    """For a search that excludes and asks for nothing: what it excludes is found by the index, and counted."""
    return replace(listing, left_out={"q": posts.c.search.bool_op("@@")(select(_EXCLUDED).scalar_subquery())})


PATIENCE_S = 2.0  # half of the usual STATEMENT_TIMEOUT_SECONDS, so that there is time left for a page in a hurry
_EXCLUDED = func.inkwell_excluded(bindparam("q"), type_=TSQUERY)
_ONLY_EXCLUDES = select(_EXCLUDED.is_not(None))
_NEWEST_FIRST = -2.0  # in place of a rank: this walk goes by age
FOUND, FOUND_OF_AUTHOR = _searched(PUBLIC), _searched(OF_AUTHOR)


class PostRepository:
    """Posts over one session."""

    def __init__(self, session: Executor) -> None:
        self._session = session

    async def add(self, post_id: UUID, author_id: UUID, title: str, content: str, *, published: bool) -> Post | None:
        values = (post_id, author_id, title, content, published)
        row = dict(zip(_PARAMETERS, values, strict=True))
        statement = _PUBLISH if published else _ADD
        try:
            return Post(*(await self._session.execute(statement, row)).one())
        except REFUSED as error:
            if violated_constraint(error) == "fk_posts_author_id_users":
                return None
            raise

    async def get(self, post_id: UUID) -> Post | None:
        row = (await self._session.execute(_GET, {"post_id": post_id})).one_or_none()
        return Post(*row) if row else None

    async def find(self, wanted: PostFilter, cut: Cut) -> Slice[Post]:
        listing, searched = (PUBLIC, FOUND) if wanted.author is None else (OF_AUTHOR, FOUND_OF_AUTHOR)
        if wanted.q is None:
            return await listing.find(self._session, wanted, cut)
        return await self._search(searched, wanted, wanted.q, cut)

    async def _search(self, listing: Listing[Post], wanted: PostFilter, q: str, cut: Cut) -> Slice[Post]:
        """Best first where that can be had in time; by age where there is nothing to rank by, or was no time for it."""
        asked = _uncounted(_by_age(cut)) if _goes_by_age(cut) else cut
        if "-" in q and (await self._session.execute(_ONLY_EXCLUDES, {"q": q})).one()[0]:
            listing, asked = _excluding(listing), _by_age(cut)
        try:
            found = await listing.find(self._session, wanted, asked, patience_s=_patience_s(asked))
        except GivenUp:
            asked = _uncounted(_by_age(cut))
            found = await listing.find(self._session, wanted, asked, hurried=True)
        return found if asked.sort == cut.sort else _as_ranked(found)

    async def change(
        self, post_id: UUID, owner_id: UUID | None, changes: Mapping[str, Any], expected: Versions = None
    ) -> Post | None:
        values = {**changes, "updated_at": func.now()}
        if changes.get("published"):
            values["published_at"] = func.coalesce(posts.c.published_at, func.now())
        change = update(posts).where(_owned(post_id, owner_id), among(posts, expected)).values(**values)
        row = (await self._session.execute(change.returning(*POST))).one_or_none()
        return Post(*row) if row else None

    async def remove(self, post_id: UUID, owner_id: UUID | None, expected: Versions = None) -> UUID | None:
        removal = delete(posts).where(_owned(post_id, owner_id), among(posts, expected)).returning(posts.c.author_id)
        row = (await self._session.execute(removal)).one_or_none()
        return row[0] if row else None


def _goes_by_age(cut: Cut) -> bool:
    return cut.sort == "rank" and cut.after is not None and cut.after[1] == _NEWEST_FIRST


def _by_age(cut: Cut) -> Cut:
    """The newest first, where the best were to be; a place in such a walk has the post's age where that by rank has
    since when posts are ranked, so that one cursor serves both."""
    if cut.sort != "rank":
        return cut
    return replace(cut, order="-created_at", after=cut.after and (cut.after[0], cut.after[2]))


def _patience_s(cut: Cut) -> float | None:
    """A walk by rank cannot go on by age, and its first page was in time."""
    return None if cut.sort == "rank" and cut.after else PATIENCE_S


def _uncounted(cut: Cut) -> Cut:
    return replace(cut, total="none") if cut.total == "exact" else cut


def _as_ranked(found: Slice[Post]) -> Slice[Post]:
    return replace(found, end=found.end and (found.end[0], _NEWEST_FIRST, found.end[1]))


def _owned(post_id: UUID, owner_id: UUID | None) -> ColumnElement[bool]:
    one = posts.c.id == post_id
    return one if owner_id is None else one & (posts.c.author_id == owner_id)
