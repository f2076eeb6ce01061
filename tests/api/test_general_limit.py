"""The limit on all requests of one caller, for installations that have no proxy to keep it."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from inkwell.app import create_app
from inkwell.settings import Settings
from tests.support import Client


@pytest.fixture
async def limited(make_settings: Callable[..., Settings]) -> AsyncIterator[Client]:
    """Somebody who is not signed in, where everybody may come three times a minute."""
    settings = make_settings(general_rate_limit="3/minute", trusted_proxies=1)
    async with create_app(settings).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


async def statuses(
    client: Client, count: int = 4, path: str = "/api/posts", ip: str = "203.0.113.7", **headers: str
) -> list[int]:
    return [(await client.get(path, headers=headers | {"X-Forwarded-For": ip})).status for _ in range(count)]


def as_(client: Client, limited: Client) -> Client:
    return Client(limited.app, client.token)


async def test_a_network_that_comes_too_often_is_refused(limited: Client) -> None:
    answers = [await limited.get("/api/posts") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit"].startswith('"general";r=2;t=')
    assert answers[3].headers["RateLimit-Policy"] == '"general";q=3;w=60'
    assert answers[3].code == "too_many_requests"
    assert 50 <= int(answers[3].headers["Retry-After"]) <= 60


async def test_the_next_minute_is_a_new_one(limited: Client) -> None:
    await statuses(limited)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=True):
        assert await statuses(limited, 1) == [200]


async def test_networks_and_users_are_counted_apart(ada: Client, bob: Client, limited: Client) -> None:
    spent = [200, 200, 200, 429]
    assert await statuses(limited) == await statuses(limited, ip="203.0.112.7") == spent
    assert await statuses(as_(ada, limited)) == await statuses(as_(bob, limited)) == spent


async def test_a_user_is_the_same_from_everywhere(ada: Client, limited: Client) -> None:
    await statuses(as_(ada, limited), 3)
    assert await statuses(as_(ada, limited), 1, ip="203.0.112.7") == [429]


@pytest.mark.parametrize("credentials", ["Bearer a.b.c", "Basic YWRhOnB3", "Bearer", ""])
async def test_a_bad_token_is_no_way_around(limited: Client, credentials: str) -> None:
    await statuses(limited, 3)
    assert await statuses(limited, 1, Authorization=credentials) == [429]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_balancers_may_ask_as_often_as_they_like(limited: Client, path: str) -> None:
    assert await statuses(limited, 10, path) == [200] * 10


async def test_an_unknown_path_counts(limited: Client) -> None:
    assert await statuses(limited, path="/nope") == [404, 404, 404, 429]
