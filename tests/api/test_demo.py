"""`inkwell demo` on a real database, and what the API makes of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inkwell.cli import main
from inkwell.demo import PASSWORD, Demo, load, make_posts, make_users
from inkwell.settings import Settings
from inkwell.supervisor import DatabaseAway
from tests.conftest import SECRET
from tests.support import Client

DEMO = Demo(users=20, posts=60, seed=1)


def ignore(_: int) -> None:
    """Nobody watches the progress."""


def run(database_url: str, *options: str, env: str = "testing") -> Result:
    settings = {"ENV": env, "DATABASE_URL": database_url, "JWT_SECRET_KEY": SECRET, "HASH_MEMORY_KIB": "8"}
    return CliRunner().invoke(main, ["demo", "--users", "20", "--posts", "60", *options], env=settings)


async def test_its_users_sign_in_with_the_demo_password(settings: Settings, api: Client) -> None:
    assert await load(settings, DEMO, ignore)
    someone = await api.sign_in(DEMO.example_email, PASSWORD)
    assert (someone.me["email"], someone.me["role"]) == (DEMO.example_email, "user")


async def test_what_is_read_is_what_was_made(settings: Settings, api: Client) -> None:
    await load(settings, DEMO, ignore)
    posts = list(make_posts(1, 60, list(make_users(1, 20))))
    answer = await api.get("/api/posts?limit=100")
    texts = {post["id"]: (post["title"], post["content"]) for post in answer.json["data"]}
    assert texts == {str(post.id): (post.title, post.content) for post in posts if post.published}


async def test_progress_is_told_row_by_row(settings: Settings) -> None:
    told: list[int] = []
    await load(settings, DEMO, told.append)
    assert told == [20, 60]


async def test_a_second_run_changes_nothing(settings: Settings, api: Client) -> None:
    await load(settings, DEMO, ignore)
    before = (await api.get("/api/posts")).json["pagination"]
    assert not await load(settings, Demo(users=30, posts=90, seed=1), ignore)
    assert (await api.get("/api/posts")).json["pagination"] == before


async def test_nothing_is_added_if_a_part_cannot_be(settings: Settings, api: Client) -> None:
    """The users are written before the posts, and are taken back."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await load(settings, DEMO, interrupt)
    assert await load(settings, DEMO, ignore)


async def test_other_data_stays_as_it_is(settings: Settings, api: Client, ada: Client) -> None:
    post = await ada.write("Mine")
    await load(settings, DEMO, ignore)
    await load(settings, Demo(users=5, posts=5, seed=2), ignore)
    assert (await ada.get(f"/api/posts/{post['id']}")).json["post"] == post
    assert (await ada.get("/api/users?limit=100")).json["pagination"]["total"] > 20


async def test_a_database_without_schema_is_named_in_a_sentence(
    make_settings: Callable[..., Settings], empty_database: str
) -> None:
    with pytest.raises(DatabaseAway, match='"users" does not exist'):
        await load(make_settings(database_url=empty_database), DEMO, ignore)


async def test_the_command_tells_how_to_sign_in_and_the_second_time_that_all_is_there(database_url: str) -> None:
    first = await asyncio.to_thread(run, database_url)
    assert first.exit_code == 0, first.output
    assert "20 users and 60 posts were added." in first.output
    assert f"Sign in as {DEMO.example_email} with the password {PASSWORD}" in first.output
    second = await asyncio.to_thread(run, database_url)
    assert second.exit_code == 0, second.output
    assert "Demo data of seed 1 is there already" in second.output


def test_production_is_refused_before_the_database_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    refused = run("postgresql://nobody@127.0.0.1:1/none", env="production")
    assert refused.exit_code == 1
    assert refused.output == "Error: ENV=production: demo data is refused, because everybody knows its password.\n"
