"""Throttles: what may be done only so often, counted in storage, and so for all workers and nodes together."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import NoReturn
from uuid import UUID

from domain.errors import TooManyRequests, Unavailable, Unrecorded
from domain.mail import Kind
from domain.throttles import Policies, Policy, Standing
from domain.users import Actor, Client
from domain.values import value
from service.fields import normal_email
from service.ports import PURGE_BATCH, Store, UnitOfWork

IPV4_NETWORK_BITS, IPV6_NETWORK_BITS = 24, 64  # what one customer of a provider has at the least, or can move about in

Use = tuple[Policy, tuple[str, ...]]  # a policy, and whose quota


@value
class Taken:
    """A use that was counted, so that it can be given back."""

    key: UUID
    ends_at: datetime
    standing: Standing


class ThrottleService:
    """Counts, and raises TooManyRequests where a quota is used up. What is refused is not counted.

    Where it cannot be counted, Unavailable is raised: nobody passes uncounted. Keys are hashed under a key of the
    server's own, so that no address is stored. `tell` hears how things stand whenever something was counted.
    """

    def __init__(
        self,
        store: Store,
        policies: Policies,
        secret: bytes,
        *,
        now: Callable[[], datetime],
        tell: Callable[[Standing], None] = lambda _: None,
    ) -> None:
        self._store, self._policies, self._now, self._tell = store, policies, now, tell
        self._secret = hmac.digest(secret, b"inkwell throttle 1", hashlib.sha256)

    @asynccontextmanager
    async def guess(self, email: str, client: Client) -> AsyncIterator[None]:
        """For the check of a password: counted beforehand, so that nobody slips through during the slow hash.

        Given back if the password fitted (the block ends without an error) or was not looked at (Unavailable).
        """
        network = network_of(client.ip)
        account = (self._policies.login, (normal_email(email) or "", network))
        async with self._guess(account, (self._policies.login_network, (network,))):
            yield

    @asynccontextmanager
    async def guess_own(self, actor: Actor) -> AsyncIterator[None]:
        """The same for who is signed in, with a quota of the session's own that no stranger's guesses can use up."""
        policy = replace(self._policies.login, name="password")
        async with self._guess((policy, (str(actor.session_id),))):
            yield

    @asynccontextmanager
    async def _guess(self, *uses: Use) -> AsyncIterator[None]:
        taken = await self._count(*uses)
        try:
            yield
        except Unrecorded:  # it was looked at, and wrong
            raise
        except Unavailable:
            await self._give_back(taken)
            raise
        await self._give_back(taken)

    async def register(self, client: Client) -> None:
        """Whatever becomes of it: who asks for many accounts may be after addresses that are taken."""
        await self._count((self._policies.register, (network_of(client.ip),)))

    async def refresh(self, work: UnitOfWork, session_id: UUID) -> None:
        """In the transaction of the refresh: one that comes to nothing is not counted."""
        await self._count_in(work, (self._policies.refresh, (str(session_id),)))

    async def may_mail(self, work: UnitOfWork, kind: Kind, whose: str) -> bool:
        """Whether one more mail of this kind may go out, in the transaction that causes it; nobody is told.

        `whose` is the address that it goes to, or who asks for it. Each kind has a quota of its own: those that
        strangers can use up are not those of the owner.
        """
        policy, parts = self._policies.forgot, (kind, whose)
        if not self._policies.enabled:
            return True
        # A look without a lock, for a flood would queue for the row.
        if await work.throttles.used_up_until(self._key(policy.name, *parts), self._now()):
            return False
        return (await self._take(work, policy, *parts))[0] >= 0

    async def purge(self) -> int:
        """Removes some of the quotas that are whole; says how many."""
        async with self._store.write() as work:
            return await work.throttles.purge(self._now(), PURGE_BATCH)

    async def _count(self, *uses: Use) -> list[Taken]:
        await self._refuse_early(*uses)
        async with self._store.write() as work:
            return await self._count_in(work, *uses)

    async def _refuse_early(self, *uses: Use) -> None:
        """Refuses without a lock what is used up: a flood would queue for the row, with all connections of the pool."""
        if not self._policies.enabled:
            return
        now = self._now()
        async with self._store.read() as work:
            for policy, whose in uses:
                if ends_at := await work.throttles.used_up_until(self._key(policy.name, *whose), now):
                    self._refuse(_standing(policy, 0, now, ends_at))

    async def _count_in(self, work: UnitOfWork, *uses: Use) -> list[Taken]:
        """All of them or, when one is used up, none: the transaction is undone."""
        if not self._policies.enabled:
            return []
        return [await self._allow(work, policy, *whose) for policy, whose in uses]

    async def _allow(self, work: UnitOfWork, policy: Policy, *whose: str) -> Taken:
        remaining, taken = await self._take(work, policy, *whose)
        if remaining < 0:
            self._refuse(taken.standing)
        self._tell(taken.standing)
        return taken

    def _refuse(self, standing: Standing) -> NoReturn:
        self._tell(standing)
        raise TooManyRequests(standing.reset_s)

    async def _take(self, work: UnitOfWork, policy: Policy, *whose: str) -> tuple[int, Taken]:
        """What remains, below zero if nothing was left."""
        key, now = self._key(policy.name, *whose), self._now()
        remaining, ends_at = await work.throttles.take(key, policy.quota, now, now + policy.window)
        return remaining, Taken(key, ends_at, _standing(policy, remaining, now, ends_at))

    async def _give_back(self, uses: list[Taken]) -> None:
        """If the storage is away they stay counted, which is no reason to refuse what is done."""
        if uses:
            with suppress(Unavailable):
                async with self._store.write() as work:
                    for taken in uses:
                        await self._give_one_back(work, taken)

    async def _give_one_back(self, work: UnitOfWork, taken: Taken) -> None:
        remaining = await work.throttles.give_back(taken.key, taken.ends_at)
        if remaining is not None:
            self._tell(replace(taken.standing, remaining=remaining))

    def _key(self, *parts: str) -> UUID:
        return UUID(bytes=hmac.digest(self._secret, "\0".join(parts).encode(), hashlib.sha256)[:16])


def _standing(policy: Policy, remaining: int, now: datetime, ends_at: datetime) -> Standing:
    return Standing(policy, max(remaining, 0), ceil((ends_at - now).total_seconds()))


def network_of(ip: str | None) -> str:
    """The network that an address belongs to; those without an address are one network."""
    if ip is None:
        return ""
    address = ip_address(ip)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    bits = IPV4_NETWORK_BITS if address.version == 4 else IPV6_NETWORK_BITS
    return str(ip_network((int(address), bits), strict=False))
