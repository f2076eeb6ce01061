"""The services on a store in memory, and people who use them."""

from collections.abc import Iterator

import pytest

from domain.users import Access, Actor
from service.idempotency import Idempotency
from service.passwords import Passwords
from service.posts import PostService
from service.throttles import ThrottleService
from service.users import UserService
from tests.fakes import Clock, MemoryStore, add_user, patient_throttles, signed_in


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """A hasher as cheap as can be."""
    passwords = Passwords(memory_kib=8, passes=1)
    yield passwords
    passwords.close()


@pytest.fixture
def throttles(store: MemoryStore) -> ThrottleService:
    return patient_throttles(store)


@pytest.fixture
def idempotency(store: MemoryStore) -> Idempotency:
    return Idempotency(store, [b"a secret"], now=Clock())


@pytest.fixture
def users(
    store: MemoryStore, passwords: Passwords, throttles: ThrottleService, idempotency: Idempotency
) -> UserService:
    return UserService(store, passwords, Access(), throttles, idempotency)


@pytest.fixture
def posts(store: MemoryStore, idempotency: Idempotency) -> PostService:
    return PostService(store, idempotency)


@pytest.fixture
async def ada(store: MemoryStore) -> Actor:
    """An ordinary user."""
    return signed_in(await add_user(store, "ada@example.com", first_name="Ada", last_name="Lovelace"))


@pytest.fixture
async def bob(store: MemoryStore) -> Actor:
    """Another ordinary user."""
    return signed_in(await add_user(store, "bob@example.com", first_name="Bob"))


@pytest.fixture
async def admin(store: MemoryStore) -> Actor:
    """An admin, and the only one unless the test makes another."""
    return signed_in(await add_user(store, "root@example.com", role="admin"))
