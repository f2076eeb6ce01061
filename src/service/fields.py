"""What clients may send, as types: every text field and number of the contract with its bounds."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from service.common_passwords import is_common

LONGEST_EMAIL = 254  # RFC 5321 as corrected by erratum 1690: a path of 256 octets less its angle brackets
LAST_PAGE = 1_000_000  # a promise of the contract; a cursor leads on from there
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 128
TELLING_LOCAL_PART = 4  # shorter local parts turn up in good passwords by chance


UUID_LENGTH = 36
_READ_UUID: Callable[[str], UUID] = TypeAdapter(UUID).validator.validate_python
_DIGITS = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


class Input(BaseModel):
    """A body or query from outside: no type is converted, no unknown name accepted, nothing changes afterwards."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    @property
    def sent(self) -> dict[str, Any]:
        """The fields that the client named, with their values; defaults are not among them."""
        return self.model_dump(exclude_unset=True)


def normal_email(text: str) -> str | None:
    """The address as it is stored and compared: trimmed and lower-cased; None if it is no address."""
    text = text.strip()
    if len(text) > LONGEST_EMAIL:  # validating takes long for a long one
        return None
    try:
        email = validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized.lower()
    except EmailNotValidError:
        return None
    return email if len(email) <= LONGEST_EMAIL else None


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul_character", "NUL characters are not taken")
    return text


def _email(text: str) -> str:
    email = normal_email(text)
    if email is None:
        raise PydanticCustomError("email_format", "Invalid email format")
    return email


def _password(password: str, info: ValidationInfo) -> str:
    """Refuses what is guessed first; the model must name the e-mail before the password."""
    check_password(password, info.data.get("email", ""))
    return password


def check_password(password: str, email: str) -> None:
    """Raises PydanticCustomError if the password contains the e-mail's local part or is a common one."""
    local_part = email.partition("@")[0]
    if len(local_part) >= TELLING_LOCAL_PART and local_part in password.lower():
        raise PydanticCustomError("password_contains_email", "The password must not contain the e-mail address")
    if is_common(password):
        raise PydanticCustomError("password_common", "This password is among the most common ones")


def _whole_number(text: object) -> object:
    """Digits alone, perhaps negative: not the points, blanks and underscores that `int` would take."""
    return int(text) if isinstance(text, str) and _DIGITS.fullmatch(text) else text


def _truth(text: object) -> object:
    return {"true": True, "false": False}.get(text, text) if isinstance(text, str) else text


def as_uuid(text: str) -> UUID:
    """The id in its canonical spelling, of any case; raises ValueError for every other one that `UUID` would take."""
    try:
        # In half the time that UUID(text) takes. Of the spellings that are read, one has this length.
        return _READ_UUID(text if len(text) == UUID_LENGTH else "")
    except ValueError:
        raise PydanticCustomError("uuid_format", "Not a UUID") from None  # a ValueError, too


def _time(text: object) -> object:
    """A time with its offset, in UTC: without one it would mean another moment to everybody."""
    with suppress(ValueError, OverflowError):
        if isinstance(text, str) and _RFC_3339.fullmatch(text.upper()):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    if isinstance(text, datetime) and text.tzinfo is not None:
        return text
    raise PydanticCustomError("time_format", "Not an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z")


def _blank_is_none(text: object) -> object:
    return None if text == "" else text


WithoutNul = AfterValidator(_without_nul)
_EMAIL_SCHEMA = {"type": "string", "format": "email", "minLength": 3, "maxLength": LONGEST_EMAIL}

Text = Annotated[str, StringConstraints(min_length=0), WithoutNul]  # constrained, pydantic refuses lone surrogates
Email = Annotated[Text, AfterValidator(_email), WithJsonSchema(_EMAIL_SCHEMA)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), WithoutNul]
LongPassword = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD), WithoutNul]
Password = Annotated[LongPassword, AfterValidator(_password)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), WithoutNul]
Content = Annotated[str, StringConstraints(min_length=1, max_length=200_000), WithoutNul]

QueryFlag = Annotated[bool, BeforeValidator(_truth)]
PageNumber = Annotated[int, Field(ge=1, le=LAST_PAGE), BeforeValidator(_whole_number)]
PageLimit = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole_number)]
QueryTime = Annotated[datetime, BeforeValidator(_time)]
QueryId = Annotated[UUID, BeforeValidator(as_uuid)]
_Search = Annotated[str, StringConstraints(max_length=100), WithoutNul]
SearchText = Annotated[_Search | None, BeforeValidator(_blank_is_none)]
