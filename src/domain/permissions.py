"""Who may do what, and to whose what: the one table that decides.

`inkwell permissions` prints it, docs/permissions.md shows it, and tests/api/test_permissions.py tries every route.
"""

from collections.abc import Collection
from enum import Enum
from uuid import UUID

from domain.errors import (
    AdminRequired,
    DomainError,
    NotYours,
    PostNotFound,
    RegistrationClosed,
    SessionNotFound,
    TokenMissing,
)
from domain.users import Access, Actor

ANYONE = "anyone"
ANYONE_IF_OPEN = "anyone if REGISTRATION=open"
SIGNED_IN = "signed in"
SIGNED_IN_IF_SHOWN = "signed in if DIRECTORY=members"
OWNER = "owner"  # the user itself, the post's author, whose session it is
ADMIN = "admin"
NARROWEST = Access(may_register=False, members_see_addresses=False)


class Permission(Enum):
    """A row each: what it is, who may, and what the others are told."""

    USER_REGISTER = "make an account for oneself", {ANYONE_IF_OPEN}, RegistrationClosed
    USER_CREATE = "make an account for somebody", {ADMIN}, AdminRequired
    USER_READ = "list active users, see any by id: names, role, joined when", {SIGNED_IN}
    USER_READ_EMAIL = "see the address; search and sort by addresses", {SIGNED_IN_IF_SHOWN, OWNER, ADMIN}, AdminRequired
    USER_READ_ALL = "see more: active or not, verified or not, last change", {OWNER, ADMIN}
    USER_LIST_INACTIVE = "list inactive users", {ADMIN}, AdminRequired
    USER_RENAME = "change first and last name", {OWNER, ADMIN}, NotYours
    USER_CHANGE = "change e-mail, role, active or not", {ADMIN}, NotYours
    USER_DELETE = "remove a user with all posts", {ADMIN}, AdminRequired
    ACCOUNT_CHANGE = "prove or change one's address, change one's password, end one's account", {OWNER}
    SESSION_LIST = "see where one is signed in", {OWNER}
    SESSION_END = "end a session", {OWNER}, SessionNotFound
    POST_READ = "list and read what is published", {ANYONE}
    POST_READ_DRAFT = "read a draft", {OWNER, ADMIN}, PostNotFound
    POST_LIST_OWN = "list one's own posts, drafts too", {OWNER}
    POST_CREATE = "write a post", {SIGNED_IN}
    POST_CHANGE = "change, publish, hide a post", {OWNER, ADMIN}, NotYours
    POST_DELETE = "remove a post", {OWNER, ADMIN}, NotYours
    AUDIT_READ = "read the audit trail", {ADMIN}, AdminRequired

    def __init__(self, what: str, who: Collection[str], refusal: type[DomainError] = TokenMissing) -> None:
        self.what, self.who, self.refusal = what, frozenset(who), refusal


def may(actor: Actor | None, do: Permission, owner_id: UUID | None = None, access: Access = NARROWEST) -> bool:
    """Whether the actor, None if nobody signed in, may do it to what is `owner_id`'s; without one, to everybody's.

    What depends on the installation is refused to those who do not bring its `access`.
    """
    who = do.who
    if ANYONE in who or (ANYONE_IF_OPEN in who and access.may_register):
        return True
    return actor is not None and (
        SIGNED_IN in who
        or (SIGNED_IN_IF_SHOWN in who and access.members_see_addresses)
        or (ADMIN in who and actor.is_admin)
        or (OWNER in who and actor.id == owner_id)
    )


def ensure(actor: Actor | None, do: Permission, owner_id: UUID | None = None, access: Access = NARROWEST) -> None:
    """Raises the permission's refusal."""
    if not may(actor, do, owner_id, access):
        raise do.refusal


def only_of(actor: Actor, do: Permission) -> UUID | None:
    """Whose things the actor may do it to, for a WHERE clause; None is everybody's. Raises the permission's refusal."""
    if may(actor, do):
        return None
    ensure(actor, do, actor.id)
    return actor.id
