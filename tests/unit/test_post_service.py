"""Posts: who writes, sees, changes and removes them."""

from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from domain.errors import NotYours, PostNotFound, TokenMissing, UserInactive, UserNotFound
from domain.pages import Page, Pagination
from domain.posts import Post
from domain.users import Actor
from service.posts import AuthorListing, NewPost, PostChanges, PostListing, PostService
from tests.factories import NOBODY, add_post, change_user
from tests.fakes.store import MemoryStore

NOTHING: Page[Post] = Page([], Pagination(1, 20, 0, 0, None))


def by(author_id: UUID, **query: str) -> PostListing:
    """A listing narrowed to one author, as a query names it."""
    return PostListing.model_validate({"author": str(author_id), **query})


async def stored(store: MemoryStore, post: Post) -> Post | None:
    async with store.read() as work:
        return await work.posts.get(post.id)


@pytest.fixture
async def post(store: MemoryStore, ada: Actor) -> Post:
    """A published post of Ada's."""
    return await add_post(store, ada.id)


@pytest.fixture
async def draft(store: MemoryStore, ada: Actor) -> Post:
    """A draft of Ada's."""
    return await add_post(store, ada.id, published=False)


async def test_a_new_post_is_its_authors_and_a_draft_unless_it_is_published(posts: PostService, ada: Actor) -> None:
    draft = await posts.create(ada, NewPost(title="A title", content="Some text."))
    assert (draft.author_id, draft.published, draft.published_at) == (ada.id, False, None)
    post = await posts.create(ada, NewPost(title="A title", content="Some text.", published=True))
    assert (post.published, post.published_at) == (True, post.created_at)
    assert post.id > draft.id
    assert post.id.version == 7


async def test_a_new_post_is_stored(posts: PostService, ada: Actor) -> None:
    post = await posts.create(ada, NewPost(title=" A title ", content=" Some text. ", published=True))
    assert await posts.get(None, post.id) == post
    assert (post.title, post.content) == ("A title", " Some text. ")


async def test_an_author_who_was_removed_meanwhile_writes_nothing(
    posts: PostService, store: MemoryStore, ada: Actor
) -> None:
    async with store.write() as work:
        await work.users.remove(ada.id)
    with pytest.raises(UserInactive):
        await posts.create(ada, NewPost(title="A title", content="Some text.", published=True))
    assert await posts.list(None, PostListing()) == NOTHING


async def test_a_published_post_shows_itself_to_everybody(
    posts: PostService, post: Post, ada: Actor, bob: Actor, admin: Actor
) -> None:
    for reader in (None, ada, bob, admin):
        assert await posts.get(reader, post.id) == post


async def test_a_draft_shows_itself_to_its_author_and_to_admins(
    posts: PostService, draft: Post, ada: Actor, admin: Actor
) -> None:
    for reader in (ada, admin):
        assert await posts.get(reader, draft.id) == draft


async def test_a_draft_is_not_there_for_anybody_else(posts: PostService, draft: Post, bob: Actor) -> None:
    for reader in (None, bob):
        with pytest.raises(PostNotFound):
            await posts.get(reader, draft.id)


async def test_a_post_that_was_hidden_again_is_not_there_for_others(
    posts: PostService, post: Post, ada: Actor, bob: Actor
) -> None:
    hidden = await posts.change(ada, post.id, PostChanges(published=False))
    assert await posts.get(ada, post.id) == hidden
    assert (await posts.list(None, PostListing())).data == []
    for reader in (None, bob):
        with pytest.raises(PostNotFound):
            await posts.get(reader, post.id)


async def test_there_is_no_post_under_an_unknown_id(posts: PostService, post: Post, admin: Actor) -> None:
    with pytest.raises(PostNotFound):
        await posts.get(admin, NOBODY)


async def test_the_public_list_has_no_drafts_whoever_reads_it(
    posts: PostService, post: Post, draft: Post, ada: Actor, admin: Actor
) -> None:
    for reader in (None, ada, admin):
        assert (await posts.list(reader, PostListing())).data == [post]


async def test_the_public_list_is_newest_first_and_cut_into_pages(
    posts: PostService, store: MemoryStore, post: Post, bob: Actor
) -> None:
    newer = await add_post(store, bob.id)
    first = await posts.list(None, PostListing(limit=1))
    cursor = first.pagination.next_cursor
    assert first == Page([newer], Pagination(1, 1, 2, 2, cursor))
    assert await posts.list(None, PostListing(limit=1, cursor=cursor)) == Page([post], Pagination(None, 1, 2, 2, None))
    assert (await posts.list(None, PostListing(limit=1, page=2))).data == [post]
    assert await posts.list(None, PostListing(limit=1, page=3)) == Page([], Pagination(3, 1, 2, 2, None))


async def test_the_public_list_can_be_of_one_author(
    posts: PostService, store: MemoryStore, post: Post, ada: Actor, bob: Actor
) -> None:
    await add_post(store, bob.id)
    assert (await posts.list(bob, by(ada.id))).data == [post]
    assert await posts.list(None, by(NOBODY)) == NOTHING


async def test_ones_own_list_has_the_drafts_too(
    posts: PostService, store: MemoryStore, post: Post, draft: Post, ada: Actor, bob: Actor
) -> None:
    await add_post(store, bob.id)
    assert (await posts.list(ada, PostListing(mine=True))).data == [draft, post]
    assert (await posts.list(ada, PostListing(mine=True, published=False))).data == [draft]
    assert (await posts.list(ada, PostListing(mine=True, published=True))).data == [post]


async def test_an_admins_own_list_has_nobody_elses_posts(posts: PostService, draft: Post, admin: Actor) -> None:
    assert await posts.list(admin, PostListing(mine=True)) == NOTHING


async def test_ones_own_list_of_another_author_is_empty(
    posts: PostService, store: MemoryStore, post: Post, draft: Post, ada: Actor, bob: Actor
) -> None:
    await add_post(store, bob.id)
    assert await posts.list(bob, by(ada.id, mine="true")) == NOTHING
    assert (await posts.list(ada, by(ada.id, mine="true"))).data == [draft, post]


async def test_nobodys_own_list_needs_a_sign_in(posts: PostService, post: Post) -> None:
    with pytest.raises(TokenMissing):
        await posts.list(None, PostListing(mine=True))


async def test_an_authors_page_has_the_published_posts(
    posts: PostService, store: MemoryStore, post: Post, draft: Post, ada: Actor, bob: Actor
) -> None:
    await add_post(store, bob.id)
    assert await posts.list_by(ada.id, AuthorListing()) == Page([post], Pagination(1, 20, 1, 1, None))


async def test_an_authors_page_narrowed_to_another_author_is_empty(posts: PostService, post: Post, ada: Actor) -> None:
    assert await posts.list_by(ada.id, AuthorListing.model_validate({"author": str(NOBODY)})) == NOTHING
    assert (await posts.list_by(ada.id, AuthorListing.model_validate({"author": str(ada.id)}))).data == [post]


async def test_posts_of_a_deactivated_author_stay_public(
    posts: PostService, store: MemoryStore, post: Post, ada: Actor
) -> None:
    await change_user(store, ada.id, is_active=False)
    assert await posts.get(None, post.id) == post
    assert (await posts.list(None, PostListing())).data == [post]
    assert (await posts.list_by(ada.id, AuthorListing())).data == [post]


@pytest.mark.parametrize("query", [{}, {"author": str(NOBODY)}, {"author": str(uuid7())}])
async def test_nobody_has_no_page(posts: PostService, query: dict[str, str]) -> None:
    with pytest.raises(UserNotFound):
        await posts.list_by(NOBODY, AuthorListing.model_validate(query))


async def test_an_author_and_an_admin_change_a_post(posts: PostService, post: Post, ada: Actor, admin: Actor) -> None:
    changed = await posts.change(ada, post.id, PostChanges(title="New"))
    assert (changed.title, changed.content, changed.published) == ("New", "Some text.", True)
    moderated = await posts.change(admin, post.id, PostChanges(content="Moderated."))
    assert (moderated.title, moderated.content, moderated.author_id) == ("New", "Moderated.", ada.id)


async def test_an_author_and_an_admin_change_a_draft(posts: PostService, draft: Post, ada: Actor, admin: Actor) -> None:
    assert (await posts.change(ada, draft.id, PostChanges(title="New"))).title == "New"
    assert (await posts.change(admin, draft.id, PostChanges(title="Newer"))).title == "Newer"


async def test_the_time_of_first_publication_is_kept(posts: PostService, draft: Post, ada: Actor) -> None:
    shown = await posts.change(ada, draft.id, PostChanges(published=True))
    hidden = await posts.change(ada, draft.id, PostChanges(published=False))
    again = await posts.change(ada, draft.id, PostChanges(published=True))
    assert shown.published_at is not None
    assert shown.published_at == hidden.published_at == again.published_at


@pytest.mark.parametrize("changes", [{}, {"title": "Bob's"}, {"published": False}])
async def test_others_may_not_change_a_published_post(
    posts: PostService, store: MemoryStore, post: Post, bob: Actor, changes: dict[str, Any]
) -> None:
    with pytest.raises(NotYours):
        await posts.change(bob, post.id, PostChanges(**changes))
    assert await stored(store, post) == post


@pytest.mark.parametrize("changes", [{}, {"title": "Bob's"}, {"published": True}])
async def test_a_draft_is_not_there_to_be_changed_by_others(
    posts: PostService, store: MemoryStore, draft: Post, bob: Actor, changes: dict[str, Any]
) -> None:
    with pytest.raises(PostNotFound):
        await posts.change(bob, draft.id, PostChanges(**changes))
    assert await stored(store, draft) == draft


@pytest.mark.parametrize("changes", [{}, {"title": "New"}])
async def test_no_post_is_there_to_be_changed_under_an_unknown_id(
    posts: PostService, ada: Actor, admin: Actor, changes: dict[str, Any]
) -> None:
    for actor in (ada, admin):
        with pytest.raises(PostNotFound):
            await posts.change(actor, NOBODY, PostChanges(**changes))


async def test_an_empty_change_changes_nothing(
    posts: PostService, store: MemoryStore, post: Post, draft: Post, ada: Actor, admin: Actor
) -> None:
    for actor in (ada, admin):
        assert await posts.change(actor, post.id, PostChanges()) == post
        assert await posts.change(actor, draft.id, PostChanges()) == draft
    assert await stored(store, post) == post


async def test_an_author_and_an_admin_remove_posts(
    posts: PostService, store: MemoryStore, post: Post, draft: Post, ada: Actor, admin: Actor
) -> None:
    await posts.remove(ada, post.id)
    await posts.remove(admin, draft.id)
    assert await stored(store, post) is None
    assert await stored(store, draft) is None


async def test_a_removed_post_cannot_be_removed_again(posts: PostService, post: Post, ada: Actor) -> None:
    await posts.remove(ada, post.id)
    with pytest.raises(PostNotFound):
        await posts.remove(ada, post.id)


async def test_others_may_not_remove_a_published_post(
    posts: PostService, store: MemoryStore, post: Post, bob: Actor
) -> None:
    with pytest.raises(NotYours):
        await posts.remove(bob, post.id)
    assert await stored(store, post) == post


async def test_a_draft_is_not_there_to_be_removed_by_others(
    posts: PostService, store: MemoryStore, draft: Post, bob: Actor
) -> None:
    with pytest.raises(PostNotFound):
        await posts.remove(bob, draft.id)
    assert await stored(store, draft) == draft


async def test_no_post_is_there_to_be_removed_under_an_unknown_id(posts: PostService, ada: Actor, admin: Actor) -> None:
    for actor in (ada, admin):
        with pytest.raises(PostNotFound):
            await posts.remove(actor, NOBODY)
