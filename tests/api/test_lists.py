"""How lists are sorted, narrowed, counted and walked through, over HTTP."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.factories import NOBODY
from tests.support import Answer, Client


def titles(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [post["title"] for post in answer.json["data"]]


def emails(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [user["email"] for user in answer.json["data"]]


def links(answer: Answer) -> dict[str, str]:
    return {name: target for target, name in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["Link"])}


@pytest.fixture
async def posts(ada: Client) -> list[Any]:
    """Five published posts of Ada's, the oldest first."""
    return [await ada.write(title) for title in ("Tea", "engine", "Éclair", "Zoo", "apple")]


async def test_a_walk_along_the_cursors_meets_every_post(api: Client, posts: list[Any]) -> None:
    first = await api.get("/api/posts?limit=2")
    second = await api.get(f"/api/posts?limit=2&cursor={first.json['pagination']['next_cursor']}")
    third = await api.get(f"/api/posts?limit=2&cursor={second.json['pagination']['next_cursor']}")
    assert [titles(page) for page in (first, second, third)] == [["apple", "Zoo"], ["Éclair", "engine"], ["Tea"]]
    assert third.json["pagination"] == {"page": None, "limit": 2, "total": 5, "pages": 3, "next_cursor": None}


async def test_links_lead_through_the_pages(api: Client, posts: list[Any]) -> None:
    first = await api.get("/api/posts?limit=2&sort=title")
    assert links(first) == {"first": "/api/posts?limit=2&sort=title", "next": "/api/posts?limit=2&sort=title&page=2"}
    second = await api.get(links(first)["next"])
    assert links(second)["prev"] == "/api/posts?limit=2&sort=title&page=1"
    last = await api.get(links(second)["next"])
    assert set(links(last)) == {"first", "prev"}
    assert titles(first) + titles(second) + titles(last) == ["apple", "Éclair", "engine", "Tea", "Zoo"]


async def test_links_lead_along_the_cursors(api: Client, ada: Client, posts: list[Any]) -> None:
    cursor = (await api.get("/api/posts?limit=2")).json["pagination"]["next_cursor"]
    second = await api.get(f"/api/posts?limit=2&cursor={cursor}")
    assert set(links(second)) == {"first", "next"}
    assert titles(await api.get(links(second)["next"])) == ["Tea"]


async def test_the_last_page_that_has_a_number_leads_on_by_a_cursor(
    api: Client, posts: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routes.http.LAST_PAGE", 2)
    last = await api.get("/api/posts?limit=2&page=2&sort=title")
    assert links(last)["prev"] == "/api/posts?limit=2&sort=title&page=1"
    assert titles(await api.get(links(last)["next"])) == ["Zoo"]


async def test_links_keep_the_other_parameters_and_escape_them(ada: Client, bob: Client) -> None:
    q = "@example.com"
    answer = await ada.get(f"/api/users?limit=1&q={quote(q)}&created_from=2020-01-01T00:00:00%2B02:00")
    target = "/api/users?limit=1&q=%40example.com&created_from=2020-01-01T00%3A00%3A00%2B02%3A00"
    assert links(answer) == {"first": target, "next": f"{target}&page=2"}
    assert emails(await ada.get(links(answer)["next"])) == ["bob@example.com"]
    hostile = await ada.get("/api/users?q=" + quote('<>,;"é'))
    assert hostile.headers["Link"] == '</api/users?q=%3C%3E%2C%3B%22%C3%A9>; rel="first"'


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "%00", "%C3%A9", "A" * 5000])
@pytest.mark.parametrize("path", ["/api/users", "/api/posts", "/api/posts?mine=true", "/api/users/ME/posts"])
async def test_a_broken_cursor_is_refused(ada: Client, path: str, cursor: str) -> None:
    separator = "&" if "?" in path else "?"
    answer = await ada.get(f"{path.replace('ME', ada.id)}{separator}cursor={cursor}")
    assert (answer.status, answer.code) in {(400, "bad_cursor"), (400, "invalid_query")}
    assert answer.code == "bad_cursor" or cursor == "%00"


async def test_a_cursor_and_a_page_are_too_much(api: Client, posts: list[Any]) -> None:
    cursor = (await api.get("/api/posts?limit=2")).json["pagination"]["next_cursor"]
    answer = await api.get(f"/api/posts?limit=2&page=1&cursor={cursor}")
    assert (answer.status, answer.code, answer.json["details"][0]["field"]) == (400, "invalid_query", "cursor")


async def test_a_cursor_leads_nowhere_with_other_filters(api: Client, ada: Client, posts: list[Any]) -> None:
    cursor = (await api.get("/api/posts?limit=2")).json["pagination"]["next_cursor"]
    for other in ("sort=title", f"author={ada.id}", "q=tea", "published_to=2030-01-01T00:00:00Z"):
        assert (await api.get(f"/api/posts?{other}&cursor={cursor}")).code == "bad_cursor"
    assert titles(await api.get(f"/api/posts?sort=-published_at&limit=1&cursor={cursor}")) == ["Éclair"]


@pytest.mark.parametrize(
    ("query", "total", "pages"),
    [("total=exact", 5, 3), ("total=estimated", 5, 3), ("total=none", None, None), ("total=none&q=tea", None, None)],
)
async def test_a_total_is_given_as_it_was_asked_for(
    api: Client, posts: list[Any], query: str, total: int | None, pages: int | None
) -> None:
    pagination = (await api.get(f"/api/posts?limit=2&{query}")).json["pagination"]
    assert (pagination["total"], pagination["pages"]) == (total, pages)


async def test_an_estimate_is_a_number(ada: Client, posts: list[Any]) -> None:
    for path in ("/api/users?q=ada", "/api/posts?mine=true", "/api/posts?q=tea"):
        joint = "&" if "?" in path else "?"
        assert isinstance((await ada.get(f"{path}{joint}total=estimated")).json["pagination"]["total"], int)


async def test_totals_have_the_callers_own_writes(api: Client, ada: Client, admin: Client) -> None:
    async def totals() -> list[int]:
        paths = [(api, "/api/posts"), (ada, "/api/users"), (admin, "/api/users"), (admin, "/api/users?role=user")]
        return [(await who.get(path)).json["pagination"]["total"] for who, path in paths]

    assert await totals() == [0, 2, 2, 1]
    post = await ada.write()
    new = {"email": "eve@example.com", "password": "a fine long password"}
    eve = (await admin.post("/api/users", new)).json["user"]
    assert await totals() == [1, 3, 3, 2]
    await ada.patch(f"/api/posts/{post['id']}", {"published": False})
    await admin.patch(f"/api/users/{eve['id']}", {"is_active": False})
    assert await totals() == [0, 2, 3, 2]
    await ada.patch(f"/api/posts/{post['id']}", {"published": True})
    await admin.delete(f"/api/users/{ada.id}")
    assert [(await who.get(path)).json["pagination"]["total"] for who, path in [(api, "/api/posts")]] == [0]


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("title", ["apple", "Éclair", "engine", "Tea", "Zoo"]),
        ("-title", ["Zoo", "Tea", "engine", "Éclair", "apple"]),
        ("created_at", ["Tea", "engine", "Éclair", "Zoo", "apple"]),
        ("-published_at", ["apple", "Zoo", "Éclair", "engine", "Tea"]),
        ("-updated_at", ["Tea", "apple", "Zoo", "Éclair", "engine"]),
    ],
)
async def test_posts_are_sorted_as_asked(ada: Client, posts: list[Any], sort: str, found: list[str]) -> None:
    await ada.patch(f"/api/posts/{posts[0]['id']}", {"content": "Changed."})
    for path in ("/api/posts?", "/api/posts?mine=true&", f"/api/users/{ada.id}/posts?"):
        assert titles(await ada.get(f"{path}sort={sort}")) == found


@pytest.mark.parametrize(
    ("sort", "found"),
    [("-created_at", "cba"), ("email", "abc"), ("-email", "cba"), ("last_name", "bca"), ("-last_name", "acb")],
)
async def test_users_are_sorted_as_asked_and_nameless_ones_first(api: Client, sort: str, found: str) -> None:
    await api.join("a@example.com", last_name="Zuse")
    await api.join("b@example.com")
    reader = await api.join("c@example.com", last_name="Ångström")
    assert [email[0] for email in emails(await reader.get(f"/api/users?sort={sort}"))] == list(found)


@pytest.mark.parametrize("query", ["sort=id", "sort=-", "sort=", "sort=TITLE", "total=some", "created_from=2026-01-01"])
async def test_what_no_list_knows_is_refused(ada: Client, query: str) -> None:
    for path in ("/api/users", "/api/posts"):
        answer = await ada.get(f"{path}?{query}")
        assert (answer.status, answer.code) == (400, "invalid_query")
        assert answer.json["details"][0]["field"] == query.partition("=")[0]


async def test_users_are_narrowed(ada: Client, bob: Client, admin: Client) -> None:
    assert emails(await ada.get("/api/users?role=admin")) == ["root@example.com"]
    await admin.patch(f"/api/users/{bob.id}", {"is_active": False})
    assert emails(await admin.get("/api/users?is_active=false")) == ["bob@example.com"]
    assert emails(await admin.get("/api/users?is_active=true&role=user")) == ["ada@example.com"]
    born = quote(admin.me["created_at"])
    assert emails(await admin.get(f"/api/users?created_from={born}")) == ["root@example.com"]
    assert "root@example.com" not in emails(await admin.get(f"/api/users?created_to={born}"))


@pytest.mark.parametrize("query", ["is_active=true", "is_active=false"])
async def test_who_is_active_is_for_admins_to_ask(ada: Client, query: str) -> None:
    answer = await ada.get(f"/api/users?{query}")
    assert (answer.status, answer.code) == (403, "admin_required")


async def test_posts_are_narrowed_to_a_range_that_ends_before_its_end(api: Client, posts: list[Any]) -> None:
    start, end = quote(posts[1]["published_at"]), quote(posts[3]["published_at"])
    assert titles(await api.get(f"/api/posts?published_from={start}&published_to={end}&sort=title")) == [
        "Éclair",
        "engine",
    ]


@pytest.mark.parametrize(
    "time", ["2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00%2B23:00", "1767225600", "now", ""]
)
async def test_a_time_without_its_offset_is_no_time(api: Client, time: str) -> None:
    answer = await api.get(f"/api/posts?published_from={time}")
    assert (answer.code, answer.json["details"][0]["code"]) == ("invalid_query", "time_format")


async def test_ones_own_posts_by_publication_have_the_drafts_at_the_far_end(ada: Client) -> None:
    for title, published in (("draft", False), ("early", True), ("late", True), ("other draft", False)):
        await ada.write(title, published=published)
    newest, cursor = [], ""
    while cursor is not None:
        page = await ada.get(f"/api/posts?mine=true&sort=-published_at&limit=1{cursor and f'&cursor={cursor}'}")
        newest += titles(page)
        cursor = page.json["pagination"]["next_cursor"]
    assert newest == ["late", "early", "other draft", "draft"]


@pytest.mark.parametrize(("query", "code"), [("cursor=zz", "bad_cursor"), ("cursor=zz&page=1", "invalid_query")])
async def test_a_bad_query_is_told_before_an_author_who_is_not_there(api: Client, query: str, code: str) -> None:
    answer = await api.get(f"/api/users/{NOBODY}/posts?{query}")
    assert (answer.status, answer.code) == (400, code)
