"""Full-text search in posts, over HTTP."""

from dataclasses import replace
from urllib.parse import quote

import pytest

import repositories.posts as repository
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
