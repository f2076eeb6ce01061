"""What a request may take: time, places, and the database; and that nothing is left half done."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from quart import Quart

from inkwell.app import create_app
from inkwell.logs import configure_logging
from inkwell.settings import Settings
from repositories.database import Database
from service.posts import PostService
from tests.support import Answer, Client

MakeSettings = Callable[..., Settings]
NEW = {"title": "A title", "content": "Some text."}
ONCE = {"Idempotency-Key": "d1a1e1c6"}  # which takes more than one statement, and therefore a transaction


def assert_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "2")


@asynccontextmanager
async def running(settings: Settings, database: Database | None = None) -> AsyncIterator[Client]:
    async with create_app(settings, database=database).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


@pytest.fixture
def slow_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Posts that are written in a transaction, which takes its time before it ends."""
    create = PostService.create

    async def dawdling(self: PostService, *given: Any) -> Any:
        store = self._store

        class Slow:
            @asynccontextmanager
            async def write(self) -> AsyncIterator[Any]:
                async with store.write() as work:
                    yield work
                    await asyncio.sleep(30)

        return await create(PostService(Slow(), self._idempotency), *given)  # type: ignore[arg-type]

    monkeypatch.setattr(PostService, "create", dawdling)


@pytest.mark.usefixtures("slow_commits")
@pytest.mark.parametrize("limit", ["request_timeout_seconds", "database_work_timeout_seconds"])
async def test_what_takes_too_long_is_given_up_and_undone(make_settings: MakeSettings, limit: str) -> None:
    async with running(make_settings()) as patient, running(make_settings(**{limit: 0.3})) as hasty:
        ada = await patient.join("ada@example.com")
        assert_unavailable(await Client(hasty.app, ada.token).post("/api/posts", NEW, headers=ONCE))
        assert (await ada.get("/api/posts?mine=true")).json["data"] == []


async def test_an_answer_that_is_made_is_not_cut_off(make_settings: MakeSettings) -> None:
    app = create_app(make_settings(request_timeout_seconds=0.2))

    @app.after_request
    async def dawdle(answer: Any) -> Any:
        await asyncio.sleep(0.3)
        return answer

    async with app.test_app() as running:
        assert (await Client(running.app).get("/")).status == 200  # type: ignore[attr-defined]


@pytest.fixture
async def crowded(make_settings: MakeSettings) -> AsyncIterator[tuple[Client, asyncio.Event]]:
    """A server with one place and one seat to wait in; the place is taken until the event is set."""
    app = create_app(make_settings(requests_at_once=1, requests_waiting=1, request_wait_seconds=0.05))
    done = asyncio.Event()

    @app.get("/slow")
    async def slow() -> str:
        await done.wait()
        return "done"

    async with app.test_app() as running:
        client = Client(running.app)  # type: ignore[attr-defined]
        first = asyncio.create_task(client.get("/slow"))
        await asyncio.sleep(0.01)
        yield client, done
        done.set()
        assert (await first).status == 200


async def test_a_request_without_a_place_is_refused_and_served_when_it_comes_again(
    crowded: tuple[Client, asyncio.Event],
) -> None:
    api, done = crowded
    assert_unavailable(await api.get("/api/posts"))
    done.set()
    await asyncio.sleep(0)
    assert (await api.get("/api/posts")).status == 200


@pytest.fixture
async def full(make_settings: MakeSettings) -> AsyncIterator[Client]:
    """A server with one place, which is taken, and no seat to wait in."""
    origins = ("https://app.example",)
    app = create_app(make_settings(requests_at_once=1, requests_waiting=0, cors_origins=origins, hsts_seconds=60))
    async with app.test_app() as running:
        assert app.gate.enter_at_once()  # type: ignore[attr-defined]
        yield Client(running.app)  # type: ignore[attr-defined]
        app.gate.leave()  # type: ignore[attr-defined]


def told(answer: Answer) -> tuple[int, dict[str, str], dict[str, str]]:
    """All that was answered, but for the id."""
    id_ = answer.json["request_id"]
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    assert answer.headers["x-request-id"] == id_
    assert answer.headers["content-length"] == str(len(answer.body))
    return answer.status, headers, answer.json | {"request_id": ""}


async def test_all_who_are_refused_are_told_the_same_in_one_line_of_the_log_each(
    full: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json")
    answers = [await full.get("/api/posts", headers={"X-Request-ID": f"number-{n}"}) for n in range(3)]
    browsers = await full.get("/api/posts", headers={"Origin": "https://app.example", "X-Request-ID": "number-3"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert_unavailable(answers[2])
    assert told(answers[0]) == told(answers[1]) == told(answers[2])
    assert told(answers[2])[1].items() <= told(browsers)[1].items()
    assert browsers.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert [(line["event"], line["route"], line["status"], line["request_id"]) for line in lines] == [
        ("request", "/api/posts", 503, f"number-{n}") for n in range(4)
    ]
    counted = {"method": "GET", "route": "/api/posts", "status": "503"}
    registry = full.app.extensions["metrics"].registry
    assert registry.get_sample_value("inkwell_http_request_duration_seconds_count", counted) == 4
    assert full.app.gate.refused == 4  # type: ignore[attr-defined]


async def test_probes_and_unknown_paths_need_no_place(crowded: tuple[Client, asyncio.Event]) -> None:
    api, _ = crowded
    statuses = [(await api.get(path)).status for path in ("/healthz", "/readyz", "/metrics", "/nope")]
    assert statuses == [200, 200, 404, 404]


async def test_a_body_that_trickles_in_takes_no_place(make_settings: MakeSettings) -> None:
    settings = make_settings(requests_at_once=1, requests_waiting=0, body_timeout_seconds=5)
    async with running(settings) as api:
        headers = {"Content-Type": "application/json", "Content-Length": "100"}
        connection = api.app.test_client().request("/api/auth/login", method="POST", headers=headers)
        async with connection:
            await connection.send(b'{"email":')
            assert (await api.get("/api/posts")).status == 200


async def test_the_limits_are_the_documented_ones_unless_set(app: Quart, settings: Settings) -> None:
    assert (settings.requests_at_once, settings.requests_waiting, settings.request_wait_seconds) == (200, 1000, 1)
    assert (settings.request_timeout_seconds, settings.body_timeout_seconds) == (10, 10)
    assert (settings.database_work_timeout_seconds, settings.database_pool_timeout_seconds) == (5, 2)
    assert app.config["REQUEST_TIMEOUT"] == 10
