"""Registering, signing in, and one's own profile, over HTTP."""

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
