"""What the settings say of mail: the server that takes it, who it is from, and where its links lead."""

import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

PORTS = {"smtp": 587, "smtps": 465}
FORM = "is not of the form smtp://user:password@host:587 (smtps:// for TLS from the start)"
LOCAL = {"localhost", "127.0.0.1", "::1"}
TOKEN = "{token}"  # noqa: S105  where the token goes

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server that takes mail over SMTP: with TLS from the start, or by STARTTLS.

    STARTTLS is required where there is a password to protect, and used where the server offers it.
    """

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    tls: bool = False

    @property
    def start_tls(self) -> bool | None:
        """As aiosmtplib wants it: None takes what is offered."""
        return False if self.tls else True if self.user else None


def parse_mail_url(url: str) -> MailServer:
    """Raises ValueError with a sentence that does not repeat the URL, which may hold a password."""
    parts = _split(url)
    if parts is None or parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(FORM)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{FORM}; reserved characters in user and password are percent-encoded, such as %40 for @")
    user, password = _decoded(parts.username), _decoded(parts.password)
    if bool(user) != bool(password):
        raise ValueError("has a user without a password, or a password without a user")
    return MailServer(parts.hostname, parts.port or PORTS[parts.scheme], user, password, parts.scheme == "smtps")


def parse_sender(text: str) -> Address:
    """An address, or a name and an address: Inkwell <inkwell@example.com>. Raises ValueError."""
    name, address = parseaddr(text)
    if not text.isprintable() or not address:
        raise ValueError("is no address; it takes one such as inkwell@example.com or Inkwell <inkwell@example.com>")
    return Address(name, addr_spec=ascii_address(address))


def ascii_address(address: str) -> str:
    """The address as mail servers take it, its domain in IDNA. Raises ValueError."""
    from email_validator import EmailNotValidError, validate_email  # here, so that it is read only where it is needed

    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"is no address: {error}") from None
    return found.ascii_email or address


def _check_public_url(url: str) -> str:
    """The URL without a slash at its end. Raises ValueError unless it is https, or http on this machine."""
    parts = _web_address(url)
    if parts.query or "#" in url:
        raise ValueError("takes no query and no fragment; it is where this API is reached: https://api.example.com")
    return url.rstrip("/")


def _check_link_template(url: str) -> str:
    """Raises ValueError unless it is https, or http on this machine, with {token} once, in the fragment."""
    parts = _web_address(url)
    if url.count(TOKEN) != 1 or TOKEN not in parts.fragment:
        raise ValueError(
            f"needs {TOKEN} once, behind a #, where no server and no log sees it: https://example.com/reset#{TOKEN}"
        )
    return url


def _check_mail_url(url: SecretStr) -> SecretStr:
    parse_mail_url(url.get_secret_value())
    return url


def _check_sender(text: str) -> str:
    parse_sender(text)
    return text


def _web_address(url: str) -> SplitResult:
    parts = _split(url)
    if parts is None or not parts.hostname or parts.username is not None:
        raise ValueError("is no web address such as https://example.com/page")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise ValueError("has to begin with https:// (or with http:// on localhost): what it leads to takes passwords")
    return parts


def _split(url: str) -> SplitResult | None:
    """The parts of a URL, or None if it has a port that is none, or characters that no URL has."""
    try:
        parts = urlsplit(url)
        return None if _UNPRINTABLE.search(url) or parts.port == 0 else parts
    except ValueError:
        return None


def _decoded(part: str | None) -> str | None:
    if part is None:
        return None
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("has a percent-encoding in user or password that is no UTF-8") from None
    if _UNPRINTABLE.search(text.replace(" ", "")):
        raise ValueError("has a control character in user or password")
    return text


MailUrl = Annotated[SecretStr, AfterValidator(_check_mail_url)]
Sender = Annotated[str, AfterValidator(_check_sender)]
PublicUrl = Annotated[str, AfterValidator(_check_public_url)]
LinkTemplate = Annotated[str, AfterValidator(_check_link_template)]
