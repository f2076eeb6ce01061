"""Forgotten passwords, addresses that are proved and new ones: mailed through a real server, used over HTTP."""

import asyncio
from asyncio import current_task
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import Engine, event

from domain.users import Actor, Credentials
from inkwell.app import create_app
from inkwell.settings import Settings
from service import Services
from service.account import AccountService
from service.links import Forgot
from tests.mailbox import SENDER, Mailbox, link_in, open_mailbox
from tests.support import PASSWORD, Answer, Client

ADA, NEW_ADA = "ada@example.com", "countess@example.com"
NEW_PASSWORD = "another fine password"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
async def api(mailbox: Mailbox, make_settings: Callable[..., Settings]) -> AsyncIterator[Client]:
    """Somebody who is not signed in, at an application that sends mail."""
    settings = make_settings(mail_url=mailbox.url, mail_from=SENDER, public_url="https://inkwell.example/")
    async with create_app(settings).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


async def reset(api: Client, token: str, password: str = NEW_PASSWORD) -> Answer:
    return await api.post("/api/auth/reset", {"token": token, "new_password": password})


async def verify(api: Client, token: str) -> Answer:
    return await api.post("/api/auth/verify-email", {"token": token})


async def change_email(ada: Client, new: str = NEW_ADA, password: str = PASSWORD) -> Answer:
    return await ada.post("/api/auth/email", {"new_email": new, "password": password})


@pytest.fixture
async def reset_token(api: Client, ada: Client, mailbox: Mailbox) -> str:
    """Ada has forgotten her password. The first mail that she had asks her to confirm her address."""
    assert (await api.post("/api/auth/forgot", {"email": "Ada@Example.COM"})).status == 202
    return await mailbox.token(ADA, 2)


async def verified(client: Client) -> bool:
    answer: bool = (await client.get("/api/auth/profile")).json["user"]["email_verified"]
    return answer


async def test_who_registers_is_mailed_a_link_that_proves_the_address(
    api: Client, ada: Client, mailbox: Mailbox
) -> None:
    page, token = link_in(await mailbox.wait(ADA))
    assert page == "https://inkwell.example/verify"
    assert not await verified(ada)
    assert (await verify(api, token)).status == 204
    assert await verified(ada)
    assert (await verify(api, token)).code == "link_invalid"


async def test_whom_an_admin_makes_an_account_is_mailed_too(admin: Client, mailbox: Mailbox) -> None:
    assert (await admin.post("/api/users", {"email": ADA, "password": PASSWORD})).status == 201
    assert (await mailbox.wait(ADA))["Subject"] == "Confirm your e-mail address"


async def test_another_link_can_be_had_and_ends_the_first(api: Client, ada: Client, mailbox: Mailbox) -> None:
    first = await mailbox.token(ADA)
    answer = await ada.send("POST", "/api/auth/verify-email/resend")
    second = await mailbox.token(ADA, 2)
    assert (answer.status, answer.body) == (202, b"")
    assert (await verify(api, first)).code == "link_invalid"
    assert (await verify(api, second)).status == 204
    assert (await ada.send("POST", "/api/auth/verify-email/resend")).status == 202
    assert (await ada.post("/api/auth/verify-email/resend", {"to": ADA})).code == "invalid_fields"
    await asyncio.sleep(0.2)
    assert len(mailbox.to(ADA)) == 2


async def test_a_forgotten_password_is_set_anew_and_every_session_ends(
    api: Client, ada: Client, mailbox: Mailbox, reset_token: str
) -> None:
    answer = await reset(api, reset_token)
    assert (answer.status, answer.body) == (204, b"")
    assert (await ada.get("/api/auth/profile")).code == "session_ended"
    assert (await api.post("/api/auth/login", {"email": ADA, "password": PASSWORD})).status == 401
    assert await verified(await api.sign_in(ADA, NEW_PASSWORD))
    assert (await mailbox.wait(ADA, 3))["Subject"] == "Your password was changed"
    assert (await reset(api, reset_token)).code == "link_invalid"


async def test_a_refused_password_leaves_the_link_good(api: Client, reset_token: str) -> None:
    short, common = await reset(api, reset_token, "short"), await reset(api, reset_token, "1234567890")
    assert [(one.status, one.code, one.json["details"][0]["field"]) for one in (short, common)] == [
        (400, "invalid_fields", "new_password")
    ] * 2
    assert (await reset(api, reset_token)).status == 204


async def test_of_ten_who_use_a_link_at_once_one_does(api: Client, reset_token: str) -> None:
    answers = await asyncio.gather(*(reset(api, reset_token, f"{NEW_PASSWORD} {number}") for number in range(10)))
    assert sorted(answer.status for answer in answers) == [204] + [400] * 9


async def test_whoever_asks_for_a_forgotten_password_gets_the_same_answer(
    api: Client, ada: Client, bob: Client, admin: Client, mailbox: Mailbox
) -> None:
    await admin.patch(f"/api/users/{bob.id}", {"is_active": False})
    asked = [ADA, "bob@example.com", "nobody@example.com"]
    answers = [await api.post("/api/auth/forgot", {"email": email}) for email in asked]
    assert {(answer.status, answer.body, answer.headers["Content-Length"]) for answer in answers} == {(202, b"", "0")}
    await mailbox.wait(ADA, 2)
    await asyncio.sleep(0.2)
    assert [len(mailbox.to(email)) for email in asked] == [2, 1, 0]


async def test_the_statements_are_the_same_whoever_asks_for_a_forgotten_password(
    ada: Client, bob: Client, admin: Client, services: Services
) -> None:
    await admin.patch(f"/api/users/{bob.id}", {"is_active": False})
    asked = [await statements(services, email) for email in (ADA, "bob@example.com", "nobody@example.com")]
    assert len(asked[0]) == 3  # a look at the throttle, the throttle, and the outbox
    assert asked[0] == asked[1] == asked[2]


async def statements(services: Services, email: str) -> list[str]:
    """What the database is asked when somebody says that they forgot the password of this address."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *more: object) -> None:
        asked.extend([statement] if current_task() is ours else [])

    ours = current_task()
    event.listen(Engine, "before_cursor_execute", note)
    await services.links.forgot(Forgot(email=email))
    event.remove(Engine, "before_cursor_execute", note)
    return asked


async def test_a_forgotten_password_needs_an_address(api: Client) -> None:
    assert (await api.post("/api/auth/forgot", {"email": "ada"})).json["message"] == "Invalid email format"
    assert (await api.post("/api/auth/forgot", {})).code == "missing_fields"


@pytest.mark.parametrize("minutes", [29, 31])
async def test_a_reset_link_lives_for_half_an_hour(api: Client, reset_token: str, minutes: int) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes), tick=True):
        assert (await reset(api, reset_token)).status == (204 if minutes < 30 else 400)


@pytest.mark.parametrize("hours", [23, 25])
async def test_a_link_that_proves_an_address_lives_for_a_day(
    api: Client, ada: Client, mailbox: Mailbox, hours: int
) -> None:
    token = await mailbox.token(ADA)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=True):
        assert (await verify(api, token)).status == (204 if hours < 24 else 400)


async def test_a_new_password_ends_the_links_that_could_undo_it(
    api: Client, ada: Client, mailbox: Mailbox, reset_token: str
) -> None:
    assert (await change_email(ada)).status == 202
    moving = await mailbox.token(NEW_ADA)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await ada.post("/api/auth/password", change)).status == 204
    assert (await mailbox.wait(ADA, 3))["Subject"] == "Your password was changed"
    assert (await reset(api, reset_token)).code == "link_invalid"
    assert (await verify(api, moving)).code == "link_invalid"


async def test_links_of_the_deactivated_and_the_removed_do_nothing(
    api: Client, ada: Client, admin: Client, mailbox: Mailbox, reset_token: str
) -> None:
    proof = (link_in(mailbox.to(ADA)[0]))[1]
    await admin.patch(f"/api/users/{ada.id}", {"is_active": False})
    assert [(await reset(api, reset_token)).code, (await verify(api, proof)).code] == ["link_invalid"] * 2
    await admin.delete(f"/api/users/{ada.id}")
    assert [(await reset(api, reset_token)).code, (await verify(api, proof)).code] == ["link_invalid"] * 2


async def test_a_link_is_good_for_its_own_purpose_alone(
    api: Client, ada: Client, mailbox: Mailbox, reset_token: str
) -> None:
    proof = link_in(mailbox.to(ADA)[0])[1]
    assert (await verify(api, reset_token)).code == "link_invalid"
    assert (await reset(api, proof)).code == "link_invalid"
    assert [(await reset(api, reset_token)).status, (await verify(api, proof)).status] == [204, 204]


@pytest.mark.parametrize("token", ["", "x", "ml1." + "A" * 64, "rt1." + "A" * 70, "ml1." + "\u0410" * 64, "x" * 5000])
async def test_a_forged_token_is_no_link(api: Client, token: str) -> None:
    for answer in (await reset(api, token), await verify(api, token)):
        assert (answer.status, answer.code) == (400, "link_invalid")


async def test_a_bad_access_token_is_ignored_by_those_who_cannot_sign_in(api: Client, reset_token: str) -> None:
    stale = Client(api.app, "an.old.token")
    assert (await stale.post("/api/auth/forgot", {"email": "nobody@example.com"})).status == 202
    assert (await verify(stale, "x")).status == 400
    assert (await reset(stale, reset_token)).status == 204


async def test_a_new_address_counts_when_it_is_confirmed(api: Client, ada: Client, mailbox: Mailbox) -> None:
    assert (await change_email(ada)).status == 202
    page, token = link_in(await mailbox.wait(NEW_ADA))
    assert page == "https://inkwell.example/verify"
    assert (await ada.get("/api/auth/profile")).json["user"]["email"] == ADA
    assert (await verify(api, token)).status == 204
    user = (await ada.get("/api/auth/profile")).json["user"]
    assert (user["email"], user["email_verified"]) == (NEW_ADA, True)
    assert (await mailbox.wait(ADA, 2))["Subject"] == "The e-mail address of your account was changed"
    assert (await api.sign_in(NEW_ADA)).id == ada.id


async def test_a_new_address_needs_the_password(ada: Client, mailbox: Mailbox) -> None:
    answer = await change_email(ada, password="wrong")
    assert (answer.status, answer.code) == (400, "wrong_password")
    assert (await change_email(ada, "nowhere")).json["details"][0]["field"] == "new_email"
    await asyncio.sleep(0.2)
    assert mailbox.to(NEW_ADA) == []


async def test_nobody_is_told_that_a_new_address_is_somebodys(ada: Client, bob: Client, mailbox: Mailbox) -> None:
    assert (await change_email(ada, "bob@example.com")).status == 202
    assert (await change_email(ada)).status == 202
    await mailbox.wait(NEW_ADA)
    assert [message["Subject"] for message in mailbox.to("bob@example.com")] == ["Confirm your e-mail address"]


async def test_an_address_that_was_taken_since_the_link_was_mailed_stays_taken(
    api: Client, ada: Client, mailbox: Mailbox
) -> None:
    await change_email(ada)
    token = await mailbox.token(NEW_ADA)
    await api.join(NEW_ADA)
    assert (await verify(api, token)).code == "link_invalid"
    assert (await ada.get("/api/auth/profile")).json["user"]["email"] == ADA


async def test_an_address_that_an_admin_sets_is_to_be_proved(
    api: Client, ada: Client, admin: Client, mailbox: Mailbox
) -> None:
    old = await mailbox.token(ADA)
    await verify(api, old)
    changed = await admin.patch(f"/api/users/{ada.id}", {"email": NEW_ADA})
    assert changed.json["user"]["email_verified"] is False
    assert (await verify(api, await mailbox.token(NEW_ADA))).status == 204
    assert await verified(ada)


async def test_mail_to_an_old_address_proves_nothing_of_a_new_one(
    api: Client, ada: Client, admin: Client, mailbox: Mailbox, reset_token: str
) -> None:
    old = link_in(mailbox.to(ADA)[0])[1]
    await admin.patch(f"/api/users/{ada.id}", {"email": NEW_ADA})
    assert [(await verify(api, old)).code, (await reset(api, reset_token)).code] == ["link_invalid"] * 2


async def test_whoever_does_everything_at_once_waits_for_nobody_in_a_circle(
    api: Client, ada: Client, admin: Client, mailbox: Mailbox, reset_token: str
) -> None:
    proof = link_in(mailbox.to(ADA)[0])[1]
    answers = await asyncio.gather(
        *(api.post("/api/auth/forgot", {"email": ADA}) for _ in range(5)),
        *(ada.send("POST", "/api/auth/verify-email/resend") for _ in range(5)),
        *(change_email(ada) for _ in range(5)),
        *(reset(api, reset_token) for _ in range(3)),
        *(verify(api, proof) for _ in range(3)),
        ada.post("/api/auth/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
        admin.patch(f"/api/users/{ada.id}", {"email": "third@example.com"}),
    )
    assert {answer.status for answer in answers} <= {200, 202, 204, 400, 401}


async def test_links_that_are_long_over_are_removed(api: Client, ada: Client, mailbox: Mailbox) -> None:
    links = api.app.extensions["inkwell"].links
    await mailbox.wait(ADA)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=13), tick=True):
        assert await links.purge() == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(days=15), tick=True):
        assert [await links.purge(), await links.purge()] == [1, 0]


async def test_a_new_address_is_not_taken_from_somebody_whose_password_was_changed_meanwhile(
    ada: Client, monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox
) -> None:
    confirm = AccountService.confirm

    async def the_owner_is_faster(self: AccountService, actor: Actor, password: str) -> Credentials:
        seen = await confirm(self, actor, password)
        monkeypatch.undo()
        await ada.post("/api/auth/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD})
        return seen

    monkeypatch.setattr(AccountService, "confirm", the_owner_is_faster)
    assert (await change_email(ada)).code == "wrong_password"
    assert mailbox.to(NEW_ADA) == []


async def test_an_admins_change_ends_what_somebody_else_had_begun(ada: Client, admin: Client, mailbox: Mailbox) -> None:
    assert (await change_email(ada)).status == 202
    token = await mailbox.token(NEW_ADA)
    await admin.patch(f"/api/users/{ada.id}", {"is_active": False})
    await admin.patch(f"/api/users/{ada.id}", {"is_active": True})
    assert (await verify(admin, token)).code == "link_invalid"


async def test_one_account_mails_five_new_addresses_an_hour(ada: Client, mailbox: Mailbox) -> None:
    for number in range(6):
        assert (await change_email(ada, f"new{number}@example.com")).status == 202
    assert (await change_email(ada, ADA)).status == 202
    await mailbox.wait("new4@example.com")
    await asyncio.sleep(0.2)
    assert [mailbox.to("new5@example.com"), len(mailbox.to(ADA))] == [[], 1]


async def test_strangers_cannot_use_up_the_mails_that_somebody_signed_in_asks_for(
    api: Client, ada: Client, mailbox: Mailbox
) -> None:
    for _ in range(6):
        assert (await api.post("/api/auth/forgot", {"email": NEW_ADA})).status == 202
    assert (await change_email(ada)).status == 202
    assert await mailbox.token(NEW_ADA)
