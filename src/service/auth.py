"""Signing in, and who is asking."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from pydantic import model_validator
from uuid_utils.compat import uuid7

from domain.auth import Refreshing, SessionRules, SignedIn, SignIn, Tokens
from domain.errors import (
    InvalidCredentials,
    MissingCredentials,
    RefreshInvalid,
    RefreshReused,
    SessionEnded,
    Unavailable,
    UserInactive,
)
from domain.users import Actor, Client, Credentials
from service.audit import record, record_wrong_password
from service.fields import Input, Text, normal_email
from service.passwords import Passwords
from service.ports import Store, UnitOfWork
from service.sign_ins import SignIns
from service.throttles import ThrottleService
from service.tokens import AccessTokens, RefreshTokens


class Login(Input):
    """An e-mail address and a password, as typed: what is wrong with them is not told."""

    email: Text
    password: Text

    @model_validator(mode="before")
    @classmethod
    def _both_are_there(cls, sent: object) -> object:
        if isinstance(sent, dict) and not (sent.get("email") and sent.get("password")):
            raise MissingCredentials
        return sent


class Refresh(Input):
    """The refresh token that the last answer gave."""

    refresh_token: Text


class AuthService:
    """Turns credentials into tokens, tokens into newer ones, and tokens into the actor behind them."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        sign_ins: SignIns,
        throttles: ThrottleService,
        *,
        rules: SessionRules,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._passwords = store, passwords
        self._access_tokens, self._refresh_tokens = access_tokens, refresh_tokens
        self._sign_ins, self._throttles, self._rules, self._now = sign_ins, throttles, rules, now

    async def login(self, login: Login, client: Client) -> SignedIn:
        """Opens a session. Raises InvalidCredentials, after the same work whatever it was that did not fit.

        Raises TooManyRequests without having looked at the password.
        """
        async with self._throttles.guess(login.email, client):
            return await self._log_in(login, client)

    async def _log_in(self, login: Login, client: Client) -> SignedIn:
        # Another sign-in may renew the hash while this one checks it: the password then fits the new one too.
        for _ in range(2):
            seen = await self._check(login, client)
            if signed_in := await self._enter(login, seen, client):
                return signed_in
        raise await self._refused(seen, client, fits=False)

    async def _enter(self, login: Login, seen: Credentials, client: Client) -> SignedIn | None:
        """None if the hash was replaced, or the user deactivated, while the password was checked."""
        renewed = await self._renewed(seen.password_hash, login.password)
        session_id = uuid7()
        if not await self._open(session_id, seen, renewed, client):
            return None
        tokens = self._tokens(seen.account.id, session_id, 0)
        return SignedIn(tokens.access_token, tokens.refresh_token, tokens.token_type, tokens.expires_in, seen.account)

    async def _open(self, session_id: UUID, seen: Credentials, renewed: str | None, client: Client) -> bool:
        now = self._now()
        async with self._store.write() as work:
            if not await work.sessions.add(session_id, seen, now, now + self._rules.lifetime, client):
                return False
            await work.sessions.keep_newest(seen.account.id, self._rules.most_per_user)
            if renewed:
                await work.users.renew_hash(seen, renewed)
            actor = Actor(seen.account, session_id, client)
            await record(work, "login.succeed", actor, actor.id, session_id=str(session_id))
        return True

    async def _renewed(self, password_hash: str, password: str) -> str | None:
        """A hash of today's kind and cost, if this one is not; None also while too many wait: a later login does it."""
        if self._passwords.is_outdated(password_hash):
            with suppress(Unavailable):
                return await self._passwords.hash(password)
        return None

    async def refresh(self, refresh: Refresh, client: Client) -> Tokens:
        """The session's next tokens.

        Raises RefreshInvalid, TooManyRequests, and RefreshReused when it ended the session for that.
        """
        session_id, count = self._refresh_tokens.read(refresh.refresh_token)
        async with self._store.write() as work:
            tokens = await self._move_on(work, session_id, count, client)
        if tokens is None:
            raise RefreshReused  # only now: the end of the session is committed
        return tokens

    async def _move_on(self, work: UnitOfWork, session_id: UUID, count: int, client: Client) -> Tokens | None:
        """The next tokens; None if the token was used before, and the session therefore ended."""
        found = await work.sessions.locked(session_id)
        if found is None or not found[1].is_active:
            raise RefreshInvalid
        session, now = found[0], self._now()
        match session.refreshing(count, now, self._rules):
            case Refreshing.OVER:
                raise RefreshInvalid
            case Refreshing.REUSED:
                await work.sessions.end(session.user_id, session.id)
                await record(work, "session.reuse", client, session.user_id, session_id=str(session.id))
                return None
            case Refreshing.NEXT:
                await self._throttles.refresh(work, session.id)
                await work.sessions.refreshed(session.id, now)
        return self._tokens(session.user_id, session.id, count + 1)

    def _tokens(self, user_id: UUID, session_id: UUID, count: int) -> Tokens:
        access_token = self._access_tokens.make(user_id, session_id)
        refresh_token = self._refresh_tokens.make(session_id, count)
        return Tokens(access_token, refresh_token, "Bearer", self._access_tokens.lifetime_s)

    async def authenticate(self, token: str, client: Client) -> Actor:
        """The actor whom an access token names. Raises a kind of Unauthenticated."""
        claims = self._access_tokens.read(token)
        found = await self._sign_ins.find(claims.user_id, claims.session_id, self._look_up)
        if found is None or not found.account.is_active:
            raise UserInactive
        if not found.session_lives(self._now()):
            raise SessionEnded
        return Actor(found.account, claims.session_id, client)

    async def _look_up(self, user_id: UUID, session_id: UUID) -> SignIn | None:
        async with self._store.read() as work:
            return await work.sessions.sign_in(user_id, session_id)

    async def _check(self, login: Login, client: Client) -> Credentials:
        async with self._store.read() as work:
            seen = await work.users.credentials(normal_email(login.email) or "")
        fits = await self._passwords.matches(seen.password_hash if seen else None, login.password)
        if seen is None or not fits or not seen.account.is_active:
            raise await self._refused(seen, client, fits=fits)
        return seen

    async def _refused(self, seen: Credentials | None, client: Client, *, fits: bool) -> InvalidCredentials:
        """The same statement whatever it was. What was typed is not kept: it may be a password in the wrong field."""
        reason = "unknown_user" if seen is None else "user_inactive" if fits else "wrong_password"
        target_id = seen.account.id if seen else None
        await record_wrong_password(self._store, "login.fail", client, target_id, reason=reason)
        return InvalidCredentials()
