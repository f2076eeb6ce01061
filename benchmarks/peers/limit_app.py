"""As little as one can do in Python: ASGI without a framework, asyncpg, and one statement where one will do.

It asks the database on every request whether the caller is active, in the same statement as what the request is about,
and keeps the claims of tokens that it has verified. What does not lie on the paths of the benchmark is left out.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import asyncpg
import jwt
import orjson
from argon2 import PasswordHasher
from uuid_utils.compat import uuid7

SECRET = os.environ.get("JWT_SECRET_KEY", "")
LIFETIME = timedelta(hours=1)
PAGE, MOST_TOKENS, POOL = 20, 10_000, 15

USER = "id, email, first_name, last_name, role, created_at"
USER_KEYS = USER.split(", ")
POST = "id, title, content, published, author_id, created_at, updated_at, published_at"
POST_KEYS = POST.split(", ")

TABLES = """
CREATE EXTENSION pg_trgm;
CREATE TABLE users (
    id uuid PRIMARY KEY, email text NOT NULL UNIQUE, first_name text, last_name text, role text NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, is_active boolean NOT NULL,
    password_hash text NOT NULL,
    search text GENERATED ALWAYS AS (lower(email || ' ' || coalesce(first_name, ''))) STORED
);
CREATE INDEX ON users (created_at, id);
CREATE INDEX ON users USING gin (search gin_trgm_ops);
CREATE TABLE posts (
    id uuid PRIMARY KEY, title text NOT NULL, content text NOT NULL, published boolean NOT NULL,
    author_id uuid NOT NULL REFERENCES users, created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(), published_at timestamptz
);
CREATE INDEX ON posts (author_id);
CREATE INDEX ON posts (published_at, id) WHERE published;
CREATE TABLE totals (slot int PRIMARY KEY, users bigint NOT NULL);
INSERT INTO totals SELECT slot, 0 FROM generate_series(0, 7) slot;
CREATE FUNCTION count_users() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE totals SET users = users + (SELECT count(*) FROM added) WHERE slot = pg_backend_pid() % 8;
    RETURN NULL;
END $$;
CREATE TRIGGER count_users AFTER INSERT ON users REFERENCING NEW TABLE AS added EXECUTE FUNCTION count_users();
"""
CALLER = f"SELECT {USER} FROM users WHERE id = $1 AND is_active"
WITH_CALLER = "SELECT (SELECT is_active FROM users WHERE id = $1), found.* FROM (VALUES (0)) one LEFT JOIN"
TARGET = f"{WITH_CALLER} (SELECT {USER} FROM users WHERE id = $2) found ON true"
TOTAL = "(SELECT sum(users) FROM totals)::bigint AS total"
PAGE_UP = f"""{WITH_CALLER} (SELECT {TOTAL}, cut.* FROM
    (SELECT {USER} FROM users ORDER BY created_at, id LIMIT $2 OFFSET $3) cut) found ON true"""
# From the nearer end: the rows behind the page are fewer than those before it.
PAGE_DOWN = f"""{WITH_CALLER} (SELECT {TOTAL}, cut.* FROM
    (SELECT {USER} FROM users ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3) cut) found ON true
    ORDER BY created_at, id"""
SEARCH = f"""WITH hits AS MATERIALIZED (SELECT {USER} FROM users WHERE search LIKE $2)
    {WITH_CALLER} (SELECT (SELECT count(*) FROM hits) AS total, cut.* FROM
    (SELECT * FROM hits ORDER BY created_at, id LIMIT $3 OFFSET $4) cut) found ON true"""
CREATE = f"""INSERT INTO posts (id, title, content, published, author_id)
    SELECT $2, $3, $4, $5, id FROM users WHERE id = $1 AND is_active RETURNING {POST}"""
NEWEST = f"""{WITH_CALLER} (SELECT {POST} FROM posts WHERE published ORDER BY published_at DESC, id DESC LIMIT $2) found
    ON true"""
CREDENTIALS = f"SELECT password_hash, {USER} FROM users WHERE email = $1 AND is_active"

Scope = dict[str, Any]
Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
Rows = list[Any]
Answer = tuple[int, bytes]


class Refused(Exception):
    """The status of an answer without a body."""


class Limit:
    """The application: what is open while it serves, and an answer for each path."""

    def __init__(self) -> None:
        self._known: dict[str, UUID] = {}
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._hashing = ThreadPoolExecutor(1, initializer=lambda: os.nice(5))
        self._pool: Any = None
        self._total = 0
        self._work: dict[str, Callable[[Scope, Receive], Awaitable[Answer]]] = {
            "GET /healthz": self._health,
            "POST /api/auth/login": self._login,
            "GET /api/auth/profile": self._profile,
            "GET /api/users": self._users,
            "GET /api/posts": self._newest,
            "POST /api/posts": self._create,
        }

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=POOL, max_size=POOL, reset=_nothing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        try:
            status, body = await self._answer(scope, receive)
        except Refused as refused:
            status, body = refused.args[0], b"{}"
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        work = self._work.get(f"{scope['method']} {scope['path']}", self._user)
        return await work(scope, receive)

    async def _health(self, scope: Scope, receive: Receive) -> Answer:
        return 200, b"{}"

    async def _profile(self, scope: Scope, receive: Receive) -> Answer:
        rows = await self._fetch(CALLER, self._caller(scope))
        return 200, _json({"user": _named(USER_KEYS, _first(rows))})

    async def _user(self, scope: Scope, receive: Receive) -> Answer:
        row = _allowed(await self._fetch(TARGET, self._caller(scope), _id_in(scope["path"])))[0]
        if row[1] is None:
            raise Refused(404)
        return 200, _json({"user": _named(USER_KEYS, row[1:])})

    async def _users(self, scope: Scope, receive: Receive) -> Answer:
        query = parse_qs(scope["query_string"].decode())
        page, limit = int(query.get("page", ["1"])[0]), int(query.get("limit", [PAGE])[0])
        rows = await self._found(self._caller(scope), query.get("q", [""])[0].lower(), limit, (page - 1) * limit)
        total = _allowed(rows)[0][1] or 0
        data = [_named(USER_KEYS, row[2:]) for row in rows if row[2]]
        pagination = {"page": page, "limit": limit, "total": total, "pages": -(-total // limit)}
        return 200, _json({"data": data, "pagination": pagination})

    async def _found(self, caller: UUID, q: str, limit: int, offset: int) -> Rows:
        """Each row behind whether the caller is active and the total."""
        if q:
            return await self._fetch(SEARCH, caller, f"%{q}%", limit, offset)
        if offset <= self._total // 2:
            return await self._fetch(PAGE_UP, caller, limit, offset)
        self._total = await self._pool.fetchval(f"SELECT {TOTAL}")
        return await self._fetch(PAGE_DOWN, caller, *_from_the_end(self._total, limit, offset))

    async def _newest(self, scope: Scope, receive: Receive) -> Answer:
        rows = _allowed(await self._fetch(NEWEST, self._caller(scope), PAGE))
        return 200, _json({"data": [_named(POST_KEYS, row[1:]) for row in rows]})

    async def _create(self, scope: Scope, receive: Receive) -> Answer:
        sent = await _body(receive)
        values = uuid7(), sent["title"], sent["content"], sent["published"]
        return 201, _json({"post": _named(POST_KEYS, _first(await self._fetch(CREATE, self._caller(scope), *values)))})

    async def _login(self, scope: Scope, receive: Receive) -> Answer:
        sent = await _body(receive)
        row = _first(await self._fetch(CREDENTIALS, sent["email"]))
        check = asyncio.get_running_loop().run_in_executor
        await check(self._hashing, self._hasher.verify, row[0], sent["password"])
        token = jwt.encode({"sub": str(row[1]), "exp": datetime.now(UTC) + LIFETIME}, SECRET, "HS256")
        return 200, _json({"access_token": token, "user": _named(USER_KEYS, row[1:])})

    def _caller(self, scope: Scope) -> UUID:
        header = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode()
        if (caller := self._known.get(header)) is None:
            caller = self._verified(header)
            if len(self._known) == MOST_TOKENS:
                self._known.clear()
            self._known[header] = caller
        return caller

    def _verified(self, header: str) -> UUID:
        try:
            return UUID(jwt.decode(header.removeprefix("Bearer "), SECRET, algorithms=["HS256"])["sub"])
        except (jwt.InvalidTokenError, ValueError, KeyError):
            raise Refused(401) from None

    async def _fetch(self, statement: str, *values: object) -> Rows:
        async with self._pool.acquire() as connection:
            rows: Rows = await connection.fetch(statement, *values)
            return rows


async def _nothing(_: object) -> None:
    """Nothing here changes a connection's state, so none is reset."""


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=str)  # asyncpg's UUIDs are of a class of their own


async def _body(receive: Receive) -> Any:
    return orjson.loads((await receive())["body"])  # what the benchmark sends comes in one piece


def _id_in(path: str) -> UUID:
    try:
        return UUID(path.removeprefix("/api/users/"))
    except ValueError:
        raise Refused(404) from None


def _from_the_end(total: int, limit: int, offset: int) -> tuple[int, int]:
    """How many rows, and how many to skip, in the opposite order."""
    skipped = total - offset - limit
    return (limit, skipped) if skipped >= 0 else (max(limit + skipped, 0), 0)


def _first(rows: Rows) -> Any:
    if not rows:
        raise Refused(401)
    return rows[0]


def _allowed(rows: Rows) -> Rows:
    if not _first(rows)[0]:
        raise Refused(401)
    return rows


def _named(keys: list[str], row: Any) -> dict[str, Any]:
    return dict(zip(keys, row, strict=True))


app = Limit()


async def _make_tables() -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(TABLES)
    await connection.close()


def make_tables() -> None:
    asyncio.run(_make_tables())
