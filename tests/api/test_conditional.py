"""Conditional requests: a client that says which version it knows is spared a body, or kept from overwriting."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from inkwell.app import create_app
from inkwell.settings import Settings
from tests.support import Answer, Client

# {0} is the right tag, {1} the same without its quotes.
BARE = ["{1}", "garbage", '"', "W/", "w/{0}", "{0} {0}", "*, {0}", "{0}, {1}", '{0}, "', "'{1}'", '"a b", {0}']
TAGGED = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


def assert_tagged(answer: Answer) -> None:
    assert answer.headers["ETag"].startswith('"')
    assert {name: answer.headers[name] for name in TAGGED} == TAGGED


@pytest.fixture
async def post(ada: Client) -> str:
    """The path of a post of Ada's."""
    return f"/api/posts/{(await ada.write())['id']}"


async def tag(reader: Client, path: str) -> str:
    found: str = (await reader.get(path)).headers["ETag"]
    return found


async def test_single_users_and_posts_bear_a_tag_wherever_they_are_answered(ada: Client, post: str) -> None:
    me, change = f"/api/users/{ada.id}", {"published": False}
    for answer in (
        await ada.get(post),
        await ada.send("HEAD", post),
        await ada.patch(post, change),
        await ada.post("/api/posts", {"title": "Another", "content": "..."}),
        await ada.get(me),
        await ada.patch(me, {"first_name": "Augusta"}),
        await ada.get("/api/auth/profile"),
    ):
        assert_tagged(answer)


async def test_what_is_neither_bears_no_tag_and_is_not_stored(ada: Client) -> None:
    for path in ("/api/posts", "/api/users", f"/api/users/{ada.id}/posts", "/api/auth/sessions", "/api/posts/7"):
        answer = await ada.get(path)
        assert (answer.headers["Cache-Control"], "ETag" in answer.headers) == ("no-store", False)


async def test_a_tag_is_the_same_until_something_changes(ada: Client, post: str) -> None:
    first = await tag(ada, post)
    assert (await ada.patch(post, {})).headers["ETag"] == first == await tag(ada, post)
    changed = (await ada.patch(post, {"title": "Other"})).headers["ETag"]
    assert changed != first
    assert await tag(ada, post) == changed


async def test_a_made_posts_tag_can_be_used_at_once(ada: Client) -> None:
    made = await ada.post("/api/posts", {"title": "t", "content": "c"})
    held = {"If-Match": made.headers["ETag"]}
    assert (await ada.patch(made.headers["Location"], {"title": "u"}, headers=held)).status == 200
    assert (await ada.patch(made.headers["Location"], {"title": "v"}, headers=held)).code == "precondition_failed"


async def test_a_new_password_is_a_new_version_for_it_moves_updated_at(ada: Client) -> None:
    before = await tag(ada, "/api/auth/profile")
    change = {"current_password": "a fine long password", "new_password": "another fine password"}
    assert (await ada.post("/api/auth/password", change)).status == 204
    assert await tag(ada, "/api/auth/profile") != before


async def test_each_view_of_a_user_has_a_tag_of_its_own(
    ada: Client, bob: Client, admin: Client, make_settings: Callable[..., Settings]
) -> None:
    path = f"/api/users/{ada.id}"
    own, members, admins = [await tag(client, path) for client in (ada, bob, admin)]
    async with create_app(make_settings(directory="admins")).test_app() as running:
        without_address = await tag(Client(running.app, bob.token), path)  # type: ignore[attr-defined]
    assert own == admins
    assert len({own, members, without_address}) == 3


async def test_the_version_is_in_no_body(ada: Client, post: str) -> None:
    for path in (post, "/api/posts", "/api/auth/profile", "/api/users", f"/api/users/{ada.id}"):
        assert b"version" not in (await ada.get(path)).body


@pytest.mark.parametrize("known", ["{0}", "W/{0}", '"x", {0}', "*", 'W/"y",{0} , "z"'])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_is_known_is_not_sent_again(ada: Client, post: str, method: str, known: str) -> None:
    for path in (post, f"/api/users/{ada.id}", "/api/auth/profile"):
        etag = await tag(ada, path)
        answer = await ada.wire(method, path, {"If-None-Match": known.format(etag)})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)
        assert_tagged(answer)
        assert not any(name in answer.headers for name in ("Content-Type", "Content-Length"))


async def test_what_is_not_known_or_no_tag_is_sent(ada: Client, post: str) -> None:
    etag = await tag(ada, post)
    for known in ("", '"x"', ",,,", '""', "é", '"0"', '"9"', *BARE):
        answer = await ada.get(post, headers={"If-None-Match": known.format(etag, etag.strip('"'))})
        assert (answer.status, answer.json["post"]["title"]) == (200, "A title"), known


async def test_what_is_not_the_readers_to_see_is_no_304(ada: Client, bob: Client) -> None:
    draft = f"/api/posts/{(await ada.write(published=False))['id']}"
    assert (await bob.get(draft, headers={"If-None-Match": "*"})).code == "post_not_found"
    assert (await bob.get(draft, headers={"If-None-Match": await tag(ada, draft)})).code == "post_not_found"


@pytest.mark.parametrize("header", ["{0}", "*", '"x", {0}', '{0}, "x"'])
async def test_a_change_goes_through_in_the_version_that_was_seen(ada: Client, post: str, header: str) -> None:
    held = {"If-Match": header.format(await tag(ada, post))}
    assert (await ada.patch(post, {"title": "Other"}, headers=held)).status == 200
    held = {"If-Match": header.format(await tag(ada, post))}
    assert (await ada.delete(post, headers=held)).status == 204


STALE = [
    *("", ",", '""', '"", "99"', '"99"', '"1", "99"', "W/{0}", '"99", W/{0}'),
    *('"2-member"', '"02"', '"0"', '"' + "9" * 40 + '"', '"²"'),
]


@pytest.mark.parametrize("header", STALE)
async def test_a_change_in_another_version_is_refused(ada: Client, admin: Client, header: str) -> None:
    post = await ada.write()
    for client, path in ((ada, f"/api/posts/{post['id']}"), (admin, f"/api/users/{ada.id}")):
        name = "title" if "posts" in path else "first_name"
        await client.patch(path, {name: "Second version"})
        held = {"If-Match": header.format(await tag(client, path))}
        for answer in (
            await client.patch(path, {name: "x"}, headers=held),
            await client.patch(path, {}, headers=held),
            await client.delete(path, headers=held),
        ):
            assert (answer.status, answer.code) == (412, "precondition_failed")
        assert b"Second version" in (await client.get(path)).body


async def test_a_change_for_what_is_no_tag_is_refused_and_told_why(ada: Client, post: str) -> None:
    etag = await tag(ada, post)
    for header in BARE:
        held = {"If-Match": header.format(etag, etag.strip('"'))}
        for answer in (await ada.patch(post, {"title": "Other"}, headers=held), await ada.delete(post, headers=held)):
            assert (answer.status, answer.code) == (400, "invalid_fields"), header
            assert answer.json["details"][0]["field"] == "If-Match"
    assert await tag(ada, post) == etag


async def test_lines_of_a_header_are_one_list(ada: Client, post: str) -> None:
    etag = await tag(ada, post)
    held = Headers([("If-Match", '"99"'), ("If-Match", etag)])
    assert (await ada.patch(post, {"title": "Other"}, headers=held)).status == 200


async def test_the_order_of_checks_is_401_400_403_404_412_409(
    api: Client, ada: Client, bob: Client, admin: Client, post: str
) -> None:
    stale, me = {"If-Match": '"99"'}, f"/api/users/{admin.id}"
    change: Any
    assert (await api.patch(post, {}, headers=stale)).status == 401
    assert (await ada.patch(post, {"title": 7}, headers=stale)).status == 400
    assert (await bob.delete(post, headers={"If-Match": "1"})).status == 400
    assert (await bob.patch(post, {"title": "x"}, headers=stale)).status == 403
    assert (await bob.delete(post, headers=stale)).status == 403
    assert (await ada.delete("/api/posts/7", headers=stale)).status == 404
    for change in ({"role": "user"}, {"is_active": False}, {"email": "ada@example.com"}):
        assert (await admin.patch(me, change, headers=stale)).status == 412
        assert (await admin.patch(me, change, headers={"If-Match": await tag(admin, me)})).status == 409
    assert (await admin.delete(me, headers=stale)).status == 412
    assert (await admin.delete(me, headers={"If-Match": "*"})).code == "last_admin"


async def outcomes(*sent: Any) -> Counter[int]:
    return Counter(answer.status for answer in await asyncio.gather(*sent))


async def test_of_20_changes_of_one_version_one_is_made(ada: Client, post: str) -> None:
    for path, name in ((post, "title"), (f"/api/users/{ada.id}", "last_name")):
        held = {"If-Match": await tag(ada, path)}
        found = await outcomes(*(ada.patch(path, {name: f"n{number}"}, headers=held) for number in range(20)))
        assert found == {200: 1, 412: 19}


async def test_of_20_deletions_and_changes_of_one_version_one_is_made(ada: Client, post: str) -> None:
    held = {"If-Match": await tag(ada, post)}
    changes = [ada.patch(post, {"title": "x"}, headers=held) for _ in range(10)]
    found = await outcomes(*changes, *(ada.delete(post, headers=held) for _ in range(10)))
    assert found[200] + found[204] == 1
    assert set(found) <= {200, 204, 404, 412}


async def test_without_a_condition_no_change_of_another_field_is_lost(ada: Client, post: str) -> None:
    changes: list[dict[str, Any]] = [{"title": "New title"}, {"content": "New content"}, {"published": False}]
    assert await outcomes(*(ada.patch(post, change) for change in changes * 5)) == {200: 15}
    left = (await ada.get(post)).json["post"]
    assert (left["title"], left["content"], left["published"]) == ("New title", "New content", False)
