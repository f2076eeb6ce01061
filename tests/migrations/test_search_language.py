"""The language of full-text search, and its change on a database with posts in it."""

import pytest

from inkwell.database_url import parse_database_url
from inkwell.prepare import migrated
from inkwell.search_language import set_search_language
from inkwell.settings import ConfigurationError, Settings
from tests.support import Client


async def found(client: Client, q: str) -> list[str]:
    return [post["title"] for post in (await client.get(f"/api/posts?q={q}")).json["data"]]


async def test_another_language_indexes_every_post_anew(database_url: str, settings: Settings, ada: Client) -> None:
    await ada.write("Alte Häuser")
    assert await found(ada, "Haus") == []
    await set_search_language(parse_database_url(database_url), "german")
    assert await found(ada, "Haus") == ["Alte Häuser"]
    await ada.write("Neue Häuser")
    assert len(await found(ada, "Haus")) == 2
    await migrated(settings)
    assert await found(ada, "Haus") == []


async def test_a_change_of_language_is_no_change_of_a_post(database_url: str, ada: Client) -> None:
    post = await ada.write()
    await set_search_language(parse_database_url(database_url), "simple")
    assert (await ada.get(f"/api/posts/{post['id']}")).json["post"] == post
    assert (await ada.get("/api/posts")).json["pagination"]["total"] == 1


async def test_an_unknown_language_is_refused_with_those_that_are_known(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SEARCH_LANGUAGE: .* klingon, but: .*english, .*german"):
        await set_search_language(parse_database_url(database_url), "klingon")
