"""The audit trail: who did what, to whom, when and from where."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain.users import Client
from domain.values import value

Action = Literal[
    "user.register",
    "user.create",
    "user.update",
    "user.delete",
    "login.succeed",
    "login.fail",
    "session.logout",
    "session.end",
    "session.reuse",
    "email.request",
    "email.verify",
    "password.change",
    "password.reset",
    "password.set",
    "password.fail",
    "post.update",
    "post.delete",
]

OPERATOR = Client(None, None)  # works at the shell: nobody is signed in, and there is no request


@value
class AuditEvent:
    """What was done; ids come in the order of time.

    `actor_id` is who was signed in, if anybody was. `target_id` is the user it was done to, or the post, as long as
    there was one. `data` is what else an admin wants to know: values of JSON, and never a secret or an address.
    """

    id: UUID
    at: datetime
    actor_id: UUID | None
    action: Action
    target_id: UUID | None
    ip: str | None
    request_id: str | None
    data: Mapping[str, Any]


@value
class AuditFilter:
    """Which events are wanted; None leaves a choice open. `since` is the least id, `until` the first one beyond."""

    actor: UUID | None = None
    target: UUID | None = None
    action: Action | None = None
    since: UUID | None = None
    until: UUID | None = None
