"""Posts in PostgreSQL."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, bindparam, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from domain.pages import Slice
from domain.posts import Post
from domain.versions import Versions
from repositories.failures import violated_constraint
from repositories.paging import fetch_page, page_statement
from repositories.reading import Executor
from repositories.tables import posts
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
_ADD = insert(posts).returning(*POST)
_PUBLISH = _ADD.values(published_at=func.now())


class PostRepository:
    """Posts over one session."""

    def __init__(self, session: Executor) -> None:
        self._session = session

    async def add(self, post_id: UUID, author_id: UUID, title: str, content: str, *, published: bool) -> Post | None:
        row = {"id": post_id, "author_id": author_id, "title": title, "content": content, "published": published}
        statement = _PUBLISH if published else _ADD
        try:
            return Post(*(await self._session.execute(statement, row)).one())
        except IntegrityError as error:
            if violated_constraint(error) == "fk_posts_author_id_users":
                return None
            raise

    async def get(self, post_id: UUID) -> Post | None:
        row = (await self._session.execute(_GET, {"post_id": post_id})).one_or_none()
        return Post(*row) if row else None

    async def find_published(self, author_id: UUID | None, *, limit: int, offset: int) -> Slice[Post]:
        parameters = {"limit": limit, "offset": offset, "author_id": author_id}
        return await fetch_page(self._session, _published_page(author_id is not None), parameters, Post)

    async def find_own(self, author_id: UUID, published: bool | None, *, limit: int, offset: int) -> Slice[Post]:
        parameters = {"limit": limit, "offset": offset, "author_id": author_id}
        return await fetch_page(self._session, _own_page(published), parameters, Post)

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


_BY_AUTHOR = posts.c.author_id == bindparam("author_id")


@cache
def _published_page(of_one_author: bool) -> Select[Any]:
    # `published` as it stands: `published IS true` would miss the partial indexes.
    shown = select(*POST).where(posts.c.published, _BY_AUTHOR if of_one_author else true())
    return page_statement(shown, ["published_at", "id"], descending=True)


@cache
def _own_page(published: bool | None) -> Select[Any]:
    shown = {None: true(), True: posts.c.published, False: ~posts.c.published}[published]
    return page_statement(select(*POST).where(_BY_AUTHOR, shown), ["created_at", "id"], descending=True)


def _owned(post_id: UUID, owner_id: UUID | None) -> ColumnElement[bool]:
    one = posts.c.id == post_id
    return one if owner_id is None else one & (posts.c.author_id == owner_id)
