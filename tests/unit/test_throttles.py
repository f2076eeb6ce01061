"""What may be done only so often, and whose the quotas are."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import InvalidCredentials, TooManyRequests, Unavailable, Unrecorded
from domain.throttles import Policies, Policy, Standing
from domain.users import Actor, Client
from inkwell.rate_limits import parse_policy
from service.throttles import ThrottleService, network_of
from tests.factories import NOBODY
from tests.fakes.store import MemoryStore

MINUTE = timedelta(minutes=1)
LOGIN, LOGIN_NETWORK = Policy("login", 2, MINUTE), Policy("login-network", 5, MINUTE)
TWICE = Policy("twice", 2, MINUTE)
POLICIES = Policies(LOGIN, LOGIN_NETWORK, TWICE, TWICE, TWICE)
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"


@dataclass
class Watch:
    """A clock that a test can turn."""

    time: datetime = field(default_factory=lambda: datetime(2026, 5, 1, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def told() -> dict[str, Standing]:
    """How things stand, by the policies' names."""
    return {}


@pytest.fixture
def throttles(store: MemoryStore, watch: Watch, told: dict[str, Standing]) -> ThrottleService:
    def tell(standing: Standing) -> None:
        told[standing.policy.name] = standing

    return ThrottleService(store, POLICIES, b"k" * 32, now=watch, tell=tell)


async def guess(
    throttles: ThrottleService,
    email: str = "ada@example.com",
    ip: str | None = HERE,
    *,
    failure: type[Exception] | None = InvalidCredentials,
) -> bool:
    """Whether the password was looked at; with `failure`, that is how it ended."""
    looked = False
    try:
        async with throttles.guess(email, Client(ip, None)):
            looked = True
            if failure:
                raise failure
    except (InvalidCredentials, Unavailable, ZeroDivisionError, TooManyRequests):
        pass
    return looked


async def test_guesses_at_one_account_from_one_network_are_counted(throttles: ThrottleService) -> None:
    assert [await guess(throttles) for _ in range(4)] == [True, True, False, False]
    assert await guess(throttles, "bob@example.com")
    assert await guess(throttles, ip=ELSEWHERE)


@pytest.mark.parametrize("email", ["ADA@example.com", " ada@EXAMPLE.com\n", "Ada@Example.Com"])
async def test_another_spelling_of_the_address_is_the_same_account(throttles: ThrottleService, email: str) -> None:
    assert [await guess(throttles, each) for each in ("ada@example.com", email, email)] == [True, True, False]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("192.0.2.1", "::ffff:192.0.2.9", True),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::1", "::2", True),
        ("0.0.0.1", "::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        (None, None, True),
        (None, "0.0.0.9", False),
    ],
)
def test_neighbours_are_one_network(one: str | None, other: str | None, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


async def test_guesses_from_one_network_are_counted_whatever_the_account(throttles: ThrottleService) -> None:
    looked = [await guess(throttles, f"user{number}@example.com") for number in range(7)]
    assert looked == [True] * 5 + [False] * 2
    assert await guess(throttles, ip=ELSEWHERE)


async def test_what_is_refused_for_the_account_does_not_use_up_the_network(throttles: ThrottleService) -> None:
    for _ in range(20):
        await guess(throttles)
    assert [await guess(throttles, "bob@example.com") for _ in range(2)] == [True, True]


@pytest.mark.parametrize("failure", [None, Unavailable])
async def test_a_right_password_and_one_not_looked_at_are_given_back(
    throttles: ThrottleService, failure: type[Exception] | None
) -> None:
    assert all([await guess(throttles, failure=failure) for _ in range(20)])


async def test_a_right_password_forgives_no_wrong_ones(throttles: ThrottleService) -> None:
    await guess(throttles)
    await guess(throttles, failure=None)
    assert [await guess(throttles) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("failure", [ZeroDivisionError, Unrecorded])
async def test_a_guess_that_ended_in_a_crash_or_was_not_noted_counts(
    throttles: ThrottleService, failure: type[Exception]
) -> None:
    assert [await guess(throttles, failure=failure) for _ in range(3)] == [True, True, False]


async def test_after_the_window_the_quota_is_whole(throttles: ThrottleService, watch: Watch) -> None:
    for _ in range(3):
        await guess(throttles)
    watch.time += MINUTE
    assert await guess(throttles)


async def test_the_refusal_says_how_long_to_wait(throttles: ThrottleService, watch: Watch) -> None:
    for _ in range(2):
        await throttles.register(Client(HERE, None))
    watch.time += timedelta(seconds=17.5)
    with pytest.raises(TooManyRequests) as refusal:
        await throttles.register(Client(HERE, None))
    assert refusal.value.retry_after == 43


async def test_it_is_told_how_things_stand(throttles: ThrottleService, told: dict[str, Standing]) -> None:
    await guess(throttles)
    assert told == {"login": Standing(LOGIN, 1, 60), "login-network": Standing(LOGIN_NETWORK, 4, 60)}
    await guess(throttles, failure=None)
    assert told["login"].remaining == 1


async def test_a_session_is_refreshed_only_so_often(throttles: ThrottleService, store: MemoryStore) -> None:
    async with store.write() as work:
        await throttles.refresh(work, NOBODY)
        await throttles.refresh(work, NOBODY)
        with pytest.raises(TooManyRequests):
            await throttles.refresh(work, NOBODY)


async def test_beyond_the_limit_no_mail_of_a_kind_may_go_to_an_address(
    throttles: ThrottleService, store: MemoryStore, watch: Watch, told: dict[str, Standing]
) -> None:
    async with store.write() as work:
        assert [await throttles.may_mail(work, "reset", "ada@example.com") for _ in range(3)] == [True, True, False]
        assert await throttles.may_mail(work, "verify", "ada@example.com")
        assert await throttles.may_mail(work, "reset", "bob@example.com")
        watch.time += MINUTE
        assert await throttles.may_mail(work, "reset", "ada@example.com")
    assert told == {}


async def test_a_session_guesses_at_its_own_password_as_often_as_strangers_do(
    throttles: ThrottleService, told: dict[str, Standing], ada: Actor
) -> None:
    async def guess_own(actor: Actor) -> None:
        with suppress(InvalidCredentials):
            async with throttles.guess_own(actor):
                raise InvalidCredentials

    await guess(throttles)
    for _ in range(LOGIN.quota):
        await guess_own(ada)
    assert told["password"] == Standing(replace(LOGIN, name="password"), 0, 60)
    with pytest.raises(TooManyRequests):
        await guess_own(ada)
    await guess_own(replace(ada, session_id=UUID(int=7)))
    assert told["login"].remaining == 1


async def test_one_quota_is_not_anothers(throttles: ThrottleService) -> None:
    client = Client(HERE, None)
    await throttles.register(client)
    await throttles.register(client)
    assert await guess(throttles)


async def test_switched_off_it_counts_nothing(store: MemoryStore, watch: Watch) -> None:
    off = ThrottleService(store, Policies(TWICE, TWICE, TWICE, TWICE, TWICE, enabled=False), b"k" * 32, now=watch)
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: guess(off),
        lambda: off.register(Client(HERE, None)),
    ]
    for step in steps:
        assert {await step() for _ in range(5)} <= {True, None}
    async with store.write() as work:
        assert all([await off.may_mail(work, "reset", "ada@example.com") for _ in range(5)])
    assert store._tables.throttles == {}


async def test_what_is_whole_is_purged(throttles: ThrottleService, watch: Watch) -> None:
    await guess(throttles)
    assert await throttles.purge() == 0
    watch.time += MINUTE
    assert await throttles.purge() == 2


async def test_keys_cannot_be_found_without_the_secret(store: MemoryStore, watch: Watch) -> None:
    for secret in (b"k" * 32, b"o" * 32):
        await ThrottleService(store, POLICIES, secret, now=watch).register(Client(HERE, None))
    assert len(store._tables.throttles) == 2


@pytest.mark.parametrize(
    ("text", "quota", "seconds"),
    [("10/5 minutes", 10, 300), ("20/hour", 20, 3600), ("30 per minute", 30, 60), ("1/day", 1, 86_400)],
)
def test_a_policy_is_read_as_it_is_spelled(text: str, quota: int, seconds: int) -> None:
    assert parse_policy("x", text) == Policy("x", quota, timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "text",
    [
        *("", "10", "ten/minute", "0/minute", "-1/minute", "10/fortnight", "10/minute;20/hour", "1/2 months"),
        *("9" * 30 + "/minute", "5/" + "9" * 30 + " hours", "1000001/minute"),
    ],
)
def test_what_spells_no_policy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 10/5 minutes or 20/hour"):
        parse_policy("x", text)
