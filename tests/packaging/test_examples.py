"""The examples in the document of the API were really answered: on this tour, with ids, times and tokens made plain.

`make docs` has it write them down; otherwise they are compared.
"""

import json
import os
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn
from uuid import UUID

import pytest
import time_machine
from quart import Quart

from inkwell.app import create_app
from inkwell.settings import Settings
from repositories.database import Database
from service import idempotency
from service.posts import PostService
from tests import support
from tests.documented import DOCUMENT, at, check_answer, find_operation
from tests.support import PASSWORD, Answer, Client

EXAMPLES = Path(__file__).parents[2] / "src" / "routes" / "examples.json"
NEW_USER = {"email": "carl@example.com", "password": PASSWORD, "first_name": "Carl"}
POST = {"title": "Notes", "content": "On engines.", "published": True}
ONCE = {"Idempotency-Key": "my-own-name-for-it"}
JSON = {"Content-Type": "application/json"}
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_PLAIN = {
    re.compile(r'(?<="request_id": ")[0-9a-f]{32}'): "3f2b8c1d9e4a4c6f8b7d5a0e1c2f3b4d",
    re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"): "eyJhbGciOiJI...",
    re.compile(r"rt1\.[\w-]+"): "rt1.AZgbn0Bc...",
    re.compile(r'(?<="next_cursor": ")[\w-]+'): "AbX3kZ...",
}

Returned = dict[str, dict[str, Any]]


@pytest.fixture
def returned(monkeypatch: pytest.MonkeyPatch) -> Returned:
    """The first answer of each operation and success, and the first of each code, from now on."""
    found: Returned = {"answers": {}, "errors": {}}

    def note(app: Quart, method: str, path: str, status: int, headers: Any, body: bytes) -> None:
        check_answer(app, method, path, status, headers, body)
        if headers.get("Content-Type") != "application/json":
            return
        content, place = json.loads(body), find_operation(app, method, path)
        if status >= 400:
            found["errors"].setdefault(content["code"], content)
        elif place and (name := at(place)["operationId"]) != "getDocument":
            found["answers"].setdefault(name, {}).setdefault(str(status), content)

    monkeypatch.setattr(support, "check_answer", note)
    return found


def plain(returned: Returned) -> Returned:
    """With ids and times counted in the order of their appearance, and nothing else that changes from run to run."""
    text = json.dumps(returned, ensure_ascii=False)
    ids, times = count(1), count(0)
    known: dict[str, str] = {}
    text = _UUID.sub(lambda match: known.setdefault(match[0], f"01980000-0000-7000-8000-{next(ids):012}"), text)
    text = _TIME.sub(lambda match: known.setdefault(match[0], _spelt(next(times))), text)
    for changing, steady in _PLAIN.items():
        text = changing.sub(steady, text)
    return {kind: dict(sorted(found.items())) for kind, found in json.loads(text).items()}


def _spelt(second: int) -> str:
    return f"2026-01-31T12:{second // 60:02}:{second % 60:02}.000000Z"


async def look_around(api: Client, ada: Client, admin: Client) -> None:
    """Where all goes well."""
    for path in ("/", "/healthz", "/readyz", "/.well-known/jwks.json"):
        await api.get(path)
    post = (await ada.post("/api/posts", POST)).json["post"]
    await api.get(f"/api/posts/{post['id']}")
    await ada.patch(f"/api/posts/{post['id']}", {"title": "More notes"})
    await api.get("/api/posts?q=engines")
    await api.get(f"/api/users/{ada.id}/posts")
    await ada.get("/api/auth/profile")
    await ada.get("/api/auth/sessions")
    await ada.get("/api/users?limit=1")
    await ada.get(f"/api/users/{admin.id}")
    await admin.get("/api/audit?limit=1")
    await ada.patch(f"/api/users/{ada.id}", {"last_name": "King"})
    await admin.post("/api/users", NEW_USER)


async def send_nonsense(api: Client, ada: Client) -> None:
    await ada.post("/api/posts", {"title": "Notes"})
    await ada.post("/api/posts", {"title": "", "content": "x"})
    await ada.send("POST", "/api/posts", data=b"title=Notes", headers={"Content-Type": "text/plain"})
    await ada.send("POST", "/api/posts", data=b"{", headers=JSON)
    await ada.post("/api/posts", {"title": "x", "content": "x" * 1_100_000})
    await ada.get("/api/users", headers={"X-Long": "x" * 17_000})
    await api.get("/api/posts?limit=1000")
    await api.get("/api/posts?cursor=AQ")
    await api.get("/api/nothing")
    await api.get(f"/api/posts/{NOBODY}")
    await ada.get(f"/api/users/{NOBODY}")
    await ada.delete(f"/api/auth/sessions/{NOBODY}")
    await api.post("/api/auth/reset", {"token": "ml1.x", "new_password": PASSWORD})


async def be_refused(api: Client, ada: Client, bob: Client, admin: Client) -> None:
    await api.get("/api/users")
    await Client(api.app, "nonsense").get("/api/users")
    await ada.delete(f"/api/users/{bob.id}")
    await ada.patch(f"/api/users/{bob.id}", {"last_name": "Bee"})
    await admin.delete(f"/api/users/{admin.id}")
    await api.post("/api/auth/register", NEW_USER)
    await ada.patch(f"/api/users/{ada.id}", {"last_name": "Byron"}, headers={"If-Match": '"99"'})
    await ada.post("/api/auth/password", {"current_password": "wrong", "new_password": "another fine password"})
    await ada.post("/api/posts", POST, headers=ONCE)
    await ada.post("/api/posts", {"title": "Other", "content": "Other"}, headers=ONCE)


async def lose_access(api: Client, bob: Client, admin: Client) -> None:
    await api.post("/api/auth/login", {})
    for _ in range(11):
        await api.post("/api/auth/login", {"email": "eve@example.com", "password": "wrong"})
    await api.post("/api/auth/refresh", {"refresh_token": "rt1.x"})
    first = (await api.post("/api/auth/login", {"email": "bob@example.com", "password": PASSWORD})).json
    second = (await api.post("/api/auth/refresh", {"refresh_token": first["refresh_token"]})).json
    await api.post("/api/auth/refresh", {"refresh_token": second["refresh_token"]})
    await api.post("/api/auth/refresh", {"refresh_token": first["refresh_token"]})
    await Client(api.app, first["access_token"]).get("/api/auth/profile")
    await admin.patch(f"/api/users/{bob.id}", {"is_active": False})
    await bob.get("/api/auth/profile")


async def be_early_and_late(ada: Client, database: Database) -> None:
    async with database.write() as work:
        key = idempotency._id(SimpleNamespace(id=UUID(ada.id)), SimpleNamespace(key="busy"))  # type: ignore[arg-type]
        await work.kept_answers.claim(key)
        await ada.post("/api/posts", POST, headers={"Idempotency-Key": "busy"})


async def find_it_out_of_order(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> NoReturn:
        raise RuntimeError

    monkeypatch.setattr(PostService, "get", crash)
    await api.get(f"/api/posts/{NOBODY}")
    api.app.extensions["draining"].begin()
    await api.get("/readyz")


async def wait_too_long(api: Client) -> None:
    path, caller = "/api/auth/login", api._caller()
    async with caller.request(path, method="POST", headers=JSON | {"Content-Length": "100"}) as connection:
        await connection.send(b'{"email":')
        body = await connection.receive()
    api._checked("POST", path, Answer(connection.status_code, body, connection.headers))


@pytest.fixture
async def tour(
    returned: Returned,
    api: Client,
    ada: Client,
    bob: Client,
    admin: Client,
    database: Database,
    make_settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> Returned:
    await look_around(api, ada, admin)
    await send_nonsense(api, ada)
    await be_refused(api, ada, bob, admin)
    await lose_access(api, bob, admin)
    await be_early_and_late(ada, database)
    changed = make_settings(registration="closed", body_timeout_seconds=0.05)
    async with create_app(changed).test_app() as running:
        closed = Client(running.app)  # type: ignore[attr-defined]
        await closed.post("/api/auth/register", NEW_USER)
        await wait_too_long(closed)
    await find_it_out_of_order(api, monkeypatch)
    with time_machine.travel("2050-01-01T00:00:00Z"):
        await ada.get("/api/auth/profile")
    return plain(returned)


def test_the_examples_are_what_is_answered(tour: Returned) -> None:
    if os.environ.get("INKWELL_WRITE_EXAMPLES"):
        EXAMPLES.write_text(json.dumps(tour, indent=2, ensure_ascii=False) + "\n")
    assert json.loads(EXAMPLES.read_text()) == tour


def test_every_refusal_and_every_answer_has_an_example() -> None:
    told = {code for name in DOCUMENT["components"]["responses"] for code in name.split(".")[1:]}
    assert told == set(DOCUMENT["components"]["examples"])
    for path in DOCUMENT["paths"].values():
        for operation in (item for key, item in path.items() if key != "parameters"):
            for response in operation["responses"].values():
                content = response.get("content", {}).get("application/json")
                assert content is None or "examples" in content or operation["operationId"] == "getDocument"
