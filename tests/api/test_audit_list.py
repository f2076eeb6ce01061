"""The audit trail as admins read it."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import PASSWORD, Answer, Client

AUDIT = "/api/audit"


def acts(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [event["action"] for event in answer.json["data"]]


@pytest.fixture
async def events(ada: Client, admin: Client) -> list[Any]:
    """The newest first: Ada failed to sign in, an admin came, and Ada registered and signed in."""
    await ada.post("/api/auth/login", {"email": "ada@example.com", "password": "wrong"})
    found: list[Any] = (await admin.get(AUDIT)).json["data"]
    return found


async def test_an_event_is_told_in_full_and_the_newest_comes_first(
    ada: Client, admin: Client, events: list[Any]
) -> None:
    assert [event["action"] for event in events] == [
        "login.fail",
        "login.succeed",
        "user.create",
        "login.succeed",
        "user.register",
    ]
    assert list(events[0]) == ["id", "at", "actor_id", "action", "target_id", "ip", "request_id", "data"]
    assert (events[0]["actor_id"], events[0]["target_id"]) == (None, ada.id)
    assert events[0]["data"] == {"reason": "wrong_password"}
    assert events[0]["at"].endswith("Z")


async def test_the_trail_is_narrowed(ada: Client, admin: Client, events: list[Any]) -> None:
    for query, found in (
        (f"actor={ada.id}", ["login.succeed"]),
        (f"target={ada.id}", ["login.fail", "login.succeed", "user.register"]),
        ("action=user.create", ["user.create"]),
        (f"target={ada.id}&action=login.fail", ["login.fail"]),
        (f"actor={events[0]['id']}", []),
    ):
        answer = await admin.get(f"{AUDIT}?{query}")
        assert (acts(answer), answer.json["pagination"]["total"]) == (found, len(found)), query


async def test_a_range_includes_its_start_and_not_its_end(admin: Client, events: list[Any]) -> None:
    start, end = events[3]["at"], events[0]["at"]
    found = (await admin.get(f"{AUDIT}?from={quote(start)}&to={quote(end)}")).json["data"]
    assert found == [event for event in events if start <= event["at"] < end] != []
    later = quote((datetime.fromisoformat(end) + timedelta(microseconds=1)).isoformat())
    assert acts(await admin.get(f"{AUDIT}?from={later}")) == []
    assert acts(await admin.get(f"{AUDIT}?from={quote(end)}&to={later}")) == ["login.fail"]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
async def test_times_far_away_are_times(admin: Client, events: list[Any], time: str) -> None:
    before, after = acts(await admin.get(f"{AUDIT}?to={time}")), acts(await admin.get(f"{AUDIT}?from={time}"))
    assert sorted([len(before), len(after)]) == [0, 5]


async def test_the_trail_is_walked_by_page_and_by_cursor(admin: Client, events: list[Any]) -> None:
    first = await admin.get(f"{AUDIT}?limit=3")
    assert first.json["pagination"] | {"next_cursor": None} == {
        "page": 1,
        "limit": 3,
        "total": 5,
        "pages": 2,
        "next_cursor": None,
    }
    assert first.headers["Link"].endswith('</api/audit?limit=3&page=2>; rel="next"')
    for place in ("page=2", f"cursor={first.json['pagination']['next_cursor']}"):
        assert first.json["data"] + (await admin.get(f"{AUDIT}?limit=3&{place}")).json["data"] == events


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("action=login", "action"),
        ("action=", "action"),
        ("actor=ada", "actor"),
        ("target=7", "target"),
        ("from=2026-01-01", "from"),
        ("to=now", "to"),
        ("since=2026-01-01T00:00:00Z", "since"),
        ("sort=id", "sort"),
    ],
)
async def test_what_the_trail_does_not_know_is_refused(admin: Client, query: str, field: str) -> None:
    answer = await admin.get(f"{AUDIT}?{query}")
    assert (answer.status, answer.code) == (400, "invalid_query")
    assert [detail["field"] for detail in answer.json["details"]] == [field]


async def test_a_cursor_is_good_for_its_own_filters_alone(admin: Client, events: list[Any]) -> None:
    cursor = (await admin.get(f"{AUDIT}?limit=1")).json["pagination"]["next_cursor"]
    assert (await admin.get(f"{AUDIT}?action=login.fail&cursor={cursor}")).code == "bad_cursor"


async def test_the_trail_is_for_admins(api: Client, ada: Client, admin: Client) -> None:
    refused = await ada.get(AUDIT)
    assert (refused.status, refused.code) == (403, "admin_required")
    assert (await api.get(AUDIT)).code == "token_missing"
    assert (await ada.get(f"{AUDIT}?action=login")).code == "invalid_query"
    eve = await api.post("/api/auth/register", {"email": "eve@example.com", "password": PASSWORD})
    assert acts(await admin.get(f"{AUDIT}?target={eve.json['user']['id']}")) == ["user.register"]
