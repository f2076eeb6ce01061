"""Users: what everybody may see of them, what they see of themselves, and what login reads."""

from dataclasses import field
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.values import value
from domain.versions import UNSHOWN

Role = Literal["user", "admin"]


@value
class User:
    """What every signed-in reader may see of a user; the address only where the directory is everybody's."""

    id: UUID
    email: str | None
    first_name: str | None
    last_name: str | None
    role: Role
    created_at: datetime
    version: int = field(metadata=UNSHOWN)


@value
class Account(User):
    """A user in full: for that user and for admins."""

    email: str  # narrower than a reader's, and in the same place among the fields
    is_active: bool
    email_verified: bool
    updated_at: datetime

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    @property
    def public(self) -> User:
        return User(self.id, self.email, self.first_name, self.last_name, self.role, self.created_at, self.version)


@value
class UserFilter:
    """Which users a list is of; what is None does not narrow it.

    `q` is a part of the e-mail, the first or the last name, `names` of one of the names alone, in any case;
    `created_from` belongs to the range, `created_to` no longer.
    """

    q: str | None = None
    names: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


@value
class Credentials:
    """What login compares: the only value that carries a password hash."""

    account: Account
    password_hash: str


@value
class Access:
    """What this installation lets people do: make accounts for themselves, and see each other's addresses."""

    may_register: bool = True
    members_see_addresses: bool = True


@value
class Client:
    """Where a request comes from: the client's address, what its program calls itself, and the request's id."""

    ip: str | None
    user_agent: str | None
    request_id: str | None = None


@value
class Actor:
    """Who is asking, and from where: an active account, signed in by a session that has not ended."""

    account: Account
    session_id: UUID
    client: Client

    @property
    def id(self) -> UUID:
        return self.account.id

    @property
    def is_admin(self) -> bool:
        return self.account.is_admin
