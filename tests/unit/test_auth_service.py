"""Signing in, and who is asking."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from domain.auth import SessionRules, SignedIn
from domain.errors import InvalidCredentials, SessionEnded, TokenExpired, TokenInvalid, Unavailable, UserInactive
from domain.users import Account, Client
from service.auth import AuthService, Login
from service.passwords import Passwords
from service.ports import Store
from service.sign_ins import SignIns
from service.tokens import AccessTokens, Claims, RefreshTokens
from service.users import NewAccount, UserService
from tests.factories import change_user
from tests.fakes.services import patient_throttles
from tests.fakes.store import MemoryStore
from tests.support import PASSWORD

KEYS = [b"k" * 64]
CLIENT = Client("192.0.2.1", "A browser")
SESSION_LIFETIME = timedelta(days=30)
RULES = SessionRules(SESSION_LIFETIME, idle=timedelta(days=7))

Meanwhile = Callable[[], Awaitable[object]]


@dataclass
class Watch:
    """A clock that a test can turn."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class SlowPasswords(Passwords):
    """A hasher during whose work something else happens."""

    def __init__(self, meanwhile: Meanwhile) -> None:
        super().__init__(memory_kib=8, passes=1)
        self._meanwhile = meanwhile

    async def matches(self, password_hash: str | None, password: str) -> bool:
        await self._meanwhile()
        return await super().matches(password_hash, password)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def access_tokens() -> AccessTokens:
    lifetime = timedelta(minutes=15)
    return AccessTokens(KEYS, issuer="inkwell", audience="inkwell", lifetime=lifetime, now=lambda: datetime.now(UTC))


def make_auth(store: Store, passwords: Passwords, access_tokens: AccessTokens, watch: Watch) -> AuthService:
    refresh_tokens = RefreshTokens(KEYS)
    throttles = patient_throttles(store)
    return AuthService(store, passwords, access_tokens, refresh_tokens, SignIns(), throttles, rules=RULES, now=watch)


@pytest.fixture
def auth(store: MemoryStore, passwords: Passwords, access_tokens: AccessTokens, watch: Watch) -> AuthService:
    return make_auth(store, passwords, access_tokens, watch)


@pytest.fixture
async def account(users: UserService) -> Account:
    """A user with a password that can be checked."""
    return await users.register(NewAccount(email="ada@example.com", password=PASSWORD), CLIENT)


async def log_in(auth: AuthService, email: str = "ada@example.com", password: str = PASSWORD) -> SignedIn:
    return await auth.login(Login(email=email, password=password), CLIENT)


async def test_a_login_answers_tokens_and_whose_they_are(
    auth: AuthService, account: Account, access_tokens: AccessTokens
) -> None:
    answer = await log_in(auth)
    assert (answer.token_type, answer.expires_in, answer.user) == ("Bearer", 900, account)
    claims = access_tokens.read(answer.access_token)
    assert claims.user_id == account.id
    assert answer.refresh_token == RefreshTokens(KEYS).make(claims.session_id, 0)


@pytest.mark.parametrize("typed", ["ADA@EXAMPLE.COM", "  Ada@Example.com\n"])
async def test_an_address_fits_however_it_is_typed(auth: AuthService, account: Account, typed: str) -> None:
    assert (await log_in(auth, typed)).user == account


async def test_every_login_opens_a_session_of_its_own(auth: AuthService, account: Account) -> None:
    first, second = await log_in(auth), await log_in(auth)
    actors = [await auth.authenticate(each.access_token, CLIENT) for each in (first, second)]
    assert actors[0].session_id != actors[1].session_id
    assert first.refresh_token != second.refresh_token


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "another password"),
        ("ada@example.com", PASSWORD.upper()),
        ("ada@example.com", f"{PASSWORD} "),
        ("ada@example.com", "x"),
        ("ada@example.com", "x" * 5000),
        ("bob@example.com", PASSWORD),
        ("ada", PASSWORD),
        ("äda@example.com", PASSWORD),
        (" ", PASSWORD),
    ],
)
async def test_what_does_not_fit_is_refused_in_one_way(
    auth: AuthService, account: Account, email: str, password: str
) -> None:
    with pytest.raises(InvalidCredentials) as refusal:
        await log_in(auth, email, password)
    assert (refusal.value.code, refusal.value.message) == ("invalid_credentials", "Invalid credentials")


async def test_an_inactive_user_is_refused_as_a_wrong_password_is(
    auth: AuthService, store: MemoryStore, account: Account
) -> None:
    await change_user(store, account.id, is_active=False)
    with pytest.raises(InvalidCredentials):
        await log_in(auth)


@pytest.mark.parametrize("email", ["ada@example.com", "bob@example.com", "no address"])
async def test_a_password_is_checked_whoever_is_named(
    store: MemoryStore, account: Account, access_tokens: AccessTokens, watch: Watch, email: str
) -> None:
    passwords = Passwords(memory_kib=8, passes=1, queue_length=-1)  # no place for anybody
    with pytest.raises(Unavailable):
        await log_in(make_auth(store, passwords, access_tokens, watch), email)
    passwords.close()


async def test_no_session_opens_for_a_user_deactivated_while_the_password_is_checked(
    store: MemoryStore, account: Account, access_tokens: AccessTokens, watch: Watch
) -> None:
    passwords = SlowPasswords(lambda: change_user(store, account.id, is_active=False))
    with pytest.raises(InvalidCredentials):
        await log_in(make_auth(store, passwords, access_tokens, watch))
    passwords.close()


async def test_no_session_opens_with_a_password_replaced_while_it_is_checked(
    store: MemoryStore, account: Account, access_tokens: AccessTokens, watch: Watch
) -> None:
    async def replace_password() -> None:
        async with store.write() as work:
            await work.users.set_password("ada@example.com", "another hash")

    passwords = SlowPasswords(replace_password)
    with pytest.raises(InvalidCredentials):
        await log_in(make_auth(store, passwords, access_tokens, watch))
    passwords.close()


async def stored_hash(store: MemoryStore) -> str:
    async with store.read() as work:
        seen = await work.users.credentials("ada@example.com")
    assert seen
    return seen.password_hash


async def test_a_login_keeps_a_hash_of_todays_cost(auth: AuthService, store: MemoryStore, account: Account) -> None:
    before = await stored_hash(store)
    await log_in(auth)
    assert await stored_hash(store) == before


async def test_a_login_renews_a_hash_of_yesterdays_cost(
    store: MemoryStore, account: Account, access_tokens: AccessTokens, watch: Watch
) -> None:
    dearer = Passwords(memory_kib=16, passes=1)
    auth = make_auth(store, dearer, access_tokens, watch)
    assert [(await log_in(auth)).user, (await log_in(auth)).user] == [account, account]
    assert (await stored_hash(store)).startswith("$argon2id$v=19$m=16,t=1,p=1$")
    dearer.close()


async def test_a_login_outlives_the_renewal_by_another(
    store: MemoryStore, account: Account, passwords: Passwords, access_tokens: AccessTokens, watch: Watch
) -> None:
    async def renew() -> None:
        async with store.write() as work:
            seen = await work.users.credentials("ada@example.com")
            assert seen
            assert await work.users.renew_hash(seen, renewed)

    renewed = await passwords.hash(PASSWORD)
    slow = SlowPasswords(renew)
    assert (await log_in(make_auth(store, slow, access_tokens, watch))).user == account
    assert await stored_hash(store) == renewed
    slow.close()


async def test_a_login_for_which_no_renewal_has_a_place_succeeds_without_it(
    store: MemoryStore, account: Account, access_tokens: AccessTokens, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: str) -> str:
        raise Unavailable

    dearer, before = Passwords(memory_kib=16, passes=1), await stored_hash(store)
    monkeypatch.setattr(dearer, "hash", refuse)
    assert (await log_in(make_auth(store, dearer, access_tokens, watch))).user == account
    assert await stored_hash(store) == before
    dearer.close()


async def test_a_token_leads_to_the_actor_behind_it(
    auth: AuthService, account: Account, access_tokens: AccessTokens
) -> None:
    token = (await log_in(auth)).access_token
    actor = await auth.authenticate(token, CLIENT)
    assert actor.account == account
    assert Claims(actor.id, actor.session_id) == access_tokens.read(token)


async def test_an_actor_is_what_the_account_is_now(auth: AuthService, store: MemoryStore, account: Account) -> None:
    token = (await log_in(auth)).access_token
    assert not (await auth.authenticate(token, CLIENT)).is_admin
    await change_user(store, account.id, role="admin")
    assert (await auth.authenticate(token, CLIENT)).is_admin


async def test_a_token_of_a_removed_user_is_of_nobody(auth: AuthService, store: MemoryStore, account: Account) -> None:
    token = (await log_in(auth)).access_token
    async with store.write() as work:
        await work.users.remove(account.id)
    with pytest.raises(UserInactive):
        await auth.authenticate(token, CLIENT)


async def test_a_token_of_a_deactivated_user_is_of_nobody(
    auth: AuthService, store: MemoryStore, account: Account
) -> None:
    token = (await log_in(auth)).access_token
    await change_user(store, account.id, is_active=False)
    with pytest.raises(UserInactive):
        await auth.authenticate(token, CLIENT)


async def test_a_token_of_an_ended_session_is_refused(auth: AuthService, store: MemoryStore, account: Account) -> None:
    token = (await log_in(auth)).access_token
    async with store.write() as work:
        await work.sessions.end_all(account.id)
    with pytest.raises(SessionEnded):
        await auth.authenticate(token, CLIENT)


async def test_who_is_inactive_and_signed_out_is_told_the_first(
    auth: AuthService, store: MemoryStore, account: Account
) -> None:
    token = (await log_in(auth)).access_token
    await change_user(store, account.id, is_active=False)
    async with store.write() as work:
        await work.sessions.end_all(account.id)
    with pytest.raises(UserInactive):
        await auth.authenticate(token, CLIENT)


async def test_a_session_ends_by_itself_after_its_lifetime(auth: AuthService, account: Account, watch: Watch) -> None:
    token = (await log_in(auth)).access_token
    watch.ahead = SESSION_LIFETIME - timedelta(minutes=1)
    assert (await auth.authenticate(token, CLIENT)).account == account
    watch.ahead = SESSION_LIFETIME + timedelta(minutes=1)
    with pytest.raises(SessionEnded):
        await auth.authenticate(token, CLIENT)


async def test_a_session_that_was_never_opened_has_ended(
    auth: AuthService, account: Account, access_tokens: AccessTokens
) -> None:
    with pytest.raises(SessionEnded):
        await auth.authenticate(access_tokens.make(account.id, uuid7()), CLIENT)


async def test_a_session_serves_its_own_user_only(
    auth: AuthService, account: Account, users: UserService, access_tokens: AccessTokens
) -> None:
    other = await users.register(NewAccount(email="bob@example.com", password=PASSWORD), CLIENT)
    session_id = (await auth.authenticate((await log_in(auth)).access_token, CLIENT)).session_id
    with pytest.raises(SessionEnded):
        await auth.authenticate(access_tokens.make(other.id, session_id), CLIENT)


async def test_a_bad_token_is_refused_before_anybody_is_looked_for(auth: AuthService, account: Account) -> None:
    with pytest.raises(TokenInvalid):
        await auth.authenticate("no.token.here", CLIENT)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    old = AccessTokens(KEYS, issuer="inkwell", audience="inkwell", lifetime=timedelta(minutes=15), now=lambda: long_ago)
    with pytest.raises(TokenExpired):
        await auth.authenticate(old.make(account.id, uuid7()), CLIENT)


async def test_a_refresh_token_is_no_access_token(auth: AuthService, account: Account) -> None:
    with pytest.raises(TokenInvalid):
        await auth.authenticate((await log_in(auth)).refresh_token, CLIENT)
