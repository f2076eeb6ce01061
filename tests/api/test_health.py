"""What load balancers ask, and what everybody is told while the database is away."""

from collections.abc import Callable

import pytest
from quart import Quart
from sqlalchemy import text

from inkwell.app import connect, create_app
from inkwell.draining import Draining
from inkwell.settings import Settings
from repositories.database import Database
from tests.conftest import Server
from tests.support import PASSWORD, Client

NOWHERE = "postgres://inkwell@127.0.0.1:1/inkwell"


async def test_a_process_with_its_database_is_alive_and_ready(api: Client) -> None:
    assert (await api.get("/healthz")).json == {"status": "alive"}
    assert (await api.get("/readyz")).json == {"status": "ready"}


async def test_the_front_door_says_what_stands_here(api: Client) -> None:
    answer = await api.get("/")
    assert (answer.status, answer.json["name"]) == (200, "Inkwell")


async def test_without_its_database_it_is_alive_but_not_ready(make_settings: Callable[..., Settings]) -> None:
    async with create_app(make_settings(database_url=NOWHERE)).test_app() as running:
        api = Client(running.app)  # type: ignore[attr-defined]
        ready = await api.get("/readyz")
        assert (await api.get("/healthz")).status == 200
        assert (ready.status, ready.code, ready.json["message"]) == (503, "unavailable", "database unreachable")
        assert ready.headers["Retry-After"] == "2"


async def test_without_its_database_everything_else_is_unavailable_for_now(
    make_settings: Callable[..., Settings],
) -> None:
    async with create_app(make_settings(database_url=NOWHERE)).test_app() as running:
        api = Client(running.app)  # type: ignore[attr-defined]
        login = {"email": "ada@example.com", "password": PASSWORD}
        for answer in (
            await api.get("/api/posts"),
            await api.post("/api/auth/login", login),
            await api.post("/api/auth/register", login),
        ):
            assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "2")


async def test_a_database_without_schema_is_not_ready_and_no_crash(
    make_settings: Callable[..., Settings], empty_database: str
) -> None:
    async with create_app(make_settings(database_url=empty_database)).test_app() as running:
        api = Client(running.app)  # type: ignore[attr-defined]
        assert (await api.get("/readyz")).json["message"] == "schema not migrated"
        assert (await api.get("/api/posts")).status == 503


@pytest.mark.parametrize(("node_stops", "status"), [(True, 503), (False, 200)])
async def test_a_draining_process_sends_everybody_away_after_their_answer_and_is_unready_if_its_node_stops(
    settings: Settings, node_stops: bool, status: int
) -> None:
    draining = Draining()
    async with create_app(settings, draining).test_app() as running:
        api = Client(running.app)  # type: ignore[attr-defined]
        assert "Connection" not in (await api.get("/api/posts")).headers
        draining.begin(node_stops=node_stops)
        readiness = await api.get("/readyz")
        assert (readiness.status, readiness.headers["Connection"]) == (status, "close")
        assert (await api.get("/api/posts")).status == 200
        assert (await api.get("/nope")).headers["Connection"] == "close"


async def test_connections_that_were_cut_are_no_crash(
    app: Quart, api: Client, server: Server, database_url: str
) -> None:
    assert (await api.get("/api/posts")).status == 200
    await server.cut_off(database_url)
    statuses = [(await api.get("/api/posts")).status for _ in range(3)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200


@pytest.mark.parametrize(("revision", "ready"), [("9999", True), ("0000", False), ("zzzz", False), ("", False)])
async def test_a_newer_schema_will_do_and_a_foreign_one_will_not(
    api: Client, server: Server, database: Database, revision: str, ready: bool
) -> None:
    async with database.write() as work:
        await work.users._session.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))  # noqa: S608
    assert (await api.get("/readyz")).status == (200 if ready else 503)


async def test_slow_requests_do_not_make_a_process_unready(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(database_pool_size=1, database_pool_overflow=0)
    database = connect(settings)
    async with create_app(settings, database=database).test_app() as running, database.read():
        api = Client(running.app)  # type: ignore[attr-defined]
        assert (await api.get("/readyz")).status == 200
