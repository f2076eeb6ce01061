"""The stores that keep the contract of service.ports: every case runs on each of them."""

import pytest

from domain.users import Account
from service.ports import Store
from tests.factories import add_user
from tests.fakes.store import MemoryStore


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store; the database is only asked for where it is the one."""
    found: Store = MemoryStore() if request.param == "memory" else request.getfixturevalue("database")
    return found


@pytest.fixture
async def ada(store: Store) -> Account:
    """A user in the store, the oldest."""
    return await add_user(store, "ada@example.com", first_name="Ada", last_name="Lovelace")


@pytest.fixture
async def bob(store: Store, ada: Account) -> Account:
    """A second user in the store, younger than the first."""
    return await add_user(store, "bob@example.com", first_name="Bob")
