"""What a request on a hot path asks of the database: a guard that needs no clock, and fails when a round trip is added.

Where fewer are needed after a change, the number here goes down with them.
"""

from collections.abc import AsyncIterator, Callable

import pytest

from inkwell.app import create_app
from inkwell.background import Background
from inkwell.settings import Settings
from tests.api.test_remembered_sign_ins import remembered
from tests.support import Client
from tests.wire import Wire, relayed

WARM = 3  # requests until connections are open and statements prepared
NEW_POST = {"title": "A title", "content": "Some text.", "published": True}
READS = {
    "W1 profile": ("/api/auth/profile", []),
    "W2 user by id": ("/api/users/{id}", ["SELECT users.id"]),
    "W3 users, first page": ("/api/users", ["SELECT counted.total"]),
    "W3b users, deep page": ("/api/users?page=50", ["SELECT counted.total"]),
    "W3c search": ("/api/users?q=ada", ["SELECT counted.total"]),
    "W3d search, many matches": ("/api/users?q=example", ["SELECT counted.total"]),
    "W5 newest posts": ("/api/posts", ["SELECT counted.total"]),
}


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def api(
    make_settings: Callable[..., Settings], database_url: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    """Over a database whose wire is read, and without what would speak on it at moments of its own."""
    monkeypatch.setattr(Background, "start", lambda _: None)
    async with relayed(database_url, wire) as url:
        settings = make_settings(database_url=url, database_listen_url=database_url)
        async with create_app(settings).test_app() as running:
            yield Client(running.app)  # type: ignore[attr-defined]


@pytest.fixture
async def ada(ada: Client) -> Client:
    """Somebody whose sign-in the worker remembers."""
    await remembered(ada)
    return ada


@pytest.mark.parametrize("hot_path", READS)
async def test_a_read_asks_the_database_no_more_than_it_needs(hot_path: str, ada: Client, wire: Wire) -> None:
    path, expected = READS[hot_path]
    for _ in range(WARM):
        wire.trips.clear()
        assert (await ada.get(path.format(id=ada.id))).status == 200
    assert_trips(wire, expected)


async def test_creating_a_post_asks_the_database_no_more_than_it_needs(ada: Client, wire: Wire) -> None:
    for _ in range(WARM):
        wire.trips.clear()
        assert (await ada.post("/api/posts", NEW_POST)).status == 201
    assert_trips(wire, ["INSERT INTO posts"])


async def test_the_wire_is_read_to_the_last_statement(ada: Client, wire: Wire) -> None:
    """The guard of the guard: what is begun, prepared, run and committed all shows."""
    path = f"/api/posts/{(await ada.post('/api/posts', NEW_POST)).json['post']['id']}"
    wire.trips.clear()
    await ada.patch(path, {"title": "Another"})
    first_words = [" ".join(trip.split()[:2]) for trip in wire.trips[-4:]]
    assert first_words == ["BEGIN;", "prepare UPDATE", "UPDATE posts", "COMMIT;"]


def assert_trips(wire: Wire, expected: list[str]) -> None:
    """Each round trip begins as expected, and there is no other."""
    fits = len(wire.trips) == len(expected) and all(map(str.startswith, wire.trips, expected))
    seen = "\n".join(f"  {number}. {trip}" for number, trip in enumerate(wire.trips, 1))
    assert fits, f"{len(wire.trips)} round trips, where {len(expected)} are expected ({', '.join(expected)}):\n{seen}"
