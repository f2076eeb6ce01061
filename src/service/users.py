"""The directory: who has an account, and what may be changed about it."""

from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from domain.errors import AdminRequired, LastAdmin, NotYours, RegistrationClosed, UserNotFound
from domain.pages import Page
from domain.users import Access, Account, Actor, Role, User, UserFilter
from service.fields import Email, Input, Name, Password, QueryFlag, QueryTime, SearchText
from service.pagination import PageRequest
from service.passwords import Passwords
from service.ports import Store, UnitOfWork

OWN_FIELDS = frozenset({"first_name", "last_name"})


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

    def __init__(self, store: Store, passwords: Passwords, access: Access) -> None:
        self._store, self._passwords, self._access = store, passwords, access

    async def register(self, new: NewAccount) -> Account:
        """Raises RegistrationClosed, EmailTaken."""
        if not self._access.may_register:
            raise RegistrationClosed
        return await self._add(new, "user")

    async def create(self, actor: Actor, new: NewUser) -> Account:
        """Raises AdminRequired, EmailTaken."""
        _require_admin(actor)
        return await self._add(new, new.role)

    async def list(self, actor: Actor, listing: UserListing) -> Page[User]:
        """Oldest first by default; the inactive ones are for admins. Raises AdminRequired, BadCursor, InvalidQuery."""
        by_address = actor.is_admin or self._access.members_see_addresses
        wanted = listing.wanted(by_address=by_address, active_only=not actor.is_admin)
        cut = listing.cut(wanted, listing.sort)
        if listing.is_active is not None or (cut.sort == "email" and not by_address):  # the order would tell addresses
            _require_admin(actor)
        async with self._store.read() as work:
            found = await work.users.find(wanted, cut)
        return listing.answer(found.map(lambda account: actor.view(account, self._access)), wanted, cut.order)

    async def get(self, actor: Actor, user_id: UUID) -> User:
        """Raises UserNotFound."""
        async with self._store.read() as work:
            return actor.view(_found(await work.users.get(user_id)), self._access)

    async def change(self, actor: Actor, user_id: UUID, changes: UserChanges) -> Account:
        """Raises NotYours, UserNotFound, EmailTaken, LastAdmin."""
        sent = changes.sent
        if not actor.is_admin and (user_id != actor.id or not sent.keys() <= OWN_FIELDS):
            raise NotYours
        async with self._store.write() as work:
            return await self._change(work, user_id, sent)

    async def remove(self, actor: Actor, user_id: UUID) -> None:
        """Removes the user with its posts and sessions. Raises AdminRequired, UserNotFound, LastAdmin."""
        _require_admin(actor)
        async with self._store.write() as work:
            await remove_user(work, user_id)

    async def add_admin(self, new: NewPassword) -> Account:
        """For the operator. Raises EmailTaken."""
        return await self._add(NewAccount.model_construct(email=new.email, password=new.password), "admin")

    async def set_password(self, new: NewPassword) -> None:
        """For the operator; ends the user's sessions. Raises UserNotFound."""
        password_hash = await self._passwords.hash(new.password)
        async with self._store.write() as work:
            user_id = await work.users.set_password(new.email, password_hash)
            if user_id is None:
                raise UserNotFound
            await work.sessions.end_all(user_id)

    async def _add(self, new: NewAccount, role: Role) -> Account:
        password_hash = await self._passwords.hash(new.password)
        async with self._store.write() as work:
            return await work.users.add(uuid7(), new.email, password_hash, new.first_name, new.last_name, role)

    async def _change(self, work: UnitOfWork, user_id: UUID, sent: dict[str, Any]) -> Account:
        if not sent:
            return _found(await work.users.get(user_id))
        leaves = sent.get("role") == "user" or sent.get("is_active") is False
        account = await work.users.change(user_id, sent, spare_admins=leaves)
        if account is None and leaves:
            await _keep_an_admin(work, user_id)
            account = await work.users.change(user_id, sent)
        if account is None:
            raise UserNotFound
        if not account.is_active:
            await work.sessions.end_all(user_id)  # after the user, as everywhere: nobody waits in a circle
        return account


def _require_admin(actor: Actor) -> None:
    if not actor.is_admin:
        raise AdminRequired


def _found(account: Account | None) -> Account:
    if account is None:
        raise UserNotFound
    return account


async def remove_user(work: UnitOfWork, user_id: UUID) -> None:
    """Raises UserNotFound, LastAdmin."""
    if await work.users.remove(user_id, spare_admins=True):
        return
    await _keep_an_admin(work, user_id)
    if not await work.users.remove(user_id):
        raise UserNotFound


async def _keep_an_admin(work: UnitOfWork, leaving_id: UUID) -> None:
    """The lock makes two admins who remove each other take turns, so that the second one is refused."""
    if await work.users.lock_active_admins() == {leaving_id}:
        raise LastAdmin
