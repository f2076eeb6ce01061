"""The directory, over HTTP."""

import pytest

from tests.support import PASSWORD, Client

PUBLIC = ["id", "email", "first_name", "last_name", "role", "created_at"]
PRIVATE = ["is_active", "email_verified", "updated_at"]
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"


async def test_the_list_is_oldest_first_and_in_full_only_for_oneself(ada: Client, bob: Client) -> None:
    answer = await bob.get("/api/users")
    assert answer.status == 200
    assert [user["id"] for user in answer.json["data"]] == [ada.id, bob.id]
    assert [list(user) for user in answer.json["data"]] == [PUBLIC, PUBLIC + PRIVATE]
    assert answer.json["pagination"] == {"page": 1, "limit": 20, "total": 2, "pages": 1, "next_cursor": None}


async def test_admins_see_everybody_in_full(ada: Client, admin: Client) -> None:
    users = (await admin.get("/api/users")).json["data"]
    assert [list(user) for user in users] == [PUBLIC + PRIVATE] * 2


async def test_pages_cut_the_list_and_end(ada: Client, bob: Client) -> None:
    second = (await ada.get("/api/users?limit=1&page=2")).json
    assert [user["id"] for user in second["data"]] == [bob.id]
    assert second["pagination"] == {"page": 2, "limit": 1, "total": 2, "pages": 2, "next_cursor": None}
    beyond = (await ada.get("/api/users?limit=1&page=1000000")).json
    assert (beyond["data"], beyond["pagination"]["total"]) == ([], 2)


@pytest.mark.parametrize("q", ["lovel", "LOVEL", "da%20l", "ada%40EX"])
async def test_q_finds_a_part_of_address_or_name_in_any_case(ada: Client, bob: Client, q: str) -> None:
    found = (await bob.get(f"/api/users?q={q}")).json["data"]
    assert [user["id"] for user in found] == ([ada.id] if q != "da%20l" else [])


@pytest.mark.parametrize("q", ["%25", "_", "%5C", "a%25a"])
async def test_q_takes_wildcards_literally(ada: Client, q: str) -> None:
    assert (await ada.get(f"/api/users?q={q}")).json["data"] == []


async def test_an_empty_q_is_no_filter(ada: Client) -> None:
    assert (await ada.get("/api/users?q=")).json["pagination"]["total"] == 1


async def test_inactive_users_are_listed_to_admins_only(ada: Client, bob: Client, admin: Client) -> None:
    await admin.patch(f"/api/users/{ada.id}", {"is_active": False})
    assert (await bob.get("/api/users")).json["pagination"]["total"] == 2
    assert (await admin.get("/api/users")).json["pagination"]["total"] == 3
    assert (await bob.get(f"/api/users/{ada.id}")).status == 200


async def test_a_user_is_shown_as_far_as_the_reader_may_see(ada: Client, bob: Client, admin: Client) -> None:
    for reader, keys in ((ada, PUBLIC + PRIVATE), (bob, PUBLIC), (admin, PUBLIC + PRIVATE)):
        answer = await reader.get(f"/api/users/{ada.id}")
        assert (answer.status, list(answer.json["user"])) == (200, keys)


@pytest.mark.parametrize("user_id", [NOBODY, "1", "x" * 200, f"{{{NOBODY}}}", NOBODY.replace("-", ""), "%00", "%FF"])
async def test_who_is_not_there_is_not_found(ada: Client, user_id: str) -> None:
    answer = await ada.get(f"/api/users/{user_id}")
    assert (answer.status, answer.code, answer.json["message"]) == (404, "user_not_found", "User not found")


async def test_admins_make_users_of_any_role(api: Client, admin: Client) -> None:
    new = {"email": "eve@example.com", "password": PASSWORD, "role": "admin", "first_name": "Eve"}
    answer = await admin.post("/api/users", new)
    assert (answer.status, answer.json["user"]["role"]) == (201, "admin")
    assert answer.headers["Location"] == f"/api/users/{answer.json['user']['id']}"
    assert (await (await api.sign_in("eve@example.com")).get("/api/users")).status == 200


async def test_ordinary_users_make_nobody(ada: Client) -> None:
    answer = await ada.post("/api/users", {"email": "eve@example.com", "password": PASSWORD})
    assert (answer.status, answer.code, answer.json["message"]) == (403, "admin_required", "Admin access required")


async def test_a_bad_body_is_told_before_a_missing_right(ada: Client) -> None:
    assert (await ada.post("/api/users", {"email": "eve@example.com"})).code == "missing_fields"


async def test_people_change_their_own_names(ada: Client) -> None:
    answer = await ada.patch(f"/api/users/{ada.id}", {"first_name": " Augusta ", "last_name": None})
    user = answer.json["user"]
    assert (answer.status, user["first_name"], user["last_name"]) == (200, "Augusta", None)
    assert user["updated_at"] > ada.me["updated_at"]
    assert (await ada.get("/api/users?q=augus")).json["pagination"]["total"] == 1


async def test_an_empty_change_changes_nothing(ada: Client) -> None:
    answer = await ada.patch(f"/api/users/{ada.id}", {})
    assert (answer.status, answer.json["user"]) == (200, ada.me)


@pytest.mark.parametrize("changes", [{"email": "new@example.com"}, {"role": "admin"}, {"is_active": False}])
async def test_people_do_not_change_what_is_the_admins(ada: Client, changes: dict[str, object]) -> None:
    answer = await ada.patch(f"/api/users/{ada.id}", changes)
    assert (answer.status, answer.code, answer.json["message"]) == (403, "forbidden", "Unauthorized")


async def test_another_users_account_is_forbidden_whether_it_exists_or_not(ada: Client, bob: Client) -> None:
    for user_id in (bob.id, NOBODY):
        answer = await ada.patch(f"/api/users/{user_id}", {"first_name": "Mallory"})
        assert (answer.status, answer.code) == (403, "forbidden")


async def test_admins_change_everything_of_anybody(ada: Client, admin: Client) -> None:
    changes = {"email": "countess@example.com", "role": "admin", "is_active": False, "first_name": "Augusta"}
    answer = await admin.patch(f"/api/users/{ada.id}", changes)
    assert answer.status == 200
    assert answer.json["user"].items() >= changes.items()
    assert (await admin.patch(f"/api/users/{NOBODY}", {"role": "admin"})).code == "user_not_found"


async def test_an_address_cannot_be_changed_to_a_taken_one(ada: Client, bob: Client, admin: Client) -> None:
    answer = await admin.patch(f"/api/users/{ada.id}", {"email": "BOB@example.com"})
    assert (answer.status, answer.code) == (409, "email_taken")


@pytest.mark.parametrize("field", ["role", "is_active", "email"])
async def test_null_clears_names_alone(ada: Client, admin: Client, field: str) -> None:
    answer = await admin.patch(f"/api/users/{ada.id}", {field: None})
    assert (answer.status, answer.json["details"][0]["field"]) == (400, field)


async def test_deleting_a_user_deletes_its_posts(api: Client, ada: Client, admin: Client) -> None:
    post = await ada.write()
    answer = await admin.delete(f"/api/users/{ada.id}")
    assert (answer.status, answer.body) == (204, b"")
    assert (await api.get(f"/api/posts/{post['id']}")).status == 404
    assert (await admin.delete(f"/api/users/{ada.id}")).code == "user_not_found"


async def test_only_admins_delete_users(ada: Client) -> None:
    answer = await ada.delete(f"/api/users/{ada.id}")
    assert (answer.status, answer.code) == (403, "admin_required")


@pytest.mark.parametrize("changes", [{"role": "user"}, {"is_active": False}, None])
async def test_the_last_active_admin_stays(admin: Client, changes: dict[str, object] | None) -> None:
    path = f"/api/users/{admin.id}"
    answer = await (admin.patch(path, changes) if changes else admin.delete(path))
    assert (answer.status, answer.code) == (409, "last_admin")
    assert (await admin.get("/api/auth/profile")).json["user"]["role"] == "admin"
