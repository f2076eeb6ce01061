"""Posts in memory, and full-text search in little."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.pages import Cut, Key, Place, Slice
from domain.posts import FoundPost, Post, PostFilter, snippet
from domain.versions import Versions
from tests.fakes.lists import cut_out, fold, is_between
from tests.fakes.tables import Tables, changed

NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # when what was never published is taken to have been
STOP_WORDS = {"the", "and", "of"}


class MemoryPosts:
    """Posts in memory."""

    def __init__(self, tables: Tables, clock: Callable[[], datetime]) -> None:
        self._tables, self._clock = tables, clock

    async def add(self, post_id: UUID, author_id: UUID, title: str, content: str, *, published: bool) -> Post | None:
        if author_id not in self._tables.users:
            return None
        now = self._clock()
        post = Post(post_id, title, content, published, author_id, now, now, now if published else None, 1)
        self._tables.posts[post_id] = post
        return post

    async def get(self, post_id: UUID) -> Post | None:
        return self._tables.posts.get(post_id)

    async def find(self, wanted: PostFilter, cut: Cut) -> Slice[Post]:
        posts = [post for post in self._tables.posts.values() if _is_wanted(post, wanted)]
        found = [(post, _rank(post, wanted.q)) for post in posts]
        places = [(_place(post, rank, cut.sort), post) for post, rank in found if rank]
        sliced = cut_out(places, cut)
        return sliced if wanted.q is None else Slice([_found(post) for post in sliced.rows], sliced.total, sliced.end)

    async def change(
        self, post_id: UUID, owner_id: UUID | None, changes: Mapping[str, Any], expected: Versions = None
    ) -> Post | None:
        post = self._owned(post_id, owner_id, expected)
        if post is None:
            return None
        now = self._clock()
        first_published = now if changes.get("published") else None
        times: dict[str, Any] = {"updated_at": now, "published_at": post.published_at or first_published}
        self._tables.posts[post_id] = changed(post, **changes, **times)
        return self._tables.posts[post_id]

    async def remove(self, post_id: UUID, owner_id: UUID | None, expected: Versions = None) -> UUID | None:
        post = self._owned(post_id, owner_id, expected)
        return self._tables.posts.pop(post_id).author_id if post else None

    def _owned(self, post_id: UUID, owner_id: UUID | None, expected: Versions) -> Post | None:
        post = self._tables.posts.get(post_id)
        return post if post and owner_id in (None, post.author_id) and _is_among(post, expected) else None


def _is_among(post: Post, expected: Versions) -> bool:
    return expected is None or post.version in expected


def _is_wanted(post: Post, wanted: PostFilter) -> bool:
    return (
        wanted.author in (None, post.author_id)
        and wanted.published in (None, post.published)
        and is_between(post.published_at, wanted.published_from, wanted.published_to)
    )


def _place(post: Post, rank: float, sort: str) -> Place:
    if sort == "rank":
        return (NEVER, rank, post.id)
    keys: dict[str, Key] = {"title": fold(post.title), "published_at": post.published_at or NEVER}
    return (keys[sort] if sort in keys else getattr(post, sort), post.id)


def _rank(post: Post, q: str | None) -> float:
    """How much of each searched word there is, in the title above all; 0 where one is missing. Full text in little."""
    if q is None:
        return 1
    words = [word for word in _words(q) if word not in STOP_WORDS]
    ranks = [_words(post.title).count(word) + _words(post.content).count(word) / 1000 for word in words]
    return sum(ranks) if all(ranks) else 0


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _found(post: Post) -> Post:
    return FoundPost(*[*(getattr(post, field.name) for field in fields(post)), snippet(post.content)])
