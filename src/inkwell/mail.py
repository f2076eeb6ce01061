"""Handing mail over: to a mail server, to the log of a developer, or to nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime

import structlog

from domain.mail import Delivery, Mail, MailFailed
from inkwell.letters import Letter, Letters
from inkwell.mail_settings import MailServer, ascii_address
from inkwell.settings import Settings
from service.ports import Mailer

log = structlog.get_logger()

SENDING_SECONDS = 30  # for one mail; less than domain.mail.FIRST_PAUSE, after which another node would try it


def make_mailer(settings: Settings) -> Mailer:
    """The mailer of the settings: a server, or without one the log in development and nobody in production."""
    letters = Letters(settings.link_templates, settings.link_lifetimes)
    if settings.mail_server and settings.sender:
        return SmtpMailer(settings.mail_server, settings.sender, letters)
    return NoMailer() if settings.env == "production" else LogMailer(letters)


class SmtpMailer:
    """Sends mail through a server, each on a connection of its own."""

    def __init__(self, server: MailServer, sender: Address, letters: Letters) -> None:
        self._server, self._sender, self._letters = server, sender, letters

    async def send(self, mail: Mail, token: str | None) -> None:
        message = self._message(mail, self._letters.write(mail, token))
        await _send(self._server, message)

    def _message(self, mail: Mail, letter: Letter) -> EmailMessage:
        message = EmailMessage(SMTP)
        message["Subject"] = letter.subject
        message["From"] = self._sender
        message["To"] = Address(addr_spec=ascii_address(mail.to))
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = f"<{mail.id}@{self._sender.domain}>"  # the same one, should it be sent twice
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine is to answer this
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        return message


class LogMailer:
    """Prints mail to the log, links and all, for who develops without a mail server."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters

    async def send(self, mail: Mail, token: str | None) -> None:
        letter = self._letters.write(mail, token)
        log.info("mail_printed", to=mail.to, subject=letter.subject, link=letter.link, text=letter.text)


class NoMailer:
    """Sends nothing: a production server without MAIL_URL, which was warned of when it started."""

    async def send(self, mail: Mail, token: str | None) -> None:
        pass


def logged(send_due: Callable[[], Awaitable[list[Delivery]]]) -> Callable[[], Awaitable[int]]:
    """The sending as a chore, with a line for each mail that could not be sent."""

    async def batch() -> int:
        deliveries = await send_due()
        for delivery in deliveries:
            if delivery.failure:
                _log_failure(delivery, delivery.failure)
        return len(deliveries)

    return batch


def _log_failure(delivery: Delivery, failure: Exception) -> None:
    mail_id, kind, attempts = str(delivery.mail.id), delivery.mail.kind, delivery.mail.attempts
    expected = isinstance(failure, MailFailed)
    reason, crash = (str(failure), None) if expected else (type(failure).__name__, failure)
    if delivery.is_over:
        log.error("mail_given_up", mail_id=mail_id, kind=kind, attempts=attempts, reason=reason, exc_info=crash)
    else:
        log.warning("mail_postponed", mail_id=mail_id, kind=kind, attempts=attempts, reason=reason, exc_info=crash)


async def _send(server: MailServer, message: EmailMessage) -> None:
    """Raises MailFailed. What the server said stays out of it: it may cite the address, or the link."""
    import aiosmtplib  # here, so that commands start sooner

    try:
        async with asyncio.timeout(SENDING_SECONDS):
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.tls,
                start_tls=server.start_tls,
                timeout=SENDING_SECONDS,
            )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = {recipient.code for recipient in error.recipients}
        raise MailFailed(f"the recipient was refused, code {max(codes)}", final=min(codes) >= 500) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        code = f", code {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
        raise MailFailed(f"{type(error).__name__}{code}") from None
