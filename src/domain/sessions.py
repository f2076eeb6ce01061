"""Sessions: one for each sign-in, named by the tokens that it gave out."""

from dataclasses import dataclass

from domain.users import Account


@dataclass(frozen=True, slots=True)
class Client:
    """Where a sign-in came from: the client's address and what its program calls itself."""

    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """What stands behind an access token now: the account, and whether its session goes on."""

    account: Account
    session_lives: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a session hands out; `expires_in` is the access token's lifetime in seconds."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class SignedIn(Tokens):
    """What a login answers: the tokens, and whose they are."""

    user: Account
