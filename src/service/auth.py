"""Signing in, and who is asking."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import model_validator
from uuid_utils.compat import uuid7

from domain.errors import InvalidCredentials, MissingCredentials, SessionEnded, UserInactive
from domain.sessions import Client, SignedIn
from domain.users import Actor, Credentials
from service.fields import Input, Text, normal_email
from service.passwords import Passwords
from service.ports import Store
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


class AuthService:
    """Turns credentials into tokens, and tokens into the actor behind them."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        *,
        session_lifetime: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._passwords = store, passwords
        self._access_tokens, self._refresh_tokens = access_tokens, refresh_tokens
        self._session_lifetime, self._now = session_lifetime, now

    async def login(self, login: Login, client: Client) -> SignedIn:
        """Opens a session. Raises InvalidCredentials, after the same work whatever it was that did not fit."""
        seen = await self._check(login)
        session_id = uuid7()
        async with self._store.write() as work:
            made = await work.sessions.add(session_id, seen, self._now() + self._session_lifetime, client)
        if not made:
            raise InvalidCredentials
        access_token = self._access_tokens.make(seen.account.id, session_id)
        refresh_token = self._refresh_tokens.make(session_id, 0)
        return SignedIn(access_token, refresh_token, "Bearer", self._access_tokens.lifetime_s, seen.account)

    async def authenticate(self, token: str) -> Actor:
        """The actor whom an access token names. Raises a kind of Unauthenticated."""
        claims = self._access_tokens.read(token)
        async with self._store.read() as work:
            found = await work.sessions.sign_in(claims.user_id, claims.session_id, self._now())
        if found is None or not found.account.is_active:
            raise UserInactive
        if not found.session_lives:
            raise SessionEnded
        return Actor(found.account, claims.session_id)

    async def _check(self, login: Login) -> Credentials:
        async with self._store.read() as work:
            seen = await work.users.credentials(normal_email(login.email) or "")
        fits = await self._passwords.matches(seen.password_hash if seen else None, login.password)
        if seen is None or not fits or not seen.account.is_active:
            raise InvalidCredentials
        return seen
