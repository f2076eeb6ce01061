"""How mail is written and handed over, to a real server, to the log or to nobody."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from domain.mail import Delivery, Kind, Mail, MailFailed
from inkwell import mail as mailers
from inkwell.letters import SUBJECTS
from inkwell.mail import SmtpMailer, logged, make_mailer
from inkwell.settings import Settings, load_settings
from service.ports import Mailer
from tests.certificates import certificate
from tests.factories import NOBODY
from tests.mailbox import SENDER, Mailbox, link_in, open_mailbox, text_of

MAIL = Mail(NOBODY, "reset", "ada@example.com", attempts=1)
TOKEN = "ml1.a-token"
KINDS: Sequence[Kind] = tuple(SUBJECTS)
SECRET = "f3a91c07d2e84b6592ab6c0d1e7f3458"
LogEvents = Callable[[], list[dict[str, Any]]]


def settings(**more: object) -> Settings:
    return load_settings(env="testing", jwt_secret_key=SECRET, mail_from=SENDER, **more)


def mailer(url: str, **more: object) -> Mailer:
    return make_mailer(settings(mail_url=url, **more))


async def sent(mail: Mail = MAIL, token: str | None = TOKEN, **more: object) -> EmailMessage:
    async with open_mailbox() as mailbox:
        await mailer(mailbox.url, **more).send(mail, token)
        return mailbox.messages[0]


async def failure(mailbox: Mailbox, url: str | None = None) -> MailFailed:
    with pytest.raises(MailFailed) as failed:
        await mailer(url or mailbox.url).send(MAIL, TOKEN)
    return failed.value


async def test_a_message_says_who_when_and_that_nobody_need_answer() -> None:
    message = await sent()
    assert (message["From"], message["To"]) == (SENDER, "ada@example.com")
    assert message["Message-ID"] == f"<{NOBODY}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(message["Date"]).tzinfo


@pytest.mark.parametrize("kind", KINDS)
async def test_every_message_says_the_same_in_text_and_in_html(kind: Kind) -> None:
    token = TOKEN if replace(MAIL, kind=kind).has_link else None
    message = await sent(replace(MAIL, kind=kind), token)
    text, html = text_of(message, "plain"), text_of(message, "html")
    assert message["Subject"] == SUBJECTS[kind]
    assert f">{SUBJECTS[kind]}</h1>" in html
    assert (TOKEN in text, html.count(TOKEN)) == (bool(token), 3 if token else 0)
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.partition("-- ")[0].replace(TOKEN, "").split())
    for sentence in re.findall(r"[A-Z][^.:]*[.:](?= |$)", words):
        assert sentence in " ".join(html.split())


async def test_a_link_says_how_long_it_works() -> None:
    assert "within 30 minutes" in text_of(await sent(), "plain")
    assert "within 24 hours" in text_of(await sent(replace(MAIL, kind="verify")), "html")
    assert "within 1 hour." in text_of(await sent(reset_link_minutes=60), "plain")


async def test_links_lead_to_our_own_page_or_to_the_one_that_is_named() -> None:
    assert link_in(await sent(port=8123)) == ("http://127.0.0.1:8123/reset", TOKEN)
    assert link_in(await sent(public_url="https://api.example/x/")) == ("https://api.example/x/reset", TOKEN)
    message = await sent(reset_url="https://app.example/#/reset?token={token}")
    assert f"https://app.example/#/reset?token={TOKEN}" in text_of(message, "plain")


async def test_what_is_not_ours_is_escaped_in_html() -> None:
    message = await sent(replace(MAIL, kind="verify"), verify_url="https://app.example/?a=1&b=<i>#token={token}")
    assert "https://app.example/?a=1&amp;b=&lt;i&gt;#token=" in text_of(message, "html")


async def test_a_domain_of_another_script_is_written_as_mail_servers_take_it() -> None:
    assert (await sent(replace(MAIL, to="ada@bücher.example")))["To"] == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("to", ["ada@example.com\nBcc: eve@example.com", "ada@example.com, eve@example.com", "ada"])
async def test_an_address_cannot_bring_headers_or_recipients_of_its_own(to: str) -> None:
    async with open_mailbox() as mailbox:
        with pytest.raises(ValueError, match="is no address"):
            await mailer(mailbox.url).send(replace(MAIL, to=to), TOKEN)
        assert mailbox.messages == []


@pytest.mark.parametrize(
    ("answer", "reason", "final"),
    [
        ("RCPT 550 no ada@example.com here", "the recipient was refused, code 550", True),
        ("RCPT 450 later", "the recipient was refused, code 450", False),
        ("554 I do not like http://127.0.0.1:8000/reset#token=ml1.a-token", "SMTPDataError, code 554", False),
        ("451 later", "SMTPDataError, code 451", False),
    ],
)
async def test_a_refusal_is_told_without_what_the_server_said(answer: str, reason: str, final: bool) -> None:
    async with open_mailbox() as mailbox:
        mailbox.refusals = [answer]
        failed = await failure(mailbox)
    assert (str(failed), failed.final) == (reason, final)


async def test_a_server_that_is_away_is_a_failure_for_now() -> None:
    async with open_mailbox() as mailbox:
        pass
    failed = await failure(mailbox)
    assert (str(failed), failed.final) == ("SMTPConnectError", False)


async def test_a_server_that_says_nothing_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailers, "SENDING_SECONDS", 0.05)
    leave = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await leave.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    failed = await failure(Mailbox(), f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    leave.set()
    server.close()
    assert "Timeout" in str(failed)


async def test_a_password_is_not_shown_to_a_server_without_tls() -> None:
    async with open_mailbox() as mailbox:
        failed = await failure(mailbox, f"smtp://inkwell:p%40ss%20word@127.0.0.1:{mailbox.port}")
        assert (failed.final, mailbox.logins, mailbox.messages) == (False, [], [])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_password_goes_over_tls(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    async with open_mailbox(context, tls_first=scheme == "smtps") as mailbox:
        await mailer(f"{scheme}://inkwell:p%40ss%20word@127.0.0.1:{mailbox.port}").send(MAIL, TOKEN)
        assert mailbox.logins == [(b"inkwell", b"p@ss word")]
        assert len(mailbox.messages) == 1


async def test_a_server_with_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    async with open_mailbox(certificate(tmp_path)) as mailbox:
        failed = await failure(mailbox)
        assert (failed.final, mailbox.messages) == (False, [])


async def test_a_wrong_password_is_a_failure_that_can_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    async with open_mailbox(context) as mailbox:
        failed = await failure(mailbox, f"smtp://inkwell:wrong@127.0.0.1:{mailbox.port}")
    assert (str(failed), failed.final) == ("SMTPAuthenticationError, code 535", False)


async def test_without_a_server_mail_is_printed_in_development(log_events: LogEvents) -> None:
    await make_mailer(settings()).send(MAIL, TOKEN)
    printed = log_events()[-1]
    assert (printed["event"], printed["to"]) == ("mail_printed", "ada@example.com")
    assert printed["link"] == f"http://127.0.0.1:8000/reset#token={TOKEN}"


async def test_without_a_server_nothing_is_printed_in_production(log_events: LogEvents) -> None:
    production = load_settings(env="production", jwt_secret_key=SECRET, database_url="postgresql://db.example/x")
    await make_mailer(production).send(MAIL, TOKEN)
    assert log_events() == []


@pytest.mark.parametrize(
    ("failed", "attempts", "event"),
    [
        (MailFailed("away"), 1, "mail_postponed"),
        (MailFailed("away"), 12, "mail_given_up"),
        (MailFailed("no such mailbox", final=True), 1, "mail_given_up"),
        (KeyError("a mistake of ours"), 1, "mail_postponed"),
    ],
)
async def test_a_failure_is_logged_without_address_and_link(
    failed: Exception, attempts: int, event: str, log_events: LogEvents
) -> None:
    async def send_due() -> list[Delivery]:
        return [Delivery(replace(MAIL, attempts=attempts), failed), Delivery(MAIL)]

    assert await logged(send_due)() == 2
    (line,) = log_events()
    assert (line["event"], line["mail_id"], line["attempts"]) == (event, str(NOBODY), attempts)
    assert "ada@" not in str(line)


def test_the_sender_is_a_mailer_of_the_settings_server() -> None:
    assert isinstance(mailer("smtp://127.0.0.1"), SmtpMailer)
