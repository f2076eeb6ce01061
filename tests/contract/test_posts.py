"""What every store promises about posts."""

from dataclasses import replace
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from domain.pages import Cut, Slice
from domain.posts import Post, PostFilter
from domain.users import Account
from service.ports import Store
from tests.factories import NOBODY, add_post, add_user, change_user


async def change(store: Store, post: Post, **changes: object) -> Post:
    async with store.write() as work:
        changed = await work.posts.change(post.id, post.author_id, changes)
    assert changed
    return changed


async def stored(store: Store, post: Post) -> Post | None:
    async with store.read() as work:
        return await work.posts.get(post.id)


async def find(store: Store, wanted: PostFilter, cut: Cut) -> Slice[Post]:
    """The rows and their number; where the next page begins is tested with the walks."""
    async with store.read() as work:
        return replace(await work.posts.find(wanted, cut), end=None)


async def published(store: Store, by: Account | None = None, *, limit: int = 100, offset: int = 0) -> Slice[Post]:
    wanted = PostFilter(author=by.id if by else None, published=True)
    return await find(store, wanted, Cut("-published_at", limit, offset))


async def own(
    store: Store, by: Account, shown: bool | None = None, *, limit: int = 100, offset: int = 0
) -> Slice[Post]:
    return await find(store, PostFilter(author=by.id, published=shown), Cut("-created_at", limit, offset))


async def test_a_published_post_has_the_time_of_its_publication(store: Store, ada: Account) -> None:
    post_id = uuid7()
    async with store.write() as work:
        post = await work.posts.add(post_id, ada.id, "A title", "Some text.", published=True)
    assert post
    assert (post.id, post.author_id, post.title, post.content) == (post_id, ada.id, "A title", "Some text.")
    assert post.published
    assert post.published_at == post.created_at == post.updated_at
    assert await stored(store, post) == post


async def test_a_draft_has_not_been_published_at_any_time(store: Store, ada: Account) -> None:
    draft = await add_post(store, ada.id, published=False)
    assert (draft.published, draft.published_at) == (False, None)
    assert await stored(store, draft) == draft


async def test_nobody_cannot_write_a_post(store: Store, ada: Account) -> None:
    async with store.write() as work:
        assert await work.posts.add(uuid7(), NOBODY, "A title", "Some text.", published=True) is None
    assert await published(store) == Slice([], 0)


async def test_long_and_unusual_texts_come_back_as_they_were(store: Store, ada: Account) -> None:
    title, content = "\U0001f600" * 255, "é\u0301\r\n\t\\%_'\";--" * 15_000
    async with store.write() as work:
        post = await work.posts.add(uuid7(), ada.id, title, content, published=False)
    assert post
    assert (post.title, post.content) == (title, content)


async def test_no_post_is_found_under_an_unknown_id(store: Store, ada: Account) -> None:
    await add_post(store, ada.id)
    async with store.read() as work:
        assert await work.posts.get(NOBODY) is None


async def test_published_posts_come_newest_published_first(store: Store, ada: Account, bob: Account) -> None:
    old_draft = await add_post(store, ada.id, published=False)
    first, second = await add_post(store, ada.id), await add_post(store, bob.id)
    await add_post(store, bob.id, published=False)
    newest = await change(store, old_draft, published=True)
    assert await published(store) == Slice([newest, second, first], 3)


async def test_posts_of_one_moment_come_in_the_reverse_order_of_their_ids(store: Store, ada: Account) -> None:
    async with store.write() as work:
        for number in range(4):
            await work.posts.add(uuid7(), ada.id, str(number), "Some text.", published=True)
    assert [post.title for post in (await published(store)).rows] == ["3", "2", "1", "0"]
    assert [post.title for post in (await own(store, ada)).rows] == ["3", "2", "1", "0"]


async def test_published_posts_can_be_those_of_one_author(store: Store, ada: Account, bob: Account) -> None:
    post = await add_post(store, ada.id)
    await add_post(store, bob.id)
    await add_post(store, ada.id, published=False)
    assert await published(store, ada) == Slice([post], 1)


async def test_posts_of_a_deactivated_author_stay_published(store: Store, ada: Account) -> None:
    post = await add_post(store, ada.id)
    await change_user(store, ada.id, is_active=False)
    assert await published(store) == Slice([post], 1)
    assert await published(store, ada) == Slice([post], 1)


async def test_ones_own_posts_come_newest_created_first_with_the_drafts(store: Store, ada: Account) -> None:
    draft = await add_post(store, ada.id, published=False)
    post = await add_post(store, ada.id)
    later_draft = await add_post(store, ada.id, published=False)
    shown = await change(store, draft, published=True)
    assert await own(store, ada) == Slice([later_draft, post, shown], 3)


@pytest.mark.parametrize(("shown", "titles"), [(True, ["b", "a"]), (False, ["d", "c"]), (None, ["d", "c", "b", "a"])])
async def test_ones_own_posts_can_be_the_published_or_the_drafts(
    store: Store, ada: Account, bob: Account, shown: bool | None, titles: list[str]
) -> None:
    for title in "abcd":
        await add_post(store, ada.id, title, published=title in "ab")
        await add_post(store, bob.id, published=title in "bc")
    found = await own(store, ada, shown)
    assert ([post.title for post in found.rows], found.total) == (titles, len(titles))


async def test_a_page_is_a_stretch_of_the_list_and_the_total_is_of_all(store: Store, ada: Account) -> None:
    posts = [await add_post(store, ada.id, str(number)) for number in range(3)][::-1]
    for found in (
        await published(store, limit=2),
        await published(store, ada, limit=2),
        await own(store, ada, limit=2),
    ):
        assert found == Slice(posts[:2], 3)
    assert await published(store, limit=2, offset=2) == Slice(posts[2:], 3)
    assert await own(store, ada, limit=2, offset=2) == Slice(posts[2:], 3)


async def test_a_page_beyond_the_end_is_empty_and_still_has_the_total(store: Store, ada: Account) -> None:
    await add_post(store, ada.id)
    assert await published(store, limit=5, offset=5) == Slice([], 1)
    assert await published(store, ada, limit=5, offset=5) == Slice([], 1)
    assert await own(store, ada, True, limit=5, offset=99_999_900) == Slice([], 1)


async def test_an_author_without_posts_has_empty_lists(store: Store, ada: Account, bob: Account) -> None:
    await add_post(store, bob.id)
    assert await published(store, ada) == Slice([], 0)
    assert await own(store, ada) == Slice([], 0)


@pytest.mark.parametrize("changes", [{"title": "New"}, {"content": "New."}, {"title": "New", "content": "New."}])
async def test_a_change_sets_the_named_fields_and_no_others(
    store: Store, ada: Account, changes: dict[str, Any]
) -> None:
    post, other = await add_post(store, ada.id), await add_post(store, ada.id)
    changed = await change(store, post, **changes)
    assert await stored(store, post) == changed
    assert await stored(store, other) == other
    expected = {"title": post.title, "content": post.content} | changes
    assert {"title": changed.title, "content": changed.content} == expected
    assert (changed.published, changed.published_at, changed.created_at) == (True, post.published_at, post.created_at)


async def test_a_change_moves_updated_at(store: Store, ada: Account) -> None:
    post = await add_post(store, ada.id)
    assert (await change(store, post, title="New")).updated_at > post.updated_at


async def test_a_draft_gets_its_time_when_it_is_first_published(store: Store, ada: Account) -> None:
    draft = await add_post(store, ada.id, published=False)
    changed = await change(store, draft, published=True)
    assert changed.published
    assert changed.published_at == changed.updated_at > draft.created_at


async def test_the_first_time_of_publication_is_kept_for_good(store: Store, ada: Account) -> None:
    post = await add_post(store, ada.id)
    hidden = await change(store, post, published=False)
    shown = await change(store, hidden, published=True)
    again = await change(store, shown, published=True, title="New")
    assert [each.published for each in (hidden, shown, again)] == [False, True, True]
    assert {each.published_at for each in (hidden, shown, again)} == {post.published_at}


async def test_a_draft_that_stays_one_gets_no_time(store: Store, ada: Account) -> None:
    draft = await add_post(store, ada.id, published=False)
    assert (await change(store, draft, published=False, title="New")).published_at is None


async def test_only_its_owner_changes_a_post(store: Store, ada: Account, bob: Account) -> None:
    post = await add_post(store, ada.id)
    async with store.write() as work:
        assert await work.posts.change(post.id, bob.id, {"title": "Bob's"}) is None
    assert await stored(store, post) == post


async def test_a_change_without_an_owner_is_of_anybodys_post(store: Store, ada: Account) -> None:
    post = await add_post(store, ada.id)
    async with store.write() as work:
        changed = await work.posts.change(post.id, None, {"title": "Moderated"})
    assert changed is not None
    assert (changed.title, changed.author_id) == ("Moderated", ada.id)


@pytest.mark.parametrize("owned", [True, False])
async def test_a_change_of_no_post_is_none(store: Store, ada: Account, owned: bool) -> None:
    async with store.write() as work:
        assert await work.posts.change(NOBODY, ada.id if owned else None, {"title": "New"}) is None


async def test_a_removed_post_is_gone_and_cannot_be_removed_again(store: Store, ada: Account) -> None:
    post, kept = await add_post(store, ada.id), await add_post(store, ada.id)
    async with store.write() as work:
        assert await work.posts.remove(post.id, ada.id)
    async with store.write() as work:
        assert not await work.posts.remove(post.id, ada.id)
    assert await published(store) == Slice([kept], 1)


async def test_only_its_owner_removes_a_post(store: Store, ada: Account, bob: Account) -> None:
    post = await add_post(store, ada.id)
    async with store.write() as work:
        assert not await work.posts.remove(post.id, bob.id)
    assert await stored(store, post) == post


async def test_a_removal_without_an_owner_is_of_anybodys_post(store: Store, ada: Account) -> None:
    post = await add_post(store, ada.id)
    async with store.write() as work:
        assert await work.posts.remove(post.id, None)
        assert not await work.posts.remove(post.id, None)
    assert await stored(store, post) is None


async def test_a_block_that_raises_leaves_posts_as_they_were(store: Store) -> None:
    author = await add_user(store)
    post, other = await add_post(store, author.id), await add_post(store, author.id)

    async def fail() -> None:
        async with store.write() as work:
            await work.posts.change(post.id, author.id, {"title": "New"})
            await work.posts.remove(other.id, author.id)
            await work.posts.add(uuid7(), author.id, "Third", "Some text.", published=True)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await published(store) == Slice([other, post], 2)


async def test_a_post_that_is_the_only_change_counts_at_once(store: Store, ada: Account) -> None:
    async with store.write_one() as work:
        post = await work.posts.add(uuid7(), ada.id, "A title", "Some text.", published=False)
        assert post
        assert await stored(store, post) == post


async def test_nobody_writes_a_post_who_is_not_there(store: Store) -> None:
    async with store.write_one() as work:
        assert await work.posts.add(uuid7(), NOBODY, "A title", "Some text.", published=True) is None
