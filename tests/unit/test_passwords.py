"""Hashing: what fits, what does not, and what happens when too many ask."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import HashingError
from argon2.low_level import Type
from werkzeug.security import generate_password_hash

from domain.errors import Unavailable
from service.foreign_hashes import matches as foreign_hashes_match
from service.passwords import Passwords


class WatchedHasher(PasswordHasher):
    """A hasher that remembers which hashes were verified, and in which thread."""

    verified: list[tuple[str, str]]

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified.append((str(hash), threading.current_thread().name))
        return super().verify(hash, password)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What hashers made from here on will have verified."""
    monkeypatch.setattr(WatchedHasher, "verified", [], raising=False)
    monkeypatch.setattr("service.passwords.PasswordHasher", WatchedHasher)
    return WatchedHasher.verified


@pytest.fixture
def crowded() -> Iterator[Passwords]:
    """A hasher where one call works and one may wait."""
    passwords = Passwords(memory_kib=8, passes=1, queue_length=1)
    yield passwords
    passwords.close()


async def test_a_password_matches_its_own_hash(passwords: Passwords) -> None:
    assert await passwords.matches(await passwords.hash("a fine long password"), "a fine long password")


@pytest.mark.parametrize(
    "wrong", ["", "A fine long password", "a fine long password ", "a fine long passwor", "e\u0301"]
)
async def test_no_other_password_matches(passwords: Passwords, wrong: str) -> None:
    assert not await passwords.matches(await passwords.hash("a fine long password"), wrong)


async def test_a_password_of_any_characters_matches(passwords: Passwords) -> None:
    strange = " \U0001f600\u202e\té " * 12
    assert await passwords.matches(await passwords.hash(strange), strange)


async def test_the_same_password_never_has_the_same_hash(passwords: Passwords) -> None:
    assert await passwords.hash("a fine long password") != await passwords.hash("a fine long password")


async def test_a_hash_says_argon2id_and_its_cost() -> None:
    passwords = Passwords(memory_kib=16, passes=3)
    assert (await passwords.hash("a fine long password")).startswith("$argon2id$v=19$m=16,t=3,p=1$")
    passwords.close()


async def test_the_usual_cost_is_what_owasp_recommends_at_least() -> None:
    passwords = Passwords()
    assert (await passwords.hash("a fine long password")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    passwords.close()


async def test_a_hash_of_another_cost_still_matches(passwords: Passwords) -> None:
    former = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("a fine long password")
    assert await passwords.matches(former, "a fine long password")


@pytest.mark.parametrize("method", ["scrypt:1024:8:1", "pbkdf2:sha256:10"])
async def test_a_hash_of_werkzeugs_is_verified_in_the_same_thread(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    threads: list[str] = []

    def matches(password_hash: str, password: str) -> bool:
        threads.append(threading.current_thread().name)
        return foreign_hashes_match(password_hash, password)

    monkeypatch.setattr("service.foreign_hashes.matches", matches)
    theirs = generate_password_hash("a fine long password", method)
    assert await passwords.matches(theirs, "a fine long password")
    assert not await passwords.matches(theirs, "another password")
    assert all(thread.startswith("passwords") for thread in threads)
    assert len(threads) == 2


async def test_a_hash_made_now_is_not_outdated(passwords: Passwords) -> None:
    assert not passwords.is_outdated(await passwords.hash("a fine long password"))


@pytest.mark.parametrize(
    "changes", [{"time_cost": 2}, {"memory_cost": 16}, {"parallelism": 2, "memory_cost": 16}, {"type": Type.I}]
)
def test_an_argon2_hash_of_another_kind_or_cost_is_outdated(passwords: Passwords, changes: Any) -> None:
    now = {"time_cost": 1, "memory_cost": 8, "parallelism": 1, "type": Type.ID}
    assert passwords.is_outdated(PasswordHasher(**{**now, **changes}).hash("a fine long password"))


@pytest.mark.parametrize("method", ["scrypt:1024:8:1", "pbkdf2:sha256:10"])
def test_every_hash_of_werkzeugs_is_outdated(passwords: Passwords, method: str) -> None:
    assert passwords.is_outdated(generate_password_hash("a fine long password", method))


async def test_nothing_matches_where_there_is_no_hash(passwords: Passwords) -> None:
    assert not await passwords.matches(None, "a fine long password")
    assert not await passwords.matches("", "a fine long password")


async def test_without_a_hash_one_of_the_same_cost_is_verified_in_the_same_thread(
    verified: list[tuple[str, str]],
) -> None:
    passwords = Passwords(memory_kib=8, passes=1)
    await passwords.matches(None, "a fine long password")
    await passwords.matches(await passwords.hash("another"), "a fine long password")
    (stand_in, thread), (real, its_thread) = verified
    assert stand_in.rpartition("p=1$")[0] == real.rpartition("p=1$")[0] == "$argon2id$v=19$m=8,t=1,"
    assert thread == its_thread != threading.current_thread().name
    passwords.close()


@pytest.mark.parametrize(
    "broken", ["x", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$", "$2b$12$abcdefghijklmnopqrstuv", "é"]
)
async def test_a_broken_hash_matches_nothing(passwords: Passwords, broken: str) -> None:
    assert not await passwords.matches(broken, "a fine long password")


async def test_a_hash_that_was_cut_short_or_changed_matches_nothing(passwords: Passwords) -> None:
    whole = await passwords.hash("a fine long password")
    assert not await passwords.matches(whole[:-8], "a fine long password")
    assert not await passwords.matches(whole[:-4] + "AAAA", "a fine long password")


async def test_a_call_without_a_place_in_the_queue_is_refused_at_once(crowded: Passwords) -> None:
    answers = await asyncio.gather(*(crowded.hash(str(number)) for number in range(4)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, str, Unavailable, Unavailable]


async def test_verifying_waits_in_the_same_queue_with_and_without_a_hash(crowded: Passwords) -> None:
    calls = (crowded.matches(None, "x"), crowded.matches("x", "x"), crowded.matches(None, "x"), crowded.hash("x"))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [bool, bool, Unavailable, Unavailable]


async def test_places_come_back_when_the_work_is_done(crowded: Passwords) -> None:
    for _ in range(3):
        answers = await asyncio.gather(*(crowded.hash("x") for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [str, str, Unavailable]


async def test_places_come_back_when_a_caller_gives_up(crowded: Passwords) -> None:
    callers = [asyncio.create_task(crowded.hash("x")) for _ in range(2)]
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    answers = await asyncio.gather(*(crowded.hash("x") for _ in range(2)))
    assert all(answer.startswith("$argon2id$") for answer in answers)


async def test_places_come_back_when_the_work_fails(crowded: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise HashingError("out of memory")

    with monkeypatch.context() as failing:
        failing.setattr(PasswordHasher, "hash", fail)
        answers = await asyncio.gather(*(crowded.hash("x") for _ in range(2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [HashingError, HashingError]
    assert await crowded.matches(await crowded.hash("x"), "x")


async def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    passwords = Passwords(memory_kib=64 * 1024, passes=4)
    hashing = asyncio.create_task(passwords.hash("a fine long password"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    passwords.close()
