"""Sessions that are refreshed, seen and ended, and one's own account, over HTTP."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.support import PASSWORD, Answer, Client

NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
NEW_PASSWORD = "another fine password"


@pytest.fixture
async def tokens(api: Client, ada: Client) -> Any:
    """What a fresh sign-in of Ada's gave."""
    return (await api.post("/api/auth/login", {"email": "ada@example.com", "password": PASSWORD})).json


async def refresh(api: Client, token: str) -> Answer:
    return await api.post("/api/auth/refresh", {"refresh_token": token})


async def alive(api: Client, access_token: str) -> bool:
    answer = await Client(api.app, access_token).get("/api/auth/profile")
    assert answer.status == 200 or answer.code == "session_ended"
    return answer.status == 200


async def test_a_refresh_gives_new_tokens_for_the_same_session(api: Client, tokens: Any) -> None:
    answer = await refresh(api, tokens["refresh_token"])
    assert answer.status == 200
    assert list(answer.json) == ["access_token", "refresh_token", "token_type", "expires_in"]
    assert answer.json["refresh_token"] != tokens["refresh_token"]
    assert await alive(api, answer.json["access_token"])
    assert await alive(api, tokens["access_token"])


async def test_50_refreshes_at_once_all_get_the_same_successor(api: Client, tokens: Any) -> None:
    answers = await asyncio.gather(*(refresh(api, tokens["refresh_token"]) for _ in range(50)))
    assert Counter(answer.status for answer in answers) == {200: 50}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    assert (await refresh(api, answers[0].json["refresh_token"])).status == 200


async def test_a_lost_answer_signs_nobody_out(api: Client, tokens: Any) -> None:
    first = await refresh(api, tokens["refresh_token"])
    again = await refresh(api, tokens["refresh_token"])
    assert again.json["refresh_token"] == first.json["refresh_token"]


async def test_a_replay_after_the_grace_ends_the_session(api: Client, tokens: Any) -> None:
    newest = (await refresh(api, tokens["refresh_token"])).json
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=11), tick=True):
        replay = await refresh(api, tokens["refresh_token"])
        assert (replay.status, replay.code, replay.headers["WWW-Authenticate"]) == (401, "refresh_reused", "Bearer")
        assert not await alive(api, newest["access_token"])
        assert (await refresh(api, newest["refresh_token"])).code == "refresh_invalid"


async def test_a_token_older_than_the_one_before_ends_the_session_at_once(api: Client, tokens: Any) -> None:
    second = (await refresh(api, tokens["refresh_token"])).json
    third = (await refresh(api, second["refresh_token"])).json
    assert (await refresh(api, tokens["refresh_token"])).code == "refresh_reused"
    assert not await alive(api, third["access_token"])


@pytest.mark.parametrize("days", [8, 31])
async def test_a_session_left_alone_or_too_old_cannot_be_refreshed(api: Client, tokens: Any, days: int) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=True):
        answer = await refresh(api, tokens["refresh_token"])
    assert (answer.status, answer.code) == (401, "refresh_invalid")


@pytest.mark.parametrize("token", ["", "x", "rt1." + "A" * 70, "\u0000"])
async def test_a_forged_refresh_token_is_refused(api: Client, ada: Client, token: str) -> None:
    answer = await refresh(api, token)
    assert answer.status in {400, 401}
    assert answer.code in {"refresh_invalid", "invalid_fields"}


async def test_an_access_token_is_no_refresh_token(api: Client, tokens: Any) -> None:
    assert (await refresh(api, tokens["access_token"])).code == "refresh_invalid"


async def test_deactivated_users_refresh_nothing(api: Client, tokens: Any, ada: Client, admin: Client) -> None:
    await admin.patch(f"/api/users/{ada.id}", {"is_active": False})
    assert (await refresh(api, tokens["refresh_token"])).code == "refresh_invalid"


async def test_sessions_are_seen_by_their_user(api: Client, ada: Client, bob: Client) -> None:
    named = await api.post(
        "/api/auth/login", {"email": "ada@example.com", "password": PASSWORD}, headers={"User-Agent": "A telephone"}
    )
    phone = Client(api.app, named.json["access_token"])
    sessions = (await phone.get("/api/auth/sessions")).json["data"]
    assert [list(session) for session in sessions] == [
        ["id", "created_at", "last_used_at", "ip", "user_agent", "current"]
    ] * 2
    assert [(session["user_agent"], session["current"]) for session in sessions] == [
        ("A telephone", True),
        ("Quart", False),
    ]


async def test_logging_out_ends_this_session_unless_more_is_asked(api: Client, ada: Client) -> None:
    phone, laptop = await api.sign_in("ada@example.com"), await api.sign_in("ada@example.com")
    assert (await phone.send("POST", "/api/auth/logout")).status == 204
    assert [await alive(api, str(one.token)) for one in (ada, phone, laptop)] == [True, False, True]
    assert (await laptop.post("/api/auth/logout", {"scope": "others"})).status == 204
    assert [await alive(api, str(one.token)) for one in (ada, laptop)] == [False, True]
    assert (await laptop.post("/api/auth/logout", {"scope": "all"})).status == 204
    assert not await alive(api, str(laptop.token))


async def test_logging_out_does_not_touch_others(api: Client, ada: Client, bob: Client) -> None:
    await ada.post("/api/auth/logout", {"scope": "all"})
    assert await alive(api, str(bob.token))


@pytest.mark.parametrize("body", [{"scope": "everybody"}, {"scope": None}, {"surprise": 1}])
async def test_a_strange_logout_is_refused(ada: Client, body: object) -> None:
    assert (await ada.post("/api/auth/logout", body)).code == "invalid_fields"


async def test_one_session_can_be_ended_by_its_own_user(api: Client, ada: Client, bob: Client) -> None:
    phone = await api.sign_in("ada@example.com")
    sessions = (await ada.get("/api/auth/sessions")).json["data"]
    path = f"/api/auth/sessions/{next(one['id'] for one in sessions if not one['current'])}"
    assert (await bob.delete(path)).code == "session_not_found"
    assert (await ada.delete(path)).status == 204
    assert not await alive(api, str(phone.token))
    for gone in (path, f"/api/auth/sessions/{NOBODY}", "/api/auth/sessions/7"):
        assert (await ada.delete(gone)).code == "session_not_found"


async def test_a_user_has_20_sessions_at_most(api: Client, ada: Client) -> None:
    newest = [await api.sign_in("ada@example.com") for _ in range(20)][-1]
    assert len((await newest.get("/api/auth/sessions")).json["data"]) == 20
    assert not await alive(api, str(ada.token))


async def test_a_new_password_ends_the_other_sessions(api: Client, ada: Client) -> None:
    other = await api.sign_in("ada@example.com")
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await ada.post("/api/auth/password", change)).status == 204
    assert [await alive(api, str(one.token)) for one in (ada, other)] == [True, False]
    assert (await api.post("/api/auth/login", {"email": "ada@example.com", "password": PASSWORD})).status == 401
    assert (await api.sign_in("ada@example.com", NEW_PASSWORD)).id == ada.id


async def test_of_two_password_changes_at_once_one_holds(api: Client, ada: Client) -> None:
    changes = [{"current_password": PASSWORD, "new_password": f"{NEW_PASSWORD} {number}"} for number in range(2)]
    answers = await asyncio.gather(*(ada.post("/api/auth/password", change) for change in changes))
    assert sorted(answer.status for answer in answers) == [204, 400]


@pytest.mark.parametrize(
    ("current", "new", "code", "field"),
    [
        ("wrong", NEW_PASSWORD, "wrong_password", None),
        (PASSWORD, "short", "invalid_fields", "new_password"),
        (PASSWORD, "basketball", "invalid_fields", "new_password"),
        ("wrong", "my-caroline-password", "invalid_fields", "new_password"),
    ],
)
async def test_a_password_is_not_changed_without_the_old_or_to_a_weak_one(
    api: Client, current: str, new: str, code: str, field: str | None
) -> None:
    caroline = await api.join("caroline@example.com")
    answer = await caroline.post("/api/auth/password", {"current_password": current, "new_password": new})
    assert (answer.status, answer.code) == (400, code)
    assert (answer.json["details"][0]["field"] if field else None) == field


async def test_people_delete_their_own_account(api: Client, ada: Client) -> None:
    post = await ada.write()
    assert (await ada.post("/api/auth/delete-account", {"password": "wrong"})).code == "wrong_password"
    assert (await ada.post("/api/auth/delete-account", {"password": PASSWORD})).status == 204
    assert (await ada.get("/api/auth/profile")).code == "user_inactive"
    assert (await api.get(f"/api/posts/{post['id']}")).status == 404


async def test_the_last_admin_does_not_delete_itself(admin: Client) -> None:
    assert (await admin.post("/api/auth/delete-account", {"password": PASSWORD})).code == "last_admin"


async def test_a_login_under_way_does_not_survive_a_new_password(api: Client, ada: Client, admin: Client) -> None:
    login = {"email": "ada@example.com", "password": PASSWORD}
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answers = await asyncio.gather(
        *(api.post("/api/auth/login", login) for _ in range(10)), ada.post("/api/auth/password", change)
    )
    assert answers[-1].status == 204
    for answer in answers[:-1]:
        assert answer.status == 401 or not await alive(api, answer.json["access_token"])
