"""Full-text search in posts, over HTTP."""

from dataclasses import replace
from urllib.parse import quote

import pytest

import repositories.posts as repository
from repositories import paging
from tests.support import Answer, Client

KEYS = ["id", "title", "content", "published", "author_id", "created_at", "updated_at", "published_at", "snippet"]


async def search(client: Client, q: str, more: str = "") -> Answer:
    answer = await client.get(f"/api/posts?q={quote(q)}{more}")
    assert answer.status == 200, (q, answer.body)
    return answer


async def found(client: Client, q: str, more: str = "") -> list[str]:
    return [post["title"] for post in (await search(client, q, more)).json["data"]]


@pytest.fixture
async def library(ada: Client) -> None:
    """Three published posts and a draft of Ada's."""
    await ada.write("A garden", content="Roses, and an engine among them.")
    await ada.write("The engine", content="How it runs.")
    await ada.write("Tea", content="Boiling water runs over the leaves.")
    await ada.write("An engine to come", content="Nothing yet.", published=False)


async def test_a_title_weighs_more_than_content(api: Client, library: None) -> None:
    assert await found(api, "engines") == ["The engine", "A garden"]
    assert await found(api, "engines", "&sort=title") == ["A garden", "The engine"]


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("running", ["Tea", "The engine"]),
        ("engine -garden", ["The engine"]),
        ("roses or tea", ["A garden", "Tea"]),
        ('"boiling water"', ["Tea"]),
        ('"water boiling"', []),
        ("engine tea", []),
        ("-tea or -garden", ["A garden", "Tea", "The engine"]),
    ],
)
async def test_a_search_speaks_the_language_of_web_searches(
    api: Client, library: None, q: str, titles: list[str]
) -> None:
    assert sorted(await found(api, q)) == titles


async def test_results_have_a_snippet_and_other_lists_none(api: Client, library: None) -> None:
    post = (await search(api, "rose")).json["data"][0]
    assert list(post) == KEYS
    assert post["snippet"] == "<mark>Roses</mark>, and an engine among them."
    assert [list(post) for post in (await api.get("/api/posts")).json["data"]] == [KEYS[:-1]] * 3


async def test_a_search_shows_what_its_list_shows(api: Client, ada: Client, bob: Client, library: None) -> None:
    assert "An engine to come" not in await found(ada, "engine")
    assert "An engine to come" in await found(ada, "engine", "&mine=true")
    assert await found(ada, "engine", "&mine=true&published=false") == ["An engine to come"]
    assert await found(bob, "engine", "&mine=true") == []
    assert await found(api, "engine", f"&author={bob.id}") == []
    by_ada = await api.get(f"/api/users/{ada.id}/posts?q=engine")
    assert len(by_ada.json["data"]) == by_ada.json["pagination"]["total"] == 2


async def test_a_search_is_walked_by_cursor_best_first(api: Client, ada: Client) -> None:
    for number in range(7):
        await ada.write(f"Post {number}", content="tea " * (number % 3 + 1) + "and more")
    whole, walked, cursor = await found(api, "tea"), [], ""
    while cursor is not None:
        page = await search(api, "tea", f"&limit=2{cursor and f'&cursor={cursor}'}")
        walked += [post["title"] for post in page.json["data"]]
        cursor = page.json["pagination"]["next_cursor"]
    assert walked == whole
    assert len(walked) == 7


async def walk(client: Client, q: str, more: str, cursor: str = "") -> list[list[str]]:
    """The titles on each page, none of which is counted."""
    pages = []
    while cursor is not None:
        page = (await search(client, q, f"{more}{cursor and f'&cursor={cursor}'}")).json
        pages.append([post["title"] for post in page["data"]])
        assert (page["pagination"]["total"], page["pagination"]["pages"]) == (None, None)
        cursor = page["pagination"]["next_cursor"]
    return pages


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("-tea", ["The engine", "A garden"]),
        ("-engines", ["Tea"]),
        ("-roses -tea", ["The engine"]),
        ('-"boiling water"', ["The engine", "A garden"]),
        ('-"boiling water" -garden', ["The engine"]),
        ("-water-garden", ["Tea", "The engine", "A garden"]),
        ("-the -tea", ["The engine", "A garden"]),
        ("-zebra", ["Tea", "The engine", "A garden"]),
    ],
)
async def test_a_search_that_only_excludes_is_all_the_others_the_newest_first(
    api: Client, library: None, q: str, titles: list[str]
) -> None:
    assert await found(api, q) == titles
    assert (await search(api, q, "&limit=1")).json["pagination"]["total"] == len(titles)
    assert await walk(api, q, "&limit=1&total=none") == [[title] for title in titles]
    assert await found(api, q, "&sort=title") == sorted(titles)


async def test_a_search_that_only_excludes_counts_within_its_list(ada: Client, bob: Client, library: None) -> None:
    await bob.write("Water")
    for more, titles in (
        ("&mine=true", ["An engine to come", "The engine", "A garden"]),
        ("&mine=true&published=false", ["An engine to come"]),
        (f"&author={bob.id}", ["Water"]),
        ("&published_from=2000-01-01T00:00:00Z", ["Water", "The engine", "A garden"]),
        ("&published_to=2000-01-01T00:00:00Z", []),
    ):
        page = (await search(ada, "-tea", more)).json
        assert ([post["title"] for post in page["data"]], page["pagination"]["total"]) == (titles, len(titles))


@pytest.fixture
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search is in time, and in a hurry three posts are looked at; with lists whose statements are made for that."""
    monkeypatch.setattr(repository, "PATIENCE_S", -1.0)  # over before it begins, however quick the database is
    monkeypatch.setattr(paging, "HURRIED", 3)
    for name in ("FOUND", "FOUND_OF_AUTHOR"):
        monkeypatch.setattr(repository, name, replace(getattr(repository, name)))


@pytest.mark.parametrize(
    ("q", "more", "pages"),
    [
        ("tea", "", [["6", "4"], ["3", "1"], ["0"]]),
        ("tea", "&sort=-title", [["6", "4"], ["3", "1"], ["0"]]),
        ("tea", "&sort=title", [["0", "1"], ["3", "4"], ["6"]]),
        ("milk", "", [["5"], ["2"], []]),
        ("-tea", "", [["5"], ["2"], []]),
        ("zebra", "", [[], [], []]),
        ("6", "", [["6"], [], []]),
    ],
)
async def test_a_search_for_which_there_is_no_time_is_walked_by_steps(
    api: Client, ada: Client, haste: None, q: str, more: str, pages: list[list[str]]
) -> None:
    for number in range(7):
        await ada.write(str(number), content="milk" if number % 3 == 2 else "tea")
    assert await walk(api, q, f"&limit=2{more}") == pages
    assert await walk(api, q, f"&limit=2{more}&author={ada.id}") == pages


async def test_a_page_by_number_for_which_there_is_no_time_tells_where_to_go_on(
    api: Client, ada: Client, haste: None
) -> None:
    for number in range(7):
        await ada.write(str(number), content="tea")
    answer = await search(api, "tea", "&limit=2&page=2")
    page = answer.json
    assert [post["title"] for post in page["data"]] == ["4"]
    assert f'cursor={page["pagination"]["next_cursor"]}>; rel="next"' in answer.headers["Link"]
    assert await walk(api, "tea", "&limit=2", page["pagination"]["next_cursor"]) == [["3", "2"], ["1", "0"]]


async def test_the_newest_are_ranked_and_the_others_follow(
    api: Client, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(repository.FOUND, sorts={**repository.FOUND.sorts, "rank": repository.ranking(2)})
    monkeypatch.setattr(repository, "FOUND", few)
    for title in ("Tea, tea, tea", "Milk", "Tea and tea", "Water"):
        await ada.write(title, content="With tea.")
    ranked = ["Tea and tea", "Water", "Milk", "Tea, tea, tea"]
    assert await found(api, "tea") == ranked
    assert await found(api, "tea", "&limit=2&page=2") == ranked[2:]
    assert (await search(api, "tea", "&limit=1")).json["pagination"]["total"] == 4


@pytest.mark.parametrize(
    ("content", "snippet"),
    [
        ("<script>alert('tea')</script>", " alert(&#x27;tea&#x27;) "),
        ("<mark>tea</mark> & co", " <mark>tea</mark>  &amp; co"),
        ("1 < 2 & tea > 3 <", "1 &lt; 2 &amp; <mark>tea</mark> &gt; 3 &lt;"),
        ("<<b>script>tea</<i>script>", "&lt; script&gt;<mark>tea</mark>&lt;/ script&gt;"),
        ("\x02tea\x03 for \x03two\x02", "<mark>tea</mark> for two"),
        ('<img src=x onerror="tea()"> tea', "  <mark>tea</mark>"),
    ],
)
async def test_a_snippet_is_harmless_whatever_is_in_the_post(
    api: Client, ada: Client, content: str, snippet: str
) -> None:
    """Tags are left out by PostgreSQL, where it knows them for tags, and everything that stays is text."""
    await ada.write("Tea", content=content)
    assert (await search(api, "tea")).json["data"][0]["snippet"] == snippet


@pytest.mark.parametrize(
    "q",
    [
        "the",
        "the and of",
        '"',
        '""""',
        "''",
        "-",
        "- -",
        "or",
        "OR or",
        "!&|()<->:*",
        "\\",
        "\U0001f600",
        "a:b:*",
        "é",
        " ",
    ],
)
async def test_an_odd_search_finds_nothing(api: Client, library: None, q: str) -> None:
    answer = (await search(api, q)).json
    assert (answer["data"], answer["pagination"]["total"], answer["pagination"]["next_cursor"]) == ([], 0, None)


async def test_an_empty_search_is_none(api: Client, library: None) -> None:
    answer = (await api.get("/api/posts?q=")).json
    assert (len(answer["data"]), "snippet" in answer["data"][0]) == (3, False)


LARGEST = {
    "distinct short words": " ".join(f"{number:x}" for number in range(50_000))[:200_000],
    "distinct long words": " ".join(f"word{number:015}" for number in range(10_000)),
    "hyphens": " ".join(f"ab{number}-cd{number}" for number in range(20_000))[:200_000],
    "addresses": " ".join(f"http://e{number}.example/{number}" for number in range(10_000))[:200_000],
    "four bytes a letter": " ".join(
        f"{chr(0x20000 + number)}{chr(0x28000 - number)}-{chr(0x22000 + number)}" for number in range(15_000)
    )[:200_000],
    "one word": "w" * 200_000,
    "one sign": "<" * 200_000,
    "nothing that is a word": "\U0001f600" * 80_000,  # twelve bytes each in JSON
}


@pytest.mark.parametrize("name", LARGEST)
async def test_the_largest_content_is_taken_and_found(api: Client, ada: Client, name: str) -> None:
    await ada.write("Enormous", content=LARGEST[name])
    post = (await search(api, "enormous")).json["data"][0]
    assert post["content"] == LARGEST[name]
    assert len(post["snippet"]) < 2_000_000
