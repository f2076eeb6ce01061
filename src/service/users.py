"""The directory: who has an account, and what may be changed about it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from domain.audit import OPERATOR, Action
from domain.errors import LastAdmin, UserNotFound
from domain.pages import Page, Slice
from domain.permissions import Permission, ensure, may
from domain.users import Access, Account, Actor, Client, Role, User, UserFilter
from domain.versions import Versions, require
from service.audit import difference, record
from service.fields import Email, Input, Name, Password, QueryFlag, QueryTime, SearchText
from service.idempotency import Idempotency, Once
from service.mail import enqueue, mail_new_password
from service.pagination import PageRequest
from service.passwords import Passwords
from service.ports import Store, UnitOfWork
from service.throttles import ThrottleService

NAMES = frozenset({"first_name", "last_name"})


class NewPassword(Input):
    """An address and a password that may be set for it."""

    email: Email
    password: Password


class NewAccount(NewPassword):
    """What somebody says who registers."""

    first_name: Name | None = None
    last_name: Name | None = None


class NewUser(NewAccount):
    """What an admin says who makes an account for somebody."""

    role: Role = "user"


class UserChanges(Input):
    """The fields to change; one that is not sent stays, and its default here is never read."""

    first_name: Name | None = None
    last_name: Name | None = None
    email: Email = ""
    role: Role = "user"
    is_active: bool = True


UserOrder = Literal["created_at", "-created_at", "email", "-email", "last_name", "-last_name"]


class UserListing(PageRequest):
    """A page of the directory, of those whose e-mail or name contains `q`; `created_to` itself is out of the range."""

    q: SearchText = None
    sort: UserOrder = "created_at"
    role: Role | None = None
    is_active: QueryFlag | None = None
    created_from: QueryTime | None = None
    created_to: QueryTime | None = None

    def wanted(self, *, by_address: bool, active_only: bool) -> UserFilter:
        q, names = (self.q, None) if by_address else (None, self.q)
        is_active = True if active_only else self.is_active
        return UserFilter(q, names, self.role, is_active, self.created_from, self.created_to)


class UserService:
    """Registers, lists, shows, changes and removes users."""

    def __init__(
        self, store: Store, passwords: Passwords, access: Access, throttles: ThrottleService, idempotency: Idempotency
    ) -> None:
        self._store, self._passwords, self._access = store, passwords, access
        self._throttles, self._idempotency = throttles, idempotency

    async def register(self, new: NewAccount, client: Client) -> Account:
        """Raises RegistrationClosed, TooManyRequests, EmailTaken."""
        ensure(None, Permission.USER_REGISTER, access=self._access)
        await self._throttles.register(client)
        return await self._add(new, "user", "user.register", client)

    async def create(self, actor: Actor, new: NewUser, once: Once[Account] | None = None) -> Account:
        """Raises AdminRequired, EmailTaken, and what Idempotency.run does."""
        ensure(actor, Permission.USER_CREATE)
        await self._idempotency.look(actor, once)  # a password is not hashed again for an answer that is there
        password_hash = await self._passwords.hash(new.password)
        async with self._store.write() as work:
            add = partial(self._added, work, new, password_hash, new.role, "user.create", actor)
            return await self._idempotency.run(work, actor, once, add)

    async def list(self, actor: Actor, listing: UserListing) -> Page[User]:
        """Oldest first by default; the inactive ones are for admins. Raises AdminRequired, BadCursor, InvalidQuery."""
        by_address = may(actor, Permission.USER_READ_EMAIL, access=self._access)
        wanted = listing.wanted(by_address=by_address, active_only=not may(actor, Permission.USER_LIST_INACTIVE))
        cut = listing.cut(wanted, listing.sort)
        if listing.is_active is not None:
            ensure(actor, Permission.USER_LIST_INACTIVE)
        if cut.sort == "email":  # the order tells addresses
            ensure(actor, Permission.USER_READ_EMAIL, access=self._access)
        if wanted.names is not None and cut.total == "estimated":  # the planner's guess knows addresses
            cut = replace(cut, total="exact")
        async with self._store.read() as work:
            found = await work.users.find(wanted, cut)
        return listing.answer(self._all_shown(actor, found), wanted, cut.order)

    async def get(self, actor: Actor, user_id: UUID) -> User:
        """Raises UserNotFound."""
        async with self._store.read() as work:
            return self._shown(actor, _found(await work.users.get(user_id)))

    async def change(self, actor: Actor, user_id: UUID, changes: UserChanges, expected: Versions = None) -> Account:
        """Raises NotYours, UserNotFound, PreconditionFailed, EmailTaken, LastAdmin."""
        sent = changes.sent
        ensure(actor, Permission.USER_RENAME if sent.keys() <= NAMES else Permission.USER_CHANGE, user_id)
        async with self._store.write() as work:
            return await self._change(work, actor, user_id, sent, expected)

    async def remove(self, actor: Actor, user_id: UUID, expected: Versions = None) -> None:
        """Removes the user with its posts and sessions.

        Raises AdminRequired, UserNotFound, PreconditionFailed, LastAdmin.
        """
        ensure(actor, Permission.USER_DELETE)
        async with self._store.write() as work:
            await lock_leaving(work, user_id, expected)
            await remove_locked(work, actor, user_id)

    async def add_admin(self, new: NewPassword) -> Account:
        """For the operator. Raises EmailTaken."""
        newcomer = NewAccount.model_construct(email=new.email, password=new.password)
        return await self._add(newcomer, "admin", "user.create", OPERATOR)

    async def set_password(self, new: NewPassword) -> None:
        """For the operator; ends the user's sessions. Raises UserNotFound."""
        password_hash = await self._passwords.hash(new.password)
        async with self._store.write() as work:
            user_id = await work.users.set_password(new.email, password_hash)
            if user_id is None:
                raise UserNotFound
            await work.sessions.end_all(user_id)
            await mail_new_password(work, self._throttles, user_id, new.email)
            await record(work, "password.set", OPERATOR, user_id)

    def _shown(self, reader: Actor, account: Account) -> User:
        """As much of it as the reader may see."""
        return self._view(reader, account.id)(account)

    def _all_shown(self, reader: Actor, found: Slice[Account]) -> Slice[User]:
        """The same of each: decided once for everybody's, and once for the own."""
        own_id, own, of_others = reader.id, self._view(reader, reader.id), self._view(reader, None)
        rows = [own(account) if account.id == own_id else of_others(account) for account in found.rows]
        return Slice(rows, found.total, found.end)

    def _view(self, reader: Actor, owner_id: UUID | None) -> Callable[[Account], User]:
        if may(reader, Permission.USER_READ_ALL, owner_id):
            return _whole
        return _public if may(reader, Permission.USER_READ_EMAIL, owner_id, self._access) else _unaddressed

    async def _add(self, new: NewAccount, role: Role, action: Action, by: Actor | Client) -> Account:
        password_hash = await self._passwords.hash(new.password)
        async with self._store.write() as work:
            return await self._added(work, new, password_hash, role, action, by)

    async def _added(
        self, work: UnitOfWork, new: NewAccount, password_hash: str, role: Role, action: Action, by: Actor | Client
    ) -> Account:
        account = await work.users.add(uuid7(), new.email, password_hash, new.first_name, new.last_name, role)
        await record(work, action, by, account.id, role=role)
        await enqueue(work, self._throttles, "verify", account.email)
        return account

    async def _change(
        self, work: UnitOfWork, actor: Actor, user_id: UUID, sent: dict[str, Any], expected: Versions
    ) -> Account:
        if not sent:
            return _found(await work.users.get(user_id), expected)
        leaves = sent.get("role") == "user" or sent.get("is_active") is False
        before = await (lock_leaving if leaves else _locked)(work, user_id, expected)
        account = _found(await work.users.change(user_id, sent))
        if account.email != before.email or not account.is_active:
            await work.links.drop(user_id, ("reset", "verify", "change_email"))  # whoever asked for them may be another
        if "email" in sent and not account.email_verified:
            await enqueue(work, self._throttles, "verify", account.email)
        if not account.is_active:
            await work.sessions.end_all(user_id)  # after the user, as everywhere: nobody waits in a circle
        if changed := difference(before, account):
            await record(work, "user.update", actor, user_id, **changed)
        return account


def _whole(account: Account) -> User:
    return account


def _unaddressed(account: Account) -> User:
    return replace(account.public, email=None)


_public: Callable[[Account], User] = attrgetter("public")


def _found(account: Account | None, expected: Versions = None) -> Account:
    if account is None:
        raise UserNotFound
    require(account.version, expected)
    return account


async def _locked(work: UnitOfWork, user_id: UUID, expected: Versions) -> Account:
    """The user, whom nobody else changes now. Raises UserNotFound, PreconditionFailed."""
    return _found(await work.users.lock(user_id), expected)


async def lock_leaving(work: UnitOfWork, user_id: UUID, expected: Versions = None) -> Account:
    """The user, whom nobody else changes now, and who may be an admin that leaves: locked before any other user.

    Raises UserNotFound, PreconditionFailed, LastAdmin.
    """
    if found := await work.users.lock(user_id, spare_admins=True):
        return _found(found, expected)
    await _keep_an_admin(work, user_id, expected)
    return await _locked(work, user_id, expected)


async def remove_locked(work: UnitOfWork, actor: Actor, user_id: UUID) -> None:
    """Removes a user whom `lock_leaving` gave."""
    await work.users.remove(user_id)
    await record(work, "user.delete", actor, user_id)


async def _keep_an_admin(work: UnitOfWork, leaving_id: UUID, expected: Versions) -> None:
    """The lock makes two admins who remove each other take turns, so that the second one is refused."""
    _found(await work.users.get(leaving_id), expected)
    if await work.users.lock_active_admins() == {leaving_id}:
        raise LastAdmin
