"""What bears a key: done once, kept with the work, and told from another request."""

from collections.abc import Awaitable, Callable

import pytest

from domain.errors import EmailTaken, IdempotencyInProgress, IdempotencyKeyReused, UserInactive
from domain.users import Actor
from service.idempotency import Idempotency, Once, Replayed
from tests.fakes.clock import Clock
from tests.fakes.services import idempotency_of
from tests.fakes.store import MemoryStore

Do = Callable[[], Awaitable[int]]


async def written(number: int) -> bytes:
    return str(number).encode()


ONCE: Once[int] = Once("a key", b"POST /api/posts\n{}", written)
OTHER: Once[int] = Once("a key", b"POST /api/posts\n{ }", written)


@pytest.fixture
def idempotency(store: MemoryStore) -> Idempotency:
    return idempotency_of(store)


@pytest.fixture
def done() -> list[int]:
    """What was done."""
    return []


@pytest.fixture
def do(done: list[int]) -> Do:
    async def one_more() -> int:
        done.append(len(done) + 1)
        return len(done)

    return one_more


async def run(idempotency: Idempotency, store: MemoryStore, actor: Actor, once: Once[int] | None, do: Do) -> int:
    async with store.write() as work:
        return await idempotency.run(work, actor, once, do)


async def test_without_a_key_it_is_done_each_time(
    idempotency: Idempotency, store: MemoryStore, ada: Actor, do: Do
) -> None:
    assert [await run(idempotency, store, ada, None, do) for _ in range(2)] == [1, 2]


async def test_with_a_key_it_is_done_once(
    idempotency: Idempotency, store: MemoryStore, ada: Actor, do: Do, done: list[int]
) -> None:
    assert await run(idempotency, store, ada, ONCE, do) == 1
    with pytest.raises(Replayed) as replayed:
        await run(idempotency, store, ada, ONCE, do)
    assert (replayed.value.answer, done) == (b"1", [1])


async def test_another_request_with_the_key_is_refused(
    idempotency: Idempotency, store: MemoryStore, ada: Actor, do: Do, done: list[int]
) -> None:
    await run(idempotency, store, ada, ONCE, do)
    with pytest.raises(IdempotencyKeyReused):
        await run(idempotency, store, ada, OTHER, do)
    with pytest.raises(IdempotencyKeyReused):
        await idempotency.look(ada, OTHER)
    assert done == [1]


async def test_somebody_elses_key_is_another(
    idempotency: Idempotency, store: MemoryStore, ada: Actor, bob: Actor, do: Do
) -> None:
    assert [await run(idempotency, store, actor, ONCE, do) for actor in (ada, bob)] == [1, 2]


async def test_a_look_replays_what_was_done_and_nothing_else(
    idempotency: Idempotency, store: MemoryStore, ada: Actor, do: Do
) -> None:
    await idempotency.look(ada, None)
    await idempotency.look(ada, ONCE)
    await run(idempotency, store, ada, ONCE, do)
    with pytest.raises(Replayed):
        await idempotency.look(ada, ONCE)


async def test_what_fails_is_not_kept(idempotency: Idempotency, store: MemoryStore, ada: Actor, do: Do) -> None:
    async def fail() -> int:
        raise EmailTaken

    with pytest.raises(EmailTaken):
        await run(idempotency, store, ada, ONCE, fail)
    assert await run(idempotency, store, ada, ONCE, do) == 1


async def test_while_it_is_being_done_nobody_else_does_it(
    idempotency: Idempotency, store: MemoryStore, ada: Actor, do: Do, done: list[int]
) -> None:
    async def asked_again_meanwhile() -> int:
        with pytest.raises(IdempotencyInProgress):
            await run(idempotency, store, ada, ONCE, do)
        return await do()

    assert await run(idempotency, store, ada, ONCE, asked_again_meanwhile) == 1
    assert done == [1]


async def test_who_is_removed_meanwhile_is_told_so(
    idempotency: Idempotency, store: MemoryStore, ada: Actor, do: Do
) -> None:
    async with store.write() as work:
        await work.users.remove(ada.id)
    with pytest.raises(UserInactive):
        await run(idempotency, store, ada, ONCE, do)


async def test_old_secrets_know_what_they_signed_and_others_do_not(store: MemoryStore, ada: Actor, do: Do) -> None:
    old, rotated, others = [
        Idempotency(store, secrets, now=Clock()) for secrets in ([b"old"], [b"new", b"old"], [b"other"])
    ]
    await run(old, store, ada, ONCE, do)
    with pytest.raises(Replayed):
        await run(rotated, store, ada, ONCE, do)
    with pytest.raises(IdempotencyKeyReused):
        await run(others, store, ada, ONCE, do)


def test_a_request_that_is_logged_does_not_show_its_body() -> None:
    assert "POST" not in repr(ONCE)
