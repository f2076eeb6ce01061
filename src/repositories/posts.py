"""Posts in PostgreSQL."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import (
    REAL,
    Column,
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from domain.pages import Cut, Slice
from domain.posts import HIT_ENDS, HIT_STARTS, FoundPost, Post, PostFilter, snippet
from domain.versions import Versions
from repositories.failures import REFUSED, violated_constraint
from repositories.paging import Keys, Listing, MadeKeys
from repositories.reading import Executor
from repositories.tables import posts, posts_by_published_at, posts_by_title
from repositories.versions import among

Rows = Callable[..., Select[Any]]

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
_ADD = insert(posts).values({name: bindparam(f"new_{name}") for name in _NEW}).returning(*POST)
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
)
# With drafts among them, whose time is none; the author's indexes are over this key, public or not.
OF_AUTHOR = replace(PUBLIC, sorts={**PUBLIC.sorts, "published_at": (posts_by_published_at, posts.c.id)})

MOST_RANKED = 5_000  # of a search's matches: reading the vectors of more takes too long
_EARLIEST = literal_column("'1970-01-01 00:00:00+00'::timestamptz", _TIME)
_UNRANKED = literal_column("-1::real", REAL)  # behind whatever is ranked
_QUERY = func.websearch_to_tsquery(func.inkwell_language(), bindparam("q"))
_HEADLINE = f"StartSel={HIT_STARTS}, StopSel={HIT_ENDS}, MaxWords=40, MinWords=20"


def _since(rows: Rows, most: int) -> ColumnElement[Any]:
    """When the first match was made that is too old to be among the newest `most`; what is younger is ranked."""
    made = rows(posts.c.created_at).order_by(posts.c.created_at.desc()).limit(1).offset(literal_column(str(most)))
    since = select(func.coalesce(made.scalar_subquery(), _EARLIEST).label("made")).cte("since")
    return select(since.c.made).scalar_subquery()


def ranking(most: int) -> MadeKeys:
    """Keys that rank the newest `most` matches and have the others behind them by age.

    A walk ranks those to its end that were the newest when it began.
    """

    def keys(rows: Rows, *, after: bool) -> Keys:
        since = bindparam("after_0", type_=_TIME) if after else _since(rows, most)
        query = select(_QUERY).scalar_subquery()  # made once, whatever the plan
        ranked = case((posts.c.created_at > since, func.ts_rank(posts.c.search, query, type_=REAL)), else_=_UNRANKED)
        return since, ranked, posts.c.id

    return keys


# Characters that a snippet is looked for in: marking costs up to 4 µs for each, and a page has up to 100 posts.
LONGEST_PASSAGE_TEXT = 5_000


def _passage(page: Any) -> list[ColumnElement[Any]]:
    text = func.left(page.content, LONGEST_PASSAGE_TEXT)
    return [
        func.ts_headline(func.inkwell_language(), func.translate(text, HIT_STARTS + HIT_ENDS, ""), _QUERY, _HEADLINE)
    ]


def _found(*values: Any) -> FoundPost:
    return FoundPost(*[*values[:-1], snippet(values[-1])])


FOUND: Listing[Post] = replace(
    OF_AUTHOR,
    make=_found,
    sorts={**OF_AUTHOR.sorts, "rank": ranking(MOST_RANKED)},
    filters={**OF_AUTHOR.filters, "q": posts.c.search.bool_op("@@")(_QUERY)},
    extras=_passage,
    first={"rank": lambda keys: posts.c.created_at > keys[0]},
)


class PostRepository:
    """Posts over one session."""

    def __init__(self, session: Executor) -> None:
        self._session = session

    async def add(self, post_id: UUID, author_id: UUID, title: str, content: str, *, published: bool) -> Post | None:
        values = (post_id, author_id, title, content, published)
        row = {f"new_{name}": value for name, value in zip(_NEW, values, strict=True)}
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
        if wanted.q is not None:
            return await FOUND.find(self._session, wanted, cut)
        return await (PUBLIC if wanted.author is None else OF_AUTHOR).find(self._session, wanted, cut)

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


def _owned(post_id: UUID, owner_id: UUID | None) -> ColumnElement[bool]:
    one = posts.c.id == post_id
    return one if owner_id is None else one & (posts.c.author_id == owner_id)
