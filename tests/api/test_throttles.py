"""What may be done only so often, over HTTP, and that there is no way around."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import text

from inkwell.app import create_app
from inkwell.settings import Settings
from repositories.database import Database
from routes import headers
from service import Services
from tests.support import PASSWORD, Answer, Client

Events = Callable[[], list[dict[str, Any]]]
ADA, UNKNOWN = "ada@example.com", "nobody@example.com"
WRONG = "not the password"
CHANGE = {"current_password": WRONG, "new_password": "another fine password"}
FIVE_MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)


def later(time: timedelta) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + time, tick=True)


def forwarded(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def log_in(api: Client, email: str = ADA, password: str = WRONG, **more: Any) -> Answer:
    return await api.post("/api/auth/login", {"email": email, "password": password}, **more)


async def statuses(api: Client, count: int, email: str = ADA, **more: Any) -> list[int]:
    return [(await log_in(api, email, **more)).status for _ in range(count)]


@pytest.fixture
async def behind_proxy(make_settings: Callable[..., Settings], ada: Client) -> AsyncIterator[Client]:
    """Somebody whose address a trusted proxy tells."""
    async with create_app(make_settings(trusted_proxies=1)).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


@pytest.fixture
async def other_node(make_settings: Callable[..., Settings]) -> AsyncIterator[Client]:
    async with create_app(make_settings()).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


@pytest.mark.parametrize("email", [ADA, UNKNOWN])
async def test_the_eleventh_wrong_password_is_not_looked_at(api: Client, ada: Client, email: str) -> None:
    assert await statuses(api, 12, email) == [401] * 10 + [429] * 2


async def test_the_refusal_says_when_to_come_again(api: Client) -> None:
    answer = [await log_in(api) for _ in range(11)][-1]
    assert (answer.status, answer.code) == (429, "too_many_requests")
    assert answer.json["error"] == "Too Many Requests"
    assert answer.json["message"] == "Too many requests; try again later"
    assert 290 <= int(answer.headers["Retry-After"]) <= 300
    assert answer.headers["RateLimit-Policy"] == '"login";q=10;w=300'
    assert answer.headers["RateLimit"] == f'"login";r=0;t={answer.headers["Retry-After"]}'


async def test_other_answers_say_what_is_left_whether_or_not_there_is_an_account(api: Client, ada: Client) -> None:
    known, unknown = await log_in(api), await log_in(api, UNKNOWN)
    assert known.headers["RateLimit-Policy"] == '"login";q=10;w=300, "login-network";q=50;w=300'
    assert known.headers["RateLimit"] == '"login";r=9;t=300, "login-network";r=49;t=300'
    assert unknown.headers["RateLimit"].startswith('"login";r=9;t=300, "login-network";r=48;t=')
    right = await log_in(api, password=PASSWORD)
    assert right.headers["RateLimit"].startswith('"login";r=9;t=')


async def test_the_right_password_is_refused_too_until_the_window_is_over(api: Client, ada: Client) -> None:
    await statuses(api, 10)
    assert (await log_in(api, password=PASSWORD)).status == 429
    with later(FIVE_MINUTES):
        assert (await log_in(api, password=PASSWORD)).status == 200


async def test_right_passwords_use_nothing_up(api: Client, ada: Client) -> None:
    assert set(await statuses(api, 30, password=PASSWORD)) == {200}


async def test_an_own_account_buys_no_guesses_at_others(api: Client, ada: Client, bob: Client) -> None:
    for number in range(50):
        assert (await log_in(api, f"user{number}@example.com")).status == 401
        await log_in(api, ADA, PASSWORD)
    assert (await log_in(api, "bob@example.com")).status == 429


@pytest.mark.parametrize("email", ["ADA@EXAMPLE.COM", "  ada@example.com\n", "Ada@Example.com"])
async def test_another_spelling_is_no_way_around(api: Client, email: str) -> None:
    await statuses(api, 10)
    assert (await log_in(api, email)).status == 429


@pytest.mark.parametrize(
    ("one", "neighbour", "stranger"),
    [
        ("203.0.113.7", "203.0.113.200", "203.0.112.7"),
        ("203.0.113.7", "::ffff:203.0.113.9", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::ffff:1:2:3", "2001:db8:0:1::1"),
    ],
)
async def test_a_neighbours_address_is_no_way_around(
    behind_proxy: Client, one: str, neighbour: str, stranger: str
) -> None:
    assert await statuses(behind_proxy, 11, headers=forwarded(one)) == [401] * 10 + [429]
    assert (await log_in(behind_proxy, headers=forwarded(neighbour))).status == 429
    assert (await log_in(behind_proxy, headers=forwarded(stranger))).status == 401


async def test_a_made_up_hop_before_the_trusted_one_is_no_way_around(behind_proxy: Client) -> None:
    answers = [await log_in(behind_proxy, headers=forwarded(f"10.0.{n}.1, 203.0.113.7")) for n in range(11)]
    assert answers[-1].status == 429


@pytest.fixture
def first_warning() -> None:
    headers._warn_of_proxy.cache_clear()


@pytest.mark.usefixtures("first_warning")
async def test_a_forwarded_address_that_nobody_vouches_for_changes_nothing_and_is_warned_about_once(
    api: Client, log_events: Events
) -> None:
    answers = [await log_in(api, headers=forwarded(f"10.0.{number}.1")) for number in range(11)]
    assert [answer.status for answer in answers] == [401] * 10 + [429]
    warnings = [event for event in log_events() if event["event"] == "x_forwarded_for_ignored"]
    assert len(warnings) == 1


@pytest.mark.usefixtures("first_warning")
async def test_without_the_header_or_behind_a_trusted_proxy_there_is_no_warning(
    api: Client, behind_proxy: Client, log_events: Events
) -> None:
    await log_in(api)
    await log_in(behind_proxy, headers=forwarded("203.0.113.7"))
    assert "x_forwarded_for_ignored" not in [event["event"] for event in log_events()]


@pytest.mark.parametrize("email", [ADA, UNKNOWN])
async def test_of_100_guesses_at_once_on_two_nodes_10_are_looked_at(
    api: Client, ada: Client, other_node: Client, email: str
) -> None:
    answers = await asyncio.gather(*(log_in((api, other_node)[number % 2], email) for number in range(100)))
    assert Counter(answer.status for answer in answers) == {401: 10, 429: 90}


async def test_a_stolen_token_buys_no_guesses_without_end(api: Client, ada: Client) -> None:
    farewell, move = {"password": WRONG}, {"password": WRONG, "new_email": "countess@example.com"}
    asked = [("password", CHANGE), ("delete-account", farewell), ("email", move)]
    answers = [await ada.post(f"/api/auth/{path}", body) for path, body in asked * 4]
    assert [answer.status for answer in answers] == [400] * 10 + [429] * 2
    assert answers[-1].headers["RateLimit-Policy"] == '"password";q=10;w=300'
    with later(FIVE_MINUTES):
        assert (await ada.post("/api/auth/delete-account", {"password": PASSWORD})).status == 204


async def test_strangers_and_thieves_keep_nobody_from_a_new_password(api: Client, ada: Client) -> None:
    thief = await api.sign_in(ADA)
    for _ in range(11):
        await thief.post("/api/auth/delete-account", {"password": WRONG})
    for number in range(50):
        await log_in(api, (ADA, f"user{number}@example.com")[number % 2])
    assert (await log_in(api, password=PASSWORD)).status == 429
    change = {"current_password": PASSWORD, "new_password": "another fine password"}
    assert (await ada.post("/api/auth/password", change)).status == 204


async def test_one_network_registers_20_times_an_hour(api: Client) -> None:
    async def register(number: int) -> Answer:
        return await api.post("/api/auth/register", {"email": f"user{number % 15}@example.com", "password": PASSWORD})

    answers = [await register(number) for number in range(21)]
    assert [answer.status for answer in answers] == [201] * 15 + [409] * 5 + [429]
    assert answers[0].headers["RateLimit"] == '"register";r=19;t=3600'
    with later(HOUR):
        assert (await register(0)).status == 409


async def test_a_session_is_refreshed_30_times_a_minute(api: Client, ada: Client) -> None:
    token = (await log_in(api, password=PASSWORD)).json["refresh_token"]
    for _ in range(30):
        answer = await api.post("/api/auth/refresh", {"refresh_token": token})
        token = answer.json["refresh_token"]
    refused = await api.post("/api/auth/refresh", {"refresh_token": token})
    assert (answer.status, refused.status, refused.headers["RateLimit-Policy"]) == (200, 429, '"refresh";q=30;w=60')
    with later(timedelta(minutes=1)):
        assert (await api.post("/api/auth/refresh", {"refresh_token": token})).status == 200


async def test_a_repeated_refresh_is_one(api: Client, ada: Client) -> None:
    token = (await log_in(api, password=PASSWORD)).json["refresh_token"]
    answers = [await api.post("/api/auth/refresh", {"refresh_token": token}) for _ in range(40)]
    assert {answer.status for answer in answers} == {200}


async def test_one_address_gets_5_mails_of_a_kind_an_hour(services: Services, database: Database) -> None:
    async with database.write() as work:
        assert [await services.throttles.may_mail(work, "reset", ADA) for _ in range(6)] == [True] * 5 + [False]


async def test_whoever_registers_and_leaves_again_and_again_mails_an_address_no_more_than_that(
    api: Client, statements: list[str]
) -> None:
    new = "another fine password"
    for _ in range(6):
        somebody = await api.join(ADA)
        await somebody.send("POST", "/api/auth/verify-email/resend")
        await api.post("/api/auth/forgot", {"email": " Ada@Example.com"})
        await somebody.post("/api/auth/password", {"current_password": PASSWORD, "new_password": new})
        assert (await somebody.post("/api/auth/delete-account", {"password": new})).status == 204
    mails = [statement for statement in statements if statement.startswith("INSERT INTO outbox")]
    assert len(mails) == 3 * 5  # to prove the address, to set a password, and of a new one


async def test_where_it_cannot_be_counted_nobody_passes(api: Client, ada: Client, database: Database) -> None:
    async with database.write() as work:
        await work.throttles._session.execute(text("ALTER TABLE throttles RENAME TO elsewhere"))
    for answer in (
        await log_in(api, password=PASSWORD),
        await api.post("/api/auth/register", {"email": "eve@example.com", "password": PASSWORD}),
        await ada.post("/api/auth/delete-account", {"password": PASSWORD}),
    ):
        assert (answer.status, answer.code) == (503, "unavailable")
    assert (await ada.get("/api/auth/profile")).status == 200


async def test_no_address_is_stored(behind_proxy: Client, database: Database) -> None:
    await log_in(behind_proxy, headers=forwarded("203.0.113.7"))
    async with database.read() as work:
        rows = [row[0] for row in await work.throttles._session.execute(text("SELECT throttles::text FROM throttles"))]
    assert rows
    assert not any(part in row for row in rows for part in ("ada@", "203.0.113"))


async def test_switched_off_nobody_is_refused(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(rate_limits_enabled=False, general_rate_limit="1/minute")
    async with create_app(settings).test_app() as running:
        answers = [await log_in(Client(running.app)) for _ in range(60)]  # type: ignore[attr-defined]
    assert {answer.status for answer in answers} == {401}
    assert not {"RateLimit", "RateLimit-Policy"} & set(answers[-1].headers.keys())


async def test_what_is_whole_is_purged(api: Client, services: Services) -> None:
    await log_in(api)
    assert await services.throttles.purge() == 0
    with later(FIVE_MINUTES):
        assert await services.throttles.purge() == 2
