"""PocketBase with its SQLite, filled with the same rows: behind its back, because its API writes them one by one."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import bcrypt

from benchmarks.contenders.contender import BIN, Contender, Place
from benchmarks.machine import other_cores
from benchmarks.postgres import free_port
from benchmarks.rows import PAGE, PASSWORD, posts_sql, users_sql
from benchmarks.server import Server, send
from benchmarks.workloads import Request

PROGRAM = str(BIN / "pocketbase")
OPERATOR = "operator@example.com"
SIGNED_IN = "@request.auth.id != '' && @request.auth.is_active = true"  # PocketBase reads who asks on every request
ID = {
    "name": "id", "type": "text", "system": True, "required": True, "primaryKey": True, "min": 36, "max": 36,
    "pattern": "^[0-9a-f-]+$", "autogeneratePattern": "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
}  # fmt: skip
TIMES = [
    {"name": "created", "type": "autodate", "onCreate": True},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]
USERS = {
    "name": "people", "type": "auth", "listRule": SIGNED_IN, "viewRule": SIGNED_IN, "authAlert": {"enabled": False},
    "fields": [
        ID,
        {"name": "first_name", "type": "text"},
        {"name": "last_name", "type": "text"},
        {"name": "role", "type": "select", "values": ["user", "admin"], "maxSelect": 1},
        {"name": "is_active", "type": "bool"},
        *TIMES,
    ],
    "indexes": ["CREATE INDEX `people_created` ON `people` (`created`, `id`)"],
}  # fmt: skip
POSTS = {
    "name": "posts", "type": "base", "listRule": SIGNED_IN, "viewRule": SIGNED_IN,
    "createRule": f"{SIGNED_IN} && author = @request.auth.id",
    "indexes": ["CREATE INDEX `posts_newest` ON `posts` (`published`, `created`, `id`)"],
}  # fmt: skip
POST_FIELDS = [
    ID,
    {"name": "title", "type": "text", "required": True, "max": 255},
    {"name": "content", "type": "text", "required": True, "max": 200000},
    {"name": "published", "type": "bool"},
]


class PocketBase(Contender):
    """With its log of requests (kept for five days, as it comes), or without."""

    health = "/api/health"

    def __init__(self, *, logs: bool) -> None:
        self.name = "pocketbase_logs" if logs else "pocketbase"
        self.title = "PocketBase, as it comes" if logs else "PocketBase, log off"
        self._logs = logs

    def make_data(self, place: Place) -> None:
        made = self._made(place)
        if not made.exists():
            unfinished = made.with_name("unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            subprocess.run(
                [*_program(unfinished), "superuser", "upsert", OPERATOR, PASSWORD], check=True, capture_output=True
            )
            _make_collections(unfinished, place.folder / "pocketbase.log")
            _fill(unfinished / "data.db", place)
            unfinished.rename(made)

    def open_data(self, place: Place) -> str:
        folder = place.folder / f"run_{self.name}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._made(place), folder)
        if self._logs:
            _set_log_days(folder, 5)
        return str(folder)

    def close_data(self, place: Place) -> None:
        shutil.rmtree(place.folder / f"run_{self.name}")

    def command(self, port: int, data: str) -> list[str]:
        return [*_program(Path(data)), "serve", f"--http=127.0.0.1:{port}"]

    def environment(self, port: int, data: str) -> Mapping[str, str]:
        return {}

    def login(self, email: str) -> Request:
        sent = json.dumps({"identity": email, "password": PASSWORD})
        return Request("POST", "/api/collections/people/auth-with-password", sent)

    def authorization(self, answer: Any) -> str:
        return str(answer["token"])

    def profile(self, user_id: str) -> Request:
        return self.user(user_id)

    def user(self, user_id: str) -> Request:
        return Request("GET", f"/api/collections/people/records/{user_id}")

    def users(self, page: int) -> Request:
        return Request("GET", f"/api/collections/people/records?sort=created,id&page={page}&perPage={PAGE}")

    def search(self, q: str) -> Request:
        matches = quote(f"email ~ '{q}' || first_name ~ '{q}'")
        return Request("GET", f"{self.users(1).path}&filter={matches}")

    def create(self, user_id: str, title: str, content: str) -> Request:
        sent = {"title": title, "content": content, "published": False, "author": user_id}
        return Request("POST", "/api/collections/posts/records", json.dumps(sent))

    def newest(self) -> Request:
        matches = quote("published = true")
        path = f"/api/collections/posts/records?sort=-created,-id&perPage={PAGE}&skipTotal=1&filter={matches}"
        return Request("GET", path)

    def rows(self, answer: Any) -> list[dict[str, Any]]:
        found = answer.get("items", [answer])
        return [row | {"created_at": row["created"], "author_id": row.get("author")} for row in found]

    def total(self, answer: Any) -> int | None:
        total = answer.get("totalItems", -1)
        return None if total < 0 else int(total)

    def _made(self, place: Place) -> Path:
        return place.folder / f"pocketbase_{place.size.users}_{place.size.posts}"


def _program(folder: Path) -> list[str]:
    aside = [f"--{name}={folder / name}" for name in ("hooksDir", "migrationsDir", "publicDir")]
    return [PROGRAM, f"--dir={folder}", "--automigrate=false", *aside]


def _make_collections(folder: Path, log: Path) -> None:
    port = free_port()
    command = [*_program(folder), "serve", f"--http=127.0.0.1:{port}"]
    server = Server(command, {}, port=port, log=log, cores=other_cores())
    try:
        server.wait("/api/health")
        sent = json.dumps({"identity": OPERATOR, "password": PASSWORD})
        token = _done(server, Request("POST", "/api/collections/_superusers/auth-with-password", sent))["token"]
        _done(server, Request("PATCH", "/api/settings", json.dumps({"logs": {"maxDays": 0}})), token)
        people = _done(server, Request("POST", "/api/collections", json.dumps(USERS)), token)
        author = {"name": "author", "type": "relation", "collectionId": people["id"], "required": True, "maxSelect": 1}
        posts = POSTS | {"fields": [*POST_FIELDS, author, *TIMES]}
        _done(server, Request("POST", "/api/collections", json.dumps(posts)), token)
    finally:
        server.stop()


def _done(server: Server, request: Request, token: str = "") -> Any:
    status, body = send(server.url, request, token)
    if status != 200:
        raise RuntimeError(f"PocketBase answered {request.path} with {status}: {body.decode()}")
    return json.loads(body)


def _set_log_days(folder: Path, days: int) -> None:
    """PocketBase keeps its settings as JSON in a table of parameters."""
    with closing(sqlite3.connect(folder / "data.db")) as database, database:
        change = "UPDATE _params SET value = json_set(value, '$.logs.maxDays', ?) WHERE id = 'settings'"
        if database.execute(change, (days,)).rowcount != 1:
            raise RuntimeError("PocketBase keeps its settings elsewhere")


def _fill(path: Path, place: Place) -> None:
    """The rows as PostgreSQL makes them, from a database that is there for that alone."""
    password_hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    with closing(sqlite3.connect(path)) as database, database:
        users = "id, email, first_name, last_name, role, created, updated, is_active"
        more = "password, tokenKey, emailVisibility, verified"
        marks = ", ".join("?" * 12)
        rows = ((*row, password_hash, _token_key(row[0]), True, True) for row in _made_rows(place, "users"))
        database.executemany(f"INSERT INTO people ({users}, {more}) VALUES ({marks})", rows)
        posts = "id, title, content, published, author, created, updated"
        marks = ", ".join("?" * 7)
        database.executemany(f"INSERT INTO posts ({posts}) VALUES ({marks})", _made_rows(place, "posts"))
        database.execute("ANALYZE")


def _made_rows(place: Place, table: str) -> Iterator[list[Any]]:
    """As PocketBase keeps them: times as text to the millisecond."""
    names = {
        "users": "id, email, first_name, last_name, role, created_at, updated_at, is_active",
        "posts": "id, title, content, published, author, created_at, updated_at",
    }[table]
    text = "to_char({0}, 'YYYY-MM-DD HH24:MI:SS.MSZ') AS {0}"
    shown = ", ".join(text.format(name) if name.endswith("_at") else name for name in names.split(", "))
    rows = {"users": users_sql, "posts": posts_sql}[table](place.size)
    query = f"SELECT json_build_array({names}) FROM (SELECT {shown} FROM ({rows}) made({names})) shown"
    return map(json.loads, place.postgres.lines(query, f"limit_{place.size.users}_{place.size.posts}"))


def _token_key(user_id: str) -> str:
    return hashlib.sha256(user_id.encode()).hexdigest()[:50]
