"""Posts, over HTTP."""

from typing import Any

import pytest

from tests.support import Client

KEYS = ["id", "title", "content", "published", "author_id", "created_at", "updated_at", "published_at"]
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"


def titles(answer: Any) -> list[str]:
    return [post["title"] for post in answer.json["data"]]


async def test_a_new_post_is_a_draft(ada: Client) -> None:
    answer = await ada.post("/api/posts", {"title": " On engines ", "content": "Notes."})
    post = answer.json["post"]
    assert (answer.status, list(post), post["author_id"]) == (201, KEYS, ada.id)
    assert (post["title"], post["published"], post["published_at"]) == ("On engines", False, None)
    assert answer.headers["Location"] == f"/api/posts/{post['id']}"


async def test_writing_needs_a_sign_in(api: Client) -> None:
    assert (await api.post("/api/posts", {"title": "x", "content": "x"})).code == "token_missing"


async def test_the_public_list_is_of_published_posts_newest_published_first(api: Client, ada: Client) -> None:
    early = await ada.write("early", published=False)
    await ada.write("middle")
    await ada.write("draft", published=False)
    await ada.patch(f"/api/posts/{early['id']}", {"published": True})
    assert titles(await api.get("/api/posts")) == ["early", "middle"]
    assert titles(await api.get("/api/posts?limit=1&page=2")) == ["middle"]


async def test_author_narrows_the_list(api: Client, ada: Client, bob: Client) -> None:
    await ada.write("hers")
    await bob.write("his")
    assert titles(await api.get(f"/api/posts?author={bob.id}")) == ["his"]
    assert titles(await api.get(f"/api/posts?author={NOBODY}")) == []


async def test_mine_are_the_callers_newest_created_first_drafts_too(ada: Client, bob: Client) -> None:
    await bob.write("his")
    await ada.write("one", published=False)
    await ada.write("two")
    assert titles(await ada.get("/api/posts?mine=true")) == ["two", "one"]
    assert titles(await ada.get("/api/posts?mine=true&published=true")) == ["two"]
    assert titles(await ada.get("/api/posts?mine=true&published=false")) == ["one"]
    assert titles(await ada.get(f"/api/posts?mine=true&author={bob.id}")) == []


async def test_mine_needs_a_sign_in(api: Client) -> None:
    for query in ("mine=true", "mine=true&page=0", "mine=true&surprise=1"):
        assert (await api.get(f"/api/posts?{query}")).code == "token_missing"


@pytest.mark.parametrize("query", ["published=true", "mine=false&published=true", "sort=rank", "author=7", "mine=1"])
async def test_a_query_that_means_nothing_is_refused(ada: Client, query: str) -> None:
    answer = await ada.get(f"/api/posts?{query}")
    assert (answer.status, answer.code) == (400, "invalid_query")


async def test_an_authors_list_is_the_same_for_every_reader(api: Client, ada: Client, admin: Client) -> None:
    await ada.write("seen")
    await ada.write("draft", published=False)
    for reader in (api, ada, admin):
        assert titles(await reader.get(f"/api/users/{ada.id}/posts")) == ["seen"]
    assert titles(await api.get(f"/api/users/{ada.id}/posts?author={NOBODY}")) == []


@pytest.mark.parametrize("user_id", [NOBODY, "7"])
async def test_an_author_who_is_not_there_is_not_found(api: Client, user_id: str) -> None:
    answer = await api.get(f"/api/users/{user_id}/posts")
    assert (answer.status, answer.code) == (404, "user_not_found")


async def test_posts_of_deactivated_users_stay_public(api: Client, ada: Client, admin: Client) -> None:
    post = await ada.write("still here")
    await admin.patch(f"/api/users/{ada.id}", {"is_active": False})
    assert titles(await api.get("/api/posts")) == ["still here"]
    assert titles(await api.get(f"/api/users/{ada.id}/posts")) == ["still here"]
    assert (await api.get(f"/api/posts/{post['id']}")).status == 200


async def test_a_draft_shows_itself_to_its_author_and_admins_alone(
    api: Client, ada: Client, bob: Client, admin: Client
) -> None:
    path = f"/api/posts/{(await ada.write(published=False))['id']}"
    for reader, status in ((ada, 200), (admin, 200), (bob, 404), (api, 404)):
        assert (await reader.get(path)).status == status


@pytest.mark.parametrize("post_id", [NOBODY, "7", NOBODY.upper()])
async def test_a_post_that_is_not_there_is_not_found(ada: Client, post_id: str) -> None:
    for answer in (
        await ada.get(f"/api/posts/{post_id}"),
        await ada.patch(f"/api/posts/{post_id}", {"title": "x"}),
        await ada.delete(f"/api/posts/{post_id}"),
    ):
        assert (answer.status, answer.code, answer.json["message"]) == (404, "post_not_found", "Post not found")


async def test_authors_and_admins_change_a_post(ada: Client, admin: Client) -> None:
    post = await ada.write("first")
    for writer in (ada, admin):
        answer = await writer.patch(f"/api/posts/{post['id']}", {"title": f"by {writer.me['email']}"})
        assert (answer.status, answer.json["post"]["title"]) == (200, f"by {writer.me['email']}")
    changed = answer.json["post"]
    assert (changed["author_id"], changed["content"]) == (ada.id, post["content"])
    assert changed["updated_at"] > post["updated_at"]


async def test_an_empty_change_changes_nothing(ada: Client) -> None:
    post = await ada.write()
    answer = await ada.patch(f"/api/posts/{post['id']}", {})
    assert (answer.status, answer.json["post"]) == (200, post)


async def test_others_may_not_touch_what_they_see_and_do_not_learn_of_drafts(ada: Client, bob: Client) -> None:
    seen, hidden = await ada.write(), await ada.write(published=False)
    for post, status, code in ((seen, 403, "forbidden"), (hidden, 404, "post_not_found")):
        path = f"/api/posts/{post['id']}"
        for answer in (await bob.patch(path, {"title": "x"}), await bob.patch(path, {}), await bob.delete(path)):
            assert (answer.status, answer.code) == (status, code)


async def test_the_first_publication_is_kept(ada: Client) -> None:
    post = await ada.write(published=False)
    path = f"/api/posts/{post['id']}"
    first = (await ada.patch(path, {"published": True})).json["post"]["published_at"]
    hidden = (await ada.patch(path, {"published": False})).json["post"]
    again = (await ada.patch(path, {"published": True})).json["post"]
    assert first is not None
    assert (hidden["published"], hidden["published_at"], again["published_at"]) == (False, first, first)


async def test_deleting_a_post_ends_it(ada: Client, admin: Client) -> None:
    for remover in (ada, admin):
        post = await ada.write()
        answer = await remover.delete(f"/api/posts/{post['id']}")
        assert (answer.status, answer.body) == (204, b"")
        assert (await ada.get(f"/api/posts/{post['id']}")).status == 404
