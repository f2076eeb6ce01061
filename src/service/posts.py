"""Posts: what authors write, and what the world sees of it."""

from typing import NoReturn
from uuid import UUID

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from uuid_utils.compat import uuid7

from domain.audit import Action
from domain.errors import NotYours, PostNotFound, PreconditionFailed, TokenMissing, UserInactive, UserNotFound
from domain.pages import Page, Slice
from domain.posts import Post
from domain.users import Actor
from domain.versions import Versions, require
from service.audit import record
from service.fields import Content, Input, NoSearch, QueryFlag, QueryId, Title
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


class AuthorListing(PageRequest):
    """A page of published posts; `author` narrows it to one."""

    q: NoSearch = None
    author: QueryId | None = None


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
        """Published posts, newest published first; or the reader's own, newest created first. Raises TokenMissing."""
        if listing.mine:
            return await self._list_own(reader, listing)
        async with self._store.read() as work:
            found = await work.posts.find_published(listing.author, limit=listing.limit, offset=listing.offset)
        return listing.answer(found)

    async def list_by(self, author_id: UUID, listing: AuthorListing) -> Page[Post]:
        """One author's published posts, the same for every reader. Raises UserNotFound."""
        async with self._store.read() as work:
            if await work.users.get(author_id) is None:
                raise UserNotFound
            if listing.author not in (None, author_id):
                return listing.answer(NO_POSTS)
            found = await work.posts.find_published(author_id, limit=listing.limit, offset=listing.offset)
        return listing.answer(found)

    async def get(self, reader: Actor | None, post_id: UUID) -> Post:
        """Raises PostNotFound, also for a draft that is not the reader's to see."""
        async with self._store.read() as work:
            return _seen(await work.posts.get(post_id), reader)

    async def create(self, author: Actor, new: NewPost, once: Once[Post] | None = None) -> Post:
        """Raises UserInactive if the author was removed meanwhile, and what Idempotency.run does."""
        async with self._store.write() as work:
            return await self._idempotency.run(work, author, once, lambda: _add(work, author, new))

    async def change(self, actor: Actor, post_id: UUID, changes: PostChanges, expected: Versions = None) -> Post:
        """Raises NotYours, PostNotFound, PreconditionFailed."""
        async with self._store.write() as work:
            if not changes.sent:
                return _require_own(await work.posts.get(post_id), actor, expected)
            post = await work.posts.change(post_id, _owner(actor), changes.sent, expected)
            if post is None:
                _unchanged(await work.posts.get(post_id), actor)
            await _record(work, "post.update", actor, post_id, post.author_id, fields=sorted(changes.sent))
        return post

    async def remove(self, actor: Actor, post_id: UUID, expected: Versions = None) -> None:
        """Raises NotYours, PostNotFound, PreconditionFailed."""
        async with self._store.write() as work:
            author_id = await work.posts.remove(post_id, _owner(actor), expected)
            if author_id is None:
                _unchanged(await work.posts.get(post_id), actor)
            await _record(work, "post.delete", actor, post_id, author_id)

    async def _list_own(self, reader: Actor | None, listing: PostListing) -> Page[Post]:
        if reader is None:
            raise TokenMissing
        if listing.author not in (None, reader.id):
            return listing.answer(NO_POSTS)
        async with self._store.read() as work:
            found = await work.posts.find_own(reader.id, listing.published, limit=listing.limit, offset=listing.offset)
        return listing.answer(found)


NO_POSTS: Slice[Post] = Slice([], 0)


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


def _owner(actor: Actor) -> UUID | None:
    """Whose posts the actor may change: an admin everybody's."""
    return None if actor.is_admin else actor.id


def _seen(post: Post | None, reader: Actor | None) -> Post:
    if post is None or not post.visible_to(reader):
        raise PostNotFound
    return post


def _require_own(post: Post | None, actor: Actor, expected: Versions = None) -> Post:
    seen = _seen(post, actor)
    if not actor.is_admin and seen.author_id != actor.id:
        raise NotYours
    require(seen.version, expected)
    return seen


def _unchanged(post: Post | None, actor: Actor) -> NoReturn:
    """Says why it was not to be changed."""
    _require_own(post, actor)
    raise PreconditionFailed
