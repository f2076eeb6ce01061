"""What is stored in memory."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from domain.audit import AuditEvent
from domain.auth import Session
from domain.idempotency import KeptAnswer
from domain.mail import Mail
from domain.posts import Post
from domain.users import Account, Credentials
from tests.fakes.mail import StoredLink

Versioned = TypeVar("Versioned", Account, Post)


@dataclass
class Tables:
    """Everything that is stored: frozen values, so that a copy of the dictionaries is a copy of it all."""

    users: dict[UUID, Credentials] = field(default_factory=dict)
    posts: dict[UUID, Post] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    audit: dict[UUID, AuditEvent] = field(default_factory=dict)
    throttles: dict[UUID, tuple[int, datetime]] = field(default_factory=dict)
    links: dict[UUID, StoredLink] = field(default_factory=dict)
    outbox: dict[UUID, tuple[Mail, datetime]] = field(default_factory=dict)
    kept_answers: dict[UUID, tuple[UUID, KeptAnswer, datetime]] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(*(getattr(self, table.name).copy() for table in fields(self)))


def changed(value: Versioned, **changes: Any) -> Versioned:
    """The value's next version."""
    return replace(value, **changes, version=value.version + 1)
