"""What Prometheus is told, and who may ask."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from quart import Quart

from inkwell.app import connect, create_app
from inkwell.metrics import Metrics
from inkwell.settings import Settings
from repositories.database import Database
from tests.support import Answer, Client

TOKEN = "a-token-for-prometheus"
NOWHERE = "postgres://inkwell@127.0.0.1:1/inkwell"
MakeSettings = Callable[..., Settings]


async def read(client: Client, address: str = "127.0.0.1", **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.get("/metrics", headers=sent, scope_base={"client": (address, 1)})


async def figures(client: Client) -> dict[str, float]:
    """Each figure by its name and labels."""
    lines = re.findall(r"^([a-z]\S*(?:\{.*\})?) (\S+)$", (await read(client)).body.decode(), re.MULTILINE)
    return {name: float(value) for name, value in lines}


@asynccontextmanager
async def running(settings: Settings, database: Database | None = None) -> AsyncIterator[Client]:
    async with create_app(settings, database=database).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_the_machine_itself_may_ask(api: Client, address: str) -> None:
    assert (await read(api, address)).status == 200


@pytest.mark.parametrize("address", ["203.0.113.7", "10.0.0.1", "::ffff:203.0.113.7", "<local>"])
async def test_to_others_there_is_no_such_path(api: Client, address: str) -> None:
    answer = await read(api, address)
    assert (answer.status, answer.code, answer.json["message"]) == (404, "not_found", "Resource does not exist")


@pytest.mark.parametrize("trusted_proxies", [0, 1])
@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"X_Real_IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
async def test_what_a_proxy_on_this_machine_hands_on_does_not_come_from_it(
    make_settings: MakeSettings, headers: dict[str, str], trusted_proxies: int
) -> None:
    async with running(make_settings(trusted_proxies=trusted_proxies)) as api:
        assert (await read(api, **headers)).status == 404


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Basic {TOKEN}", 404),
        (f"Bearer {TOKEN}x", 404),
        ("Bearer ", 404),
        ("Bearer é", 404),
    ],
)
async def test_the_token_opens_it_from_afar(make_settings: MakeSettings, shown: str, status: int) -> None:
    async with running(make_settings(metrics_token=TOKEN)) as api:
        assert (await read(api, "203.0.113.7", Authorization=shown)).status == status


@pytest.mark.parametrize("shown", ["Bearer None", "Bearer ", "Bearer"])
async def test_without_a_token_set_none_opens_it(api: Client, shown: str) -> None:
    assert (await read(api, "203.0.113.7", Authorization=shown)).status == 404


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0"),
        ("text/plain; version=x; escaping=y", "text/plain; version=0.0.4"),
        ("application/openmetrics-text; version=nonsense", "application/openmetrics-text; version=1.0.0"),
    ],
)
async def test_it_speaks_what_is_asked_for(api: Client, accept: str, content_type: str) -> None:
    answer = await read(api, Accept=accept)
    assert (answer.status, answer.headers["Content-Type"].startswith(content_type)) == (200, True)
    assert answer.body.endswith(b"# EOF\n") is content_type.startswith("application")


async def test_requests_are_counted_by_route_and_what_clients_make_up_is_not(api: Client, ada: Client) -> None:
    for number in range(3):
        await ada.get(f"/api/users/{ada.id}")
        await api.get(f"/made/up/{number}")
        await api.send(f"MADE{number}", "/up")
    counted = await figures(api)
    name = "inkwell_http_request_duration_seconds_count"
    assert counted[f'{name}{{method="GET",route="/api/users/<user_id>",status="200"}}'] == 3
    assert counted[f'{name}{{method="GET",route="unknown",status="404"}}'] == 3
    assert counted[f'{name}{{method="other",route="unknown",status="404"}}'] == 3
    assert not [figure for figure in counted if "made" in figure.lower()]


async def test_it_says_how_much_of_the_database_is_used(settings: Settings) -> None:
    database = connect(settings)
    async with running(settings, database) as api:
        in_use = "inkwell_database_connections_in_use"
        async with asyncio.timeout(30):  # the listener proves that it hears of changes here, and chores have begun
            while (await figures(api))[in_use]:
                pass
            async with database.write() as work:
                await work.users.lock_active_admins()
                while (used := await figures(api))[in_use] != 1:
                    pass
    assert used["inkwell_database_connections_open"] >= 1
    assert (used["inkwell_database_connections_limit"], used["inkwell_database_connections_overflow"]) == (15, 0)


async def test_it_says_how_many_requests_and_passwords_are_waiting(make_settings: MakeSettings) -> None:
    slow_hashes = make_settings(requests_at_once=3, hash_memory_kib=96 * 1024, hash_passes=1)
    async with running(slow_hashes) as api:
        login = {"email": "ada@example.com", "password": "a password"}
        logins = [asyncio.create_task(api.post("/api/auth/login", login)) for _ in range(5)]
        async with asyncio.timeout(30):
            while (now := await figures(api))["inkwell_hasher_waiting"] < 2:
                pass
        assert now["inkwell_hasher_busy"] == 1
        assert (now["inkwell_http_requests_in_flight"], now["inkwell_http_requests_waiting"]) == (3, 2)
        await asyncio.gather(*logins)


@pytest.mark.parametrize(("changes", "up"), [({}, 1), ({"database_url": NOWHERE}, 0)])
async def test_it_says_whether_the_database_is_there(
    make_settings: MakeSettings, changes: dict[str, Any], up: int
) -> None:
    async with running(make_settings(**changes)) as api:
        assert (await figures(api))["inkwell_database_up"] == up


async def test_what_is_too_many_is_counted_as_throttled() -> None:
    metrics = Metrics()
    metrics.count_request("/api/auth/login", "POST", 429, 0.001)
    assert b'inkwell_throttled_requests_total{route="/api/auth/login"} 1.0' in metrics.page("")[0]


async def test_background_work_is_counted(app: Quart, api: Client) -> None:
    app.extensions["metrics"].count_batch("purge_sessions", "done", 7)
    counted = await figures(api)
    assert counted['inkwell_chore_batches_total{chore="purge_sessions",outcome="done"}'] == 1
    assert counted['inkwell_chore_rows_total{chore="purge_sessions"}'] == 7


async def test_it_says_what_runs_and_what_that_takes(api: Client) -> None:
    now = await figures(api)
    assert any(name.startswith('inkwell_build_info{python="3.') for name in now)
    assert now["process_resident_memory_bytes"] > 10_000_000
    assert now["process_cpu_seconds_total"] > 0
