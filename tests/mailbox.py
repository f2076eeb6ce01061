"""A real mail server for tests, on a port of its own, that keeps what it is given."""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # what clients do to the server is what is tested

LINK = re.compile(r"(http\S+)#token=([A-Za-z0-9._-]+)")
SENDER = "Inkwell <inkwell@example.com>"


@dataclass
class Mailbox:
    """Every message that came, and what the server answers to the next recipients or messages."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)  # somebody wants to hand over a message
    patience: asyncio.Event = field(default_factory=asyncio.Event)  # clear it, and nobody gets an answer to that
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.patience.set()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages if message["To"] == address]

    async def wait(self, address: str, count: int = 1, *, seconds: float = 20) -> EmailMessage:
        """The newest message to the address, as soon as there are so many."""
        async with asyncio.timeout(seconds):
            while len(self.to(address)) < count:
                self._came.clear()
                await self._came.wait()
        return self.to(address)[-1]

    async def token(self, address: str, count: int = 1) -> str:
        """The token in the newest message to the address."""
        return link_in(await self.wait(address, count))[1]

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refusals and self.refusals[0].startswith("RCPT "):
            return self.refusals.pop(0).removeprefix("RCPT ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: object, envelope: Envelope) -> str:  # noqa: N802
        self.asked.set()
        await self.patience.wait()
        if self.refusals:
            return self.refusals.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.messages.append(message_from_bytes(content, policy=default))
        self._came.set()
        return "250 OK"

    def authenticate(self, server: SMTP, session: object, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss word", handled=False)


def link_in(message: EmailMessage) -> tuple[str, str]:
    """The page and the token of the link in the message's text."""
    found = LINK.search(text_of(message, "plain"))
    assert found
    return found[1], found[2]


def text_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part
    text: str = part.get_content()
    return text


@asynccontextmanager
async def open_mailbox(tls: ssl.SSLContext | None = None, *, tls_first: bool = False) -> AsyncIterator[Mailbox]:
    """A mailbox behind a server that speaks SMTP, and with `tls` offers STARTTLS or wants TLS first."""
    mailbox = Mailbox()
    options: dict[str, Any] = {"authenticator": mailbox.authenticate, "auth_require_tls": not tls_first}
    options["tls_context"] = None if tls_first else tls
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="mail.example", loop=loop, **options),
        "127.0.0.1",
        0,
        ssl=tls if tls_first else None,
    )
    mailbox.port = server.sockets[0].getsockname()[1]
    yield mailbox
    server.close()
