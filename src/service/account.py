"""What people do with their own account besides using it: a new password, or the end."""

from contextlib import suppress

from pydantic_core import PydanticCustomError

from domain.errors import Detail, InvalidFields, UserNotFound, WrongPassword
from domain.users import Actor, Credentials
from service.audit import record, record_wrong_password
from service.fields import Input, LongPassword, Text, check_password
from service.mail import mail_new_password
from service.passwords import Passwords
from service.ports import Store, UnitOfWork
from service.throttles import ThrottleService
from service.users import lock_leaving, remove_locked


class PasswordChange(Input):
    """The password as it is, and as it shall be."""

    current_password: Text
    new_password: LongPassword


class Farewell(Input):
    """The password, to make sure who wants this."""

    password: Text


class AccountService:
    """Changes the actor's own password, and ends the actor's own account."""

    def __init__(self, store: Store, passwords: Passwords, throttles: ThrottleService) -> None:
        self._store, self._passwords, self._throttles = store, passwords, throttles

    async def change_password(self, actor: Actor, change: PasswordChange) -> None:
        """Ends the other sessions. Raises InvalidFields, WrongPassword, TooManyRequests."""
        refuse_common(change.new_password, actor.account.email)
        # A sign-in may have renewed the hash while we checked it; if somebody changed the password, we find out now.
        if not (await self._replace(actor, change) or await self._replace(actor, change)):
            raise await self._refused(actor)

    async def _replace(self, actor: Actor, change: PasswordChange) -> bool:
        """Whether the hash was still the one that the current password was checked against. Raises WrongPassword."""
        seen = await self.confirm(actor, change.current_password)
        password_hash = await self._passwords.hash(change.new_password)
        async with self._store.write() as work:
            email = seen.account.email
            if await work.users.set_password(email, password_hash, seen=seen.password_hash) is None:
                return False
            await work.sessions.end_all(actor.id, but=actor.session_id)
            await mail_new_password(work, self._throttles, actor.id, email)
            await record(work, "password.change", actor, actor.id)
        return True

    async def remove(self, actor: Actor, farewell: Farewell) -> None:
        """Removes the account with its posts and sessions. Raises WrongPassword, TooManyRequests, LastAdmin."""
        seen = await self.confirm(actor, farewell.password)
        async with self._store.write() as work:
            with suppress(UserNotFound):  # removed meanwhile: then the password is nobody's
                await lock_leaving(work, actor.id)
            await require_unchanged(work, seen)
            await remove_locked(work, actor, actor.id)

    async def confirm(self, actor: Actor, password: str) -> Credentials:
        """What the password was checked against. Raises WrongPassword, TooManyRequests."""
        async with self._throttles.guess_own(actor):
            return await self._matching(actor, password)

    async def _matching(self, actor: Actor, password: str) -> Credentials:
        async with self._store.read() as work:
            seen = await work.users.credentials_of(actor.id)  # the address may be new, and this worker not know yet
        if not await self._passwords.matches(seen.password_hash if seen else None, password) or seen is None:
            raise await self._refused(actor)
        return seen

    async def _refused(self, actor: Actor) -> WrongPassword:
        await record_wrong_password(self._store, "password.fail", actor, actor.id)
        return WrongPassword()


async def require_unchanged(work: UnitOfWork, seen: Credentials) -> None:
    """The password is still the one that was checked, until this unit of work ends. Raises WrongPassword.

    Whoever sets a new one means to keep out those who knew the old one, also from what they had begun.
    """
    await work.users.lock(seen.account.id)
    now = await work.users.credentials_of(seen.account.id)
    if now is None or now.password_hash != seen.password_hash:
        raise WrongPassword


def refuse_common(password: str, email: str) -> None:
    """Raises InvalidFields, of `new_password`."""
    try:
        check_password(password, email)
    except PydanticCustomError as error:
        raise InvalidFields([Detail("new_password", error.type, error.message())]) from None
