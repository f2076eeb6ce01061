"""What mails say: a subject, a text, and the same in HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from domain.mail import Kind, Mail
from inkwell.mail_settings import TOKEN

SUBJECTS: dict[Kind, str] = {
    "verify": "Confirm your e-mail address",
    "reset": "Set a new password",
    "change_email": "Confirm your new e-mail address",
    "password_changed": "Your password was changed",
    "email_changed": "The e-mail address of your account was changed",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, written."""

    subject: str
    text: str
    html: str
    link: str | None


class Letters:
    """Writes mails. Nothing in them comes from whoever caused them, so that nobody can send a message of their own.

    `templates` has the URL for each kind of link, `lifetimes` how long it works.
    """

    def __init__(self, templates: Mapping[str, str], lifetimes: Mapping[str, timedelta]) -> None:
        self._templates, self._lifetimes = templates, lifetimes
        self._pages = Environment(
            loader=PackageLoader("inkwell", "letters"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def write(self, mail: Mail, token: str | None) -> Letter:
        link = self._templates[mail.kind].replace(TOKEN, token) if token else None
        subject = SUBJECTS[mail.kind]
        lifetime = _in_words(self._lifetimes[mail.kind]) if link else None
        told = {"subject": subject, "to": mail.to, "link": link, "lifetime": lifetime}
        text, html = (self._pages.get_template(f"{mail.kind}.{form}").render(told) for form in ("txt", "html"))
        return Letter(subject, text, html, link)


def _in_words(time: timedelta) -> str:
    minutes = int(time.total_seconds()) // 60
    count, unit = (minutes, "minute") if minutes < 60 or minutes % 60 else (minutes // 60, "hour")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
