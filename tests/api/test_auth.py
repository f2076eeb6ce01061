"""Registering, signing in, and one's own profile, over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from inkwell.app import create_app
from inkwell.settings import Settings
from tests.support import PASSWORD, Client


async def test_registering_answers_the_user_in_full_and_where_it_is(api: Client) -> None:
    answer = await api.post("/api/auth/register", {"email": " Ada@Example.COM ", "password": PASSWORD})
    user = answer.json["user"]
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/users/{user['id']}"
    assert list(user) == [
        "id",
        "email",
        "first_name",
        "last_name",
        "role",
        "created_at",
        "is_active",
        "email_verified",
        "updated_at",
    ]
    assert (user["email"], user["role"], user["is_active"]) == ("ada@example.com", "user", True)


async def test_a_taken_address_is_refused_in_any_case(api: Client, ada: Client) -> None:
    answer = await api.post("/api/auth/register", {"email": "ADA@example.com", "password": PASSWORD})
    assert (answer.status, answer.code) == (409, "email_taken")
    assert answer.json["message"] == "Email already exists"


async def test_signing_in_gives_two_tokens_and_the_user(api: Client, ada: Client) -> None:
    answer = await api.post("/api/auth/login", {"email": " ADA@example.com", "password": PASSWORD})
    assert answer.status == 200
    assert list(answer.json) == ["access_token", "refresh_token", "token_type", "expires_in", "user"]
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    assert answer.json["refresh_token"].startswith("rt1.")
    assert answer.json["user"] == ada.me


@pytest.mark.parametrize("body", [{}, {"email": "ada@example.com"}, {"email": "", "password": "x"}, {"email": 5}])
async def test_absent_or_empty_credentials_are_missing(api: Client, body: dict[str, object]) -> None:
    answer = await api.post("/api/auth/login", body)
    assert (answer.status, answer.code, answer.json["message"]) == (400, "missing_credentials", "Missing credentials")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "not the password"),
        ("ada@example.com", "x"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("ada@example.com", "x" * 100_000),
    ],
)
async def test_whatever_does_not_fit_is_the_same_refusal(api: Client, ada: Client, email: str, password: str) -> None:
    answer = await api.post("/api/auth/login", {"email": email, "password": password})
    assert (answer.status, answer.code) == (401, "invalid_credentials")
    assert answer.json["message"] == "Invalid credentials"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_profile_is_the_callers_own_account(ada: Client) -> None:
    answer = await ada.get("/api/auth/profile")
    assert (answer.status, answer.json) == (200, {"user": ada.me})


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "token_missing"),
        ({"Authorization": ""}, "token_invalid"),
        ({"Authorization": "Basic YWRhOnB3"}, "token_invalid"),
        ({"Authorization": "Bearer "}, "token_invalid"),
        ({"Authorization": "Bearer a.b.c"}, "token_invalid"),
        ({"Authorization": "Bearer " + "x" * 9000}, "token_invalid"),
        ({"Authorization": "Bearer é.b.c"}, "token_invalid"),
    ],
)
async def test_without_a_good_token_nobody_is_known(api: Client, header: dict[str, str], code: str) -> None:
    answer = await api.get("/api/auth/profile", headers=header)
    assert (answer.status, answer.code) == (401, code)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_bad_token_is_refused_where_none_is_needed(api: Client) -> None:
    answer = await api.get("/api/posts", headers={"Authorization": "Bearer a.b.c"})
    assert (answer.status, answer.code) == (401, "token_invalid")


async def test_register_and_login_ignore_a_bad_token(api: Client) -> None:
    bad = {"Authorization": "Bearer a.b.c"}
    credentials = {"email": "carol@example.com", "password": PASSWORD}
    assert (await api.post("/api/auth/register", credentials, headers=bad)).status == 201
    assert (await api.post("/api/auth/login", credentials, headers=bad)).status == 200


async def test_an_expired_token_says_so(make_settings: Callable[..., Settings]) -> None:
    async with create_app(make_settings(access_token_seconds=30)).test_app() as running:
        ada = await Client(running.app).join("ada@example.com")  # type: ignore[attr-defined]
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=45), tick=True):
            answer = await ada.get("/api/auth/profile")
    assert (answer.status, answer.code) == (401, "token_expired")


async def test_a_refresh_token_is_no_access_token(api: Client, ada: Client) -> None:
    signed_in = await api.post("/api/auth/login", {"email": "ada@example.com", "password": PASSWORD})
    answer = await Client(api.app, signed_in.json["refresh_token"]).get("/api/auth/profile")
    assert (answer.status, answer.code) == (401, "token_invalid")


async def test_deactivated_users_are_locked_out_at_once(api: Client, ada: Client, admin: Client) -> None:
    await admin.patch(f"/api/users/{ada.id}", {"is_active": False})
    answer = await ada.get("/api/auth/profile")
    assert (answer.status, answer.code, answer.json["message"]) == (401, "user_inactive", "User not found or inactive")
    again = await api.post("/api/auth/login", {"email": "ada@example.com", "password": PASSWORD})
    assert (again.status, again.code) == (401, "invalid_credentials")


async def test_tokens_from_before_a_deactivation_stay_dead(api: Client, ada: Client, admin: Client) -> None:
    await admin.patch(f"/api/users/{ada.id}", {"is_active": False})
    await admin.patch(f"/api/users/{ada.id}", {"is_active": True})
    answer = await ada.get("/api/auth/profile")
    assert (answer.status, answer.code) == (401, "session_ended")
    assert (await (await api.sign_in("ada@example.com")).get("/api/auth/profile")).status == 200


async def test_deleted_users_are_locked_out_at_once(ada: Client, admin: Client) -> None:
    await admin.delete(f"/api/users/{ada.id}")
    answer = await ada.get("/api/auth/profile")
    assert (answer.status, answer.code) == (401, "user_inactive")
