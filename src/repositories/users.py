"""Users in PostgreSQL."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import product
from typing import Any
from unicodedata import combining, normalize
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Text, and_, bindparam, delete, func, literal_column, not_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError

from domain.errors import EmailTaken
from domain.pages import Cut, Slice
from domain.users import Account, Credentials, Role, UserFilter
from repositories.failures import violated_constraint
from repositories.paging import Listing
from repositories.reading import Executor
from repositories.tables import users, users_by_last_name, users_pairs

ACCOUNT: tuple[Column[Any], ...] = (
    users.c.id,
    users.c.email,
    users.c.first_name,
    users.c.last_name,
    users.c.role,
    users.c.created_at,
    users.c.version,
    users.c.is_active,
    users.c.email_verified,
    users.c.updated_at,
)

_BY_ID = users.c.id == bindparam("user_id")
_GET = select(*ACCOUNT).where(_BY_ID)
_CREDENTIALS = select(users.c.password_hash, *ACCOUNT).where(users.c.email == bindparam("email"))
_CREDENTIALS_OF = select(users.c.password_hash, *ACCOUNT).where(_BY_ID)
_ADD = insert(users).on_conflict_do_nothing(index_elements=[users.c.email]).returning(*ACCOUNT)
_RENEW_HASH = (
    update(users)
    .where(_BY_ID, users.c.password_hash == bindparam("seen"))
    .values(password_hash=bindparam("renewed"), version=users.c.version)  # nobody can see a difference
    .returning(users.c.id)
)
_REMOVE = delete(users).where(_BY_ID).returning(users.c.id)
_IS_ACTIVE_ADMIN = and_(users.c.role == "admin", users.c.is_active)
_NO_ACTIVE_ADMIN = not_(_IS_ACTIVE_ADMIN)
_LOCK = _GET.with_for_update(key_share=True)
_ACTIVE_ADMINS = (
    select(users.c.id)
    .where(_IS_ACTIVE_ADMIN)
    .order_by(users.c.id)  # everybody locks in the same order, so nobody waits in a circle
    .with_for_update(key_share=True)
)
_LOCK_OWNERS = (
    select(users.c.id)
    .where(users.c.email.in_(bindparam("emails", expanding=True)))
    .order_by(users.c.id)
    .with_for_update(key_share=True)
)

_NAMES = func.inkwell_fold(func.concat_ws(func.chr(31), users.c.first_name, users.c.last_name))


def _pattern(name: str) -> ColumnElement[str]:
    return func.inkwell_pattern(bindparam(name))


def _has(name: str) -> ColumnElement[bool]:
    """What has these letters, by the index of pairs; whether there as they stand together, is looked at."""
    letters = func.translate(func.inkwell_fold(bindparam(name)), func.chr(31), func.chr(26))
    pairs = select(func.inkwell_pairs(letters, type_=ARRAY(Text))).scalar_subquery()
    return and_(users_pairs.contains(pairs), func.strpos(users.c.search, letters) > literal_column("0"))


def _kept_totals() -> dict[frozenset[str], list[str]]:
    """Roles and whether users are active: every choice of them is counted as it is written."""
    kept: dict[frozenset[str], list[str]] = {}
    for role, active in product((None, "user", "admin"), (None, True, False)):
        chosen = [("role", role), ("is_active", active)]
        names = [
            f"users {one} {str(each).lower()}"
            for one, each in product(("user", "admin"), (True, False))
            if role in (None, one) and active in (None, each)
        ]
        kept[frozenset(f"{name}={value}" for name, value in chosen if value is not None)] = names
    return kept


DIRECTORY = Listing(
    Account,
    ACCOUNT,
    sorts={
        "created_at": (users.c.created_at, users.c.id),
        "email": (users.c.email,),
        "last_name": (users_by_last_name, users.c.id),
    },
    filters={
        "q": users.c.search.like(_pattern("q")),
        # The index finds whoever has it somewhere; of those few, the names are looked at.
        "names": and_(users.c.search.like(_pattern("names")), _NAMES.like(_pattern("names"))),
        # Values as they stand: of a parameter, the planner would not know how many users it is true.
        "role=user": users.c.role == literal_column("'user'"),
        "role=admin": users.c.role == literal_column("'admin'"),
        "is_active=True": users.c.is_active,
        "is_active=False": not_(users.c.is_active),
        "created_from": users.c.created_at >= bindparam("created_from", type_=users.c.created_at.type),
        "created_to": users.c.created_at < bindparam("created_to", type_=users.c.created_at.type),
    },
    kept=_kept_totals(),
    ranges={"created_from": "created_at", "created_to": "created_at"},
)
# Trigrams would have all of their index read. Such letters are either in nearly every name, or in few.
SHORT = replace(DIRECTORY, counting={"q": _has("q"), "names": and_(_has("names"), _NAMES.like(_pattern("names")))})


def _is_short(part: str) -> bool:
    """Whether at most two letters stay when their accents are taken off."""
    return sum(not combining(letter) for letter in normalize("NFKD", part)) <= 2


class UserRepository:
    """Users over one session; `changed` gathers the ids of those who are not what they were."""

    def __init__(self, session: Executor, changed: set[UUID]) -> None:
        self._session, self._changed = session, changed

    async def add(
        self,
        user_id: UUID,
        email: str,
        password_hash: str,
        first_name: str | None = None,
        last_name: str | None = None,
        role: Role = "user",
    ) -> Account:
        row = {"id": user_id, "email": email, "password_hash": password_hash, "role": role}
        row |= {"first_name": first_name, "last_name": last_name}
        added = (await self._session.execute(_ADD, row)).one_or_none()
        if added is None:
            raise EmailTaken
        return Account(*added)

    async def get(self, user_id: UUID) -> Account | None:
        row = (await self._session.execute(_GET, {"user_id": user_id})).one_or_none()
        return Account(*row) if row else None

    async def credentials(self, email: str) -> Credentials | None:
        row = (await self._session.execute(_CREDENTIALS, {"email": email})).one_or_none()
        return Credentials(Account(*row[1:]), row[0]) if row else None

    async def credentials_of(self, user_id: UUID) -> Credentials | None:
        row = (await self._session.execute(_CREDENTIALS_OF, {"user_id": user_id})).one_or_none()
        return Credentials(Account(*row[1:]), row[0]) if row else None

    async def find(self, wanted: UserFilter, cut: Cut) -> Slice[Account]:
        part = wanted.q or wanted.names
        return await (SHORT if part and _is_short(part) else DIRECTORY).find(self._session, wanted, cut)

    async def lock(self, user_id: UUID, *, spare_admins: bool = False) -> Account | None:
        statement = _LOCK.where(_NO_ACTIVE_ADMIN) if spare_admins else _LOCK
        row = (await self._session.execute(statement, {"user_id": user_id})).one_or_none()
        return Account(*row) if row else None

    async def change(self, user_id: UUID, changes: Mapping[str, Any]) -> Account | None:
        self._changed.add(user_id)
        values = _proved_address(changes) | {**changes, "updated_at": func.now()}
        change = update(users).where(users.c.id == user_id).values(values)
        try:
            row = (await self._session.execute(change.returning(*ACCOUNT))).one_or_none()
        except IntegrityError as error:
            if violated_constraint(error) == "uq_users_email":
                raise EmailTaken from None
            raise
        return Account(*row) if row else None

    async def set_password(self, email: str, password_hash: str, *, seen: str | None = None) -> UUID | None:
        change = update(users).where(users.c.email == email).values(password_hash=password_hash, updated_at=func.now())
        if seen is not None:
            change = change.where(users.c.password_hash == seen)
        row = (await self._session.execute(change.returning(users.c.id))).one_or_none()
        if row is None:
            return None
        user_id: UUID = row[0]
        self._changed.add(user_id)
        return user_id

    async def renew_hash(self, seen: Credentials, password_hash: str) -> bool:
        row = {"user_id": seen.account.id, "seen": seen.password_hash, "renewed": password_hash}
        return (await self._session.execute(_RENEW_HASH, row)).one_or_none() is not None

    async def remove(self, user_id: UUID) -> bool:
        self._changed.add(user_id)
        return (await self._session.execute(_REMOVE, {"user_id": user_id})).one_or_none() is not None

    async def lock_owners(self, emails: Collection[str]) -> None:
        await self._session.execute(_LOCK_OWNERS, {"emails": list(emails)})

    async def lock_active_admins(self) -> set[UUID]:
        return set((await self._session.execute(_ACTIVE_ADMINS)).scalars())


def _proved_address(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nobody has proved a new address yet."""
    if "email" not in changes:
        return {}
    return {"email_verified": and_(users.c.email_verified, users.c.email == changes["email"])}
