"""What happens when many come at once: the database decides, and nobody is answered with a crash."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

from inkwell.app import create_app
from inkwell.settings import Settings
from repositories.database import Database
from tests.support import PASSWORD, Answer, Client


async def outcomes(*requests: Awaitable[Answer]) -> Counter[str]:
    answers = await asyncio.gather(*requests)
    return Counter(answer.json["code"] if answer.status >= 400 else str(answer.status) for answer in answers)


async def test_200_registrations_of_one_address_make_one_account(
    admin: Client, make_settings: Callable[..., Settings]
) -> None:
    new = {"email": "wanted@example.com", "password": PASSWORD}
    async with create_app(make_settings(register_rate_limit="200/hour")).test_app() as running:
        api = Client(running.app)  # type: ignore[attr-defined]
        found = await outcomes(*(api.post("/api/auth/register", new) for _ in range(200)))
    assert found["201"] == 1
    assert found["201"] + found["email_taken"] + found["unavailable"] == 200
    assert (await admin.get("/api/users?q=wanted")).json["pagination"]["total"] == 1


async def test_20_deletions_of_one_user_delete_it_once(ada: Client, admin: Client) -> None:
    found = await outcomes(*(admin.delete(f"/api/users/{ada.id}") for _ in range(20)))
    assert found == {"204": 1, "user_not_found": 19}


async def test_20_deletions_of_one_post_delete_it_once(ada: Client) -> None:
    post = await ada.write()
    found = await outcomes(*(ada.delete(f"/api/posts/{post['id']}") for _ in range(20)))
    assert found == {"204": 1, "post_not_found": 19}


async def test_two_admins_who_demote_each_other_leave_one(
    admin: Client, make_admin: Callable[[str], Awaitable[Client]]
) -> None:
    for number in range(10):
        other = await make_admin(f"other{number}@example.com")
        demote = {"role": "user"}
        found = await outcomes(
            admin.patch(f"/api/users/{other.id}", demote), other.patch(f"/api/users/{admin.id}", demote)
        )
        admins = [
            client
            for client in (admin, other)
            if (await client.get("/api/auth/profile")).json["user"]["role"] == "admin"
        ]
        assert (found["200"], len(admins)) == (1, 1), found
        admin = admins[0]


async def test_ten_admins_who_delete_or_deactivate_each_other_leave_one(
    admin: Client, make_admin: Callable[[str], Awaitable[Client]]
) -> None:
    admins = [admin, *[await make_admin(f"admin{number}@example.com") for number in range(9)]]
    pairs = [(one, other) for one in admins for other in admins if one is not other]
    answers = await asyncio.gather(
        *(
            one.delete(f"/api/users/{other.id}")
            if number % 2
            else one.patch(f"/api/users/{other.id}", {"is_active": False})
            for number, (one, other) in enumerate(pairs)
        )
    )
    left = [client for client in admins if (await client.get("/api/auth/profile")).status == 200]
    assert {answer.status for answer in answers} <= {200, 204, 401, 404, 409}
    assert len(left) == 1


async def test_five_admins_who_leave_at_once_leave_one_and_wait_for_nobody_in_a_circle(
    admin: Client, make_admin: Callable[[str], Awaitable[Client]], log_events: Callable[[], list[dict[str, Any]]]
) -> None:
    admins = [admin, *[await make_admin(f"admin{number}@example.com") for number in range(4)]]
    for _ in range(3):  # whoever stays is joined by others
        found = await outcomes(
            *(one.post("/api/auth/delete-account", {"password": PASSWORD}) for one in admins[::2]),
            *(one.patch(f"/api/users/{one.id}", {"is_active": False}) for one in admins[1::2]),
        )
        assert set(found) <= {"204", "200", "last_admin", "unavailable"}, found
        admins = [one for one in admins if (await one.get("/api/auth/profile")).status == 200]
        admins += [await make_admin(f"{uuid4()}@example.com") for _ in range(4)]
    assert "deadlock" not in str(log_events())  # nor with the sending of their mail, which locks them, too


async def test_changes_of_different_fields_lose_nothing(ada: Client) -> None:
    path = f"/api/users/{ada.id}"
    changes = [{"first_name": "Augusta"}, {"last_name": "King"}]
    assert await outcomes(*(ada.patch(path, change) for change in changes * 5)) == {"200": 10}
    user = (await ada.get(path)).json["user"]
    assert (user["first_name"], user["last_name"]) == ("Augusta", "King")


async def test_writing_while_being_deleted_is_no_crash(ada: Client, admin: Client) -> None:
    post = {"title": "last words", "content": "..."}
    found = await outcomes(*(ada.post("/api/posts", post) for _ in range(10)), admin.delete(f"/api/users/{ada.id}"))
    assert found["204"] == 1
    assert set(found) <= {"201", "204", "user_inactive"}


async def test_an_address_claimed_twice_at_once_is_one_users(ada: Client, bob: Client, admin: Client) -> None:
    wish = {"email": "nice@example.com"}
    found = await outcomes(*(admin.patch(f"/api/users/{user.id}", wish) for user in (ada, bob)))
    assert found == {"200": 1, "email_taken": 1}


async def test_logging_out_everywhere_while_signing_in_is_nobodys_503(api: Client, ada: Client) -> None:
    login = {"email": "ada@example.com", "password": PASSWORD}
    for _ in range(3):
        people = [await api.sign_in("ada@example.com") for _ in range(10)]
        leaving = [one.post("/api/auth/logout", {"scope": "others"}) for one in people]
        found = await outcomes(*leaving, *(api.post("/api/auth/login", login) for _ in range(5)))
        assert set(found) <= {"200", "204", "session_ended"}, found


async def test_whoever_logs_out_of_many_sessions_waits_for_the_user_first(ada: Client, database: Database) -> None:
    """Two that lock the sessions in another order than each other would wait in a circle."""
    async with database.write() as work:
        assert await work.users.lock(UUID(ada.id))
        leaving = asyncio.create_task(ada.post("/api/auth/logout", {"scope": "all"}))
        await asyncio.sleep(0.3)
        assert not leaving.done()
        await asyncio.wait_for(work.sessions.keep_newest(UUID(ada.id), 0), 10)
    assert (await leaving).status == 204
