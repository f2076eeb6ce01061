"""Users in memory."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import EmailTaken
from domain.pages import Cut, Place, Slice
from domain.users import Account, Credentials, Role, UserFilter
from tests.fakes.lists import contains, cut_out, fold, is_between
from tests.fakes.mail import MemoryLinks
from tests.fakes.sessions import MemorySessions
from tests.fakes.tables import Tables, changed


class MemoryUsers:
    """Users in memory."""

    def __init__(self, tables: Tables, clock: Callable[[], datetime]) -> None:
        self._tables, self._clock = tables, clock

    async def add(
        self,
        user_id: UUID,
        email: str,
        password_hash: str,
        first_name: str | None = None,
        last_name: str | None = None,
        role: Role = "user",
    ) -> Account:
        self._refuse_taken(email, user_id)
        now = self._clock()
        account = Account(user_id, email, first_name, last_name, role, now, 1, True, False, now)
        self._tables.users[user_id] = Credentials(account, password_hash)
        return account

    async def get(self, user_id: UUID) -> Account | None:
        found = self._tables.users.get(user_id)
        return found.account if found else None

    async def credentials(self, email: str) -> Credentials | None:
        return next((found for found in self._tables.users.values() if found.account.email == email), None)

    async def credentials_of(self, user_id: UUID) -> Credentials | None:
        return self._tables.users.get(user_id)

    async def find(self, wanted: UserFilter, cut: Cut) -> Slice[Account]:
        found = [account for account in self._accounts() if _is_wanted(account, wanted)]
        return cut_out([(_place(account, cut.sort), account) for account in found], cut)

    async def lock(self, user_id: UUID, *, spare_admins: bool = False) -> Account | None:
        return None if spare_admins and user_id in await self.lock_active_admins() else await self.get(user_id)

    async def change(self, user_id: UUID, changes: Mapping[str, Any]) -> Account | None:
        found = self._tables.users.get(user_id)
        if found is None:
            return None
        self._refuse_taken(changes.get("email"), user_id)
        proved = found.account.email_verified and changes.get("email") in (None, found.account.email)
        account = changed(found.account, **{"email_verified": proved, **changes}, updated_at=self._clock())
        self._tables.users[user_id] = replace(found, account=account)
        return account

    async def set_password(self, email: str, password_hash: str, *, seen: str | None = None) -> UUID | None:
        found = await self.credentials(email)
        if found is None or seen not in (None, found.password_hash):
            return None
        account = changed(found.account, updated_at=self._clock())
        self._tables.users[account.id] = Credentials(account, password_hash)
        return account.id

    async def renew_hash(self, seen: Credentials, password_hash: str) -> bool:
        found = self._tables.users.get(seen.account.id)
        if found is None or found.password_hash != seen.password_hash:
            return False
        self._tables.users[seen.account.id] = replace(found, password_hash=password_hash)
        return True

    async def remove(self, user_id: UUID) -> bool:
        for post in [post for post in self._tables.posts.values() if post.author_id == user_id]:
            del self._tables.posts[post.id]
        await MemorySessions(self._tables).end_all(user_id)
        await MemoryLinks(self._tables.users, self._tables.links, self._clock).drop_all(user_id)
        for kept_id in [kept_id for kept_id, row in self._tables.kept_answers.items() if row[0] == user_id]:
            del self._tables.kept_answers[kept_id]
        return self._tables.users.pop(user_id, None) is not None

    async def lock_owners(self, emails: Collection[str]) -> None:
        pass  # in memory there is nobody else

    async def lock_active_admins(self) -> set[UUID]:
        return {account.id for account in self._accounts() if account.is_admin and account.is_active}

    def _accounts(self) -> Iterable[Account]:
        return (found.account for found in self._tables.users.values())

    def _refuse_taken(self, email: str | None, by: UUID) -> None:
        if any(account.email == email and account.id != by for account in self._accounts()):
            raise EmailTaken


def _is_wanted(account: Account, wanted: UserFilter) -> bool:
    return (
        (wanted.q is None or contains((account.email, account.first_name, account.last_name), wanted.q))
        and (wanted.names is None or contains((account.first_name, account.last_name), wanted.names))
        and wanted.role in (None, account.role)
        and wanted.is_active in (None, account.is_active)
        and is_between(account.created_at, wanted.created_from, wanted.created_to)
    )


def _place(account: Account, sort: str) -> Place:
    if sort == "email":
        return (account.email,)
    return (account.created_at if sort == "created_at" else fold(account.last_name or ""), account.id)
