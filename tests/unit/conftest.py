"""The services on a store in memory, and people who use them."""

import pytest

from domain.users import Access, Actor
from service.passwords import Passwords
from service.posts import PostService
from service.users import UserService
from tests.fakes import MemoryStore, add_user, signed_in


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def users(store: MemoryStore, passwords: Passwords) -> UserService:
    return UserService(store, passwords, Access())


@pytest.fixture
def posts(store: MemoryStore) -> PostService:
    return PostService(store)


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
