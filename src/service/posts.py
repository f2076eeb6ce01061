"""Posts: what authors write, and what the world sees of it."""

from typing import Literal, NoReturn
from uuid import UUID

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from uuid_utils.compat import uuid7

from domain.audit import Action
from domain.errors import PostNotFound, PreconditionFailed, TokenMissing, UserInactive, UserNotFound
from domain.pages import Page, Slice
from domain.permissions import Permission, ensure, only_of
from domain.posts import Post, PostFilter
from domain.users import Actor
from domain.versions import Versions, require
from service.audit import record
from service.fields import Content, Input, QueryFlag, QueryId, QueryTime, SearchText, Title
from service.idempotency import Idempotency, Once
from service.pagination import PageRequest
from service.ports import Store, UnitOfWork


class NewPost(Input):
    """What an author writes; a draft until it is published."""

    title: Title
    content: Content
    published: bool = False


class PostChanges(Input):
    """The fields to change; one that is not sent stays, and its default here is never read."""

    title: Title = ""
    content: Content = ""
    published: bool = False


PostOrder = Literal[
    "published_at",
    "-published_at",
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "title",
    "-title",
]
BEST_FIRST = "-rank"


class AuthorListing(PageRequest):
    """A page of published posts; `author` narrows it to one. `published_to` itself is out of the range."""

    q: SearchText = None
    sort: PostOrder | None = None
    author: QueryId | None = None
    published_from: QueryTime | None = None
    published_to: QueryTime | None = None

    def wanted(self, author_id: UUID | None, *, published: bool | None) -> PostFilter:
        return PostFilter(author_id, published, self.published_from, self.published_to, self.q)

    def order(self, newest_first: str) -> str:
        return self.sort or (BEST_FIRST if self.q else newest_first)


class PostListing(AuthorListing):
    """A page of published posts, or with `mine` of the caller's own, drafts too or only those (not) published."""

    mine: QueryFlag = False
    published: QueryFlag | None = None

    @field_validator("published")
    @classmethod
    def _drafts_are_ones_own(cls, published: bool | None, info: ValidationInfo) -> bool | None:
        if not info.data.get("mine"):
            raise PydanticCustomError("needs_mine", "Only together with mine=true")
        return published


class PostService:
    """Publishes, lists, shows, changes and removes posts."""

    def __init__(self, store: Store, idempotency: Idempotency) -> None:
        self._store, self._idempotency = store, idempotency

    async def list(self, reader: Actor | None, listing: PostListing) -> Page[Post]:
        """Published posts, newest published first; or the reader's own, newest created first; a search's best first.

        Raises TokenMissing, BadCursor, InvalidQuery.
        """
        if not listing.mine:
            return await self._find(listing, listing.wanted(listing.author, published=True), "-published_at")
        if reader is None:
            raise TokenMissing
        nothing = listing.author not in (None, reader.id)
        wanted = listing.wanted(reader.id, published=listing.published)
        return await self._find(listing, wanted, "-created_at", nothing=nothing)

    async def list_by(self, author_id: UUID, listing: AuthorListing) -> Page[Post]:
        """One author's published posts, the same for every reader. Raises UserNotFound, BadCursor, InvalidQuery."""
        wanted = listing.wanted(author_id, published=True)
        listing.cut(wanted, listing.order("-published_at"))  # a bad query is told before who is not there
        async with self._store.read() as work:
            if await work.users.get(author_id) is None:
                raise UserNotFound
        return await self._find(listing, wanted, "-published_at", nothing=listing.author not in (None, author_id))

    async def get(self, reader: Actor | None, post_id: UUID) -> Post:
        """Raises PostNotFound, also for a draft that is not the reader's to see."""
        async with self._store.read() as work:
            return _seen(await work.posts.get(post_id), reader)

    async def create(self, author: Actor, new: NewPost, once: Once[Post] | None = None) -> Post:
        """Raises UserInactive if the author was removed meanwhile, and what Idempotency.run does."""
        if once is None:
            async with self._store.write_one() as work:
                return await _add(work, author, new)
        async with self._store.write() as work:
            return await self._idempotency.run(work, author, once, lambda: _add(work, author, new))

    async def change(self, actor: Actor, post_id: UUID, changes: PostChanges, expected: Versions = None) -> Post:
        """Raises NotYours, PostNotFound, PreconditionFailed."""
        async with self._store.write() as work:
            if not changes.sent:
                return _changeable(await work.posts.get(post_id), actor, Permission.POST_CHANGE, expected)
            owner_id = only_of(actor, Permission.POST_CHANGE)
            post = await work.posts.change(post_id, owner_id, changes.sent, expected)
            if post is None:
                _unchanged(await work.posts.get(post_id), actor, Permission.POST_CHANGE)
            await _record(work, "post.update", actor, post_id, post.author_id, fields=sorted(changes.sent))
        return post

    async def remove(self, actor: Actor, post_id: UUID, expected: Versions = None) -> None:
        """Raises NotYours, PostNotFound, PreconditionFailed."""
        async with self._store.write() as work:
            author_id = await work.posts.remove(post_id, only_of(actor, Permission.POST_DELETE), expected)
            if author_id is None:
                _unchanged(await work.posts.get(post_id), actor, Permission.POST_DELETE)
            await _record(work, "post.delete", actor, post_id, author_id)

    async def _find(
        self, listing: AuthorListing, wanted: PostFilter, newest_first: str, *, nothing: bool = False
    ) -> Page[Post]:
        cut = listing.cut(wanted, listing.order(newest_first))
        if nothing:
            return listing.answer(Slice([], None if cut.total == "none" else 0))
        async with self._store.read() as work:
            return listing.answer(await work.posts.find(wanted, cut), wanted, cut.order)


async def _add(work: UnitOfWork, author: Actor, new: NewPost) -> Post:
    post = await work.posts.add(uuid7(), author.id, new.title, new.content, published=new.published)
    if post is None:
        raise UserInactive
    return post


async def _record(
    work: UnitOfWork, action: Action, actor: Actor, post_id: UUID, author_id: UUID, **data: object
) -> None:
    """What admins do to other people's posts; what authors do to their own is nobody's business."""
    if author_id != actor.id:
        await record(work, action, actor, post_id, author_id=str(author_id), **data)


def _seen(post: Post | None, reader: Actor | None) -> Post:
    if post is None or not post.visible_to(reader):
        raise PostNotFound
    return post


def _changeable(post: Post | None, actor: Actor, do: Permission, expected: Versions = None) -> Post:
    seen = _seen(post, actor)
    ensure(actor, do, seen.author_id)
    require(seen.version, expected)
    return seen


def _unchanged(post: Post | None, actor: Actor, do: Permission) -> NoReturn:
    """Says why it was not to be changed."""
    _changeable(post, actor, do)
    raise PreconditionFailed
