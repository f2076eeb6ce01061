"""The services on a store in memory, and people who use them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from domain.users import Actor, Client, Credentials
from inkwell.settings import Settings
from service.passwords import Passwords
from service.posts import PostService
from service.users import UserService
from tests.factories import HASH, add_user, signed_in
from tests.fakes.services import post_service, user_service
from tests.fakes.store import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def users(store: MemoryStore, passwords: Passwords) -> UserService:
    return user_service(store, passwords)


@pytest.fixture
def posts(store: MemoryStore) -> PostService:
    return post_service(store)


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


@pytest.fixture
async def session_id(store: MemoryStore, ada: Actor) -> UUID:
    """A session of Ada's."""
    made, now = uuid7(), datetime.now(UTC)
    async with store.write() as work:
        assert await work.sessions.add(
            made, Credentials(ada.account, HASH), now, now + timedelta(days=1), Client(None, None)
        )
    return made


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An empty working folder, and no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
        monkeypatch.delenv(name)
    return monkeypatch
