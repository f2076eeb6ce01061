"""What the harness knows of a contender, and the paths and shapes that most of them share."""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.postgres import Postgres
from benchmarks.rows import PAGE, PASSWORD, Size, posts_sql, users_sql
from benchmarks.workloads import Request

SECRET = "4f0e9d41b3c86a27f5d2917ce8a0b36d"  # noqa: S105  signs tokens that only this machine sees
BIN = Path(sys.executable).parent
POOL = 15  # connections to PostgreSQL, or threads, of each contender: what Inkwell and SQLAlchemy have by default


@dataclass(frozen=True, slots=True)
class Place:
    """Where contenders run, and on how many rows."""

    folder: Path
    postgres: Postgres
    size: Size


class Contender(ABC):
    """A server with data of its own, and how it is asked: on the paths of Inkwell unless it says other."""

    name: str
    title: str
    health = "/healthz"
    logs_in = True

    def why_not(self) -> str | None:
        """Why it cannot take part here."""
        return None

    @abstractmethod
    def make_data(self, place: Place) -> None:
        """Makes its rows, unless an earlier run did."""

    def open_data(self, place: Place) -> str:
        """A copy of the rows for this run: where it is, in the words that `command` and `environment` take."""
        return place.postgres.copy(self.template(place.size), f"run_{self.name}")

    def close_data(self, place: Place) -> None:
        place.postgres.drop(f"run_{self.name}")

    def template(self, size: Size) -> str:
        return f"{self.name}_{size.users}_{size.posts}"

    @abstractmethod
    def command(self, port: int, data: str) -> list[str]: ...

    def environment(self, port: int, data: str) -> Mapping[str, str]:
        return {"DATABASE_URL": data, "JWT_SECRET_KEY": SECRET}

    def login(self, email: str) -> Request:
        return Request("POST", "/api/auth/login", json.dumps({"email": email, "password": PASSWORD}))

    def authorization(self, answer: Any) -> str:
        """The header, from the answer to a login."""
        return f"Bearer {answer['access_token']}"

    def profile(self, user_id: str) -> Request:
        return Request("GET", "/api/auth/profile")

    def user(self, user_id: str) -> Request:
        return Request("GET", f"/api/users/{user_id}")

    def users(self, page: int) -> Request:
        return Request("GET", f"/api/users?page={page}&limit={PAGE}")

    def search(self, q: str) -> Request:
        return Request("GET", f"/api/users?q={quote(q)}&limit={PAGE}")

    def create(self, user_id: str, title: str, content: str) -> Request:
        # A draft, so that the lists stay as they were.
        return Request("POST", "/api/posts", json.dumps({"title": title, "content": content, "published": False}))

    def newest(self) -> Request:
        return Request("GET", f"/api/posts?limit={PAGE}")

    def rows(self, answer: Any) -> list[dict[str, Any]]:
        return answer["data"] if "data" in answer else [answer.get("user") or answer["post"]]

    def total(self, answer: Any) -> int | None:
        total: int | None = answer.get("pagination", {}).get("total")
        return total


def moment(text: str) -> datetime:
    """A time as any contender writes it; the customer's code leaves out that it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def fill(
    postgres: Postgres, database: str, size: Size, password_hash: str, *, author: str = "author_id", more: str = ""
) -> None:
    postgres.run(filling(size, password_hash, author=author, more=more), database)


def filling(size: Size, password_hash: str, *, author: str = "author_id", more: str = "") -> str:
    """Statements that make the rows of users and posts; `more` is a column of posts that repeats created_at."""
    columns = "id, email, first_name, last_name, role, created_at, updated_at, is_active"
    also, value = (f", {more}", ", made.created_at") if more else ("", "")
    return f"""
        INSERT INTO users ({columns}, password_hash)
            SELECT made.*, '{password_hash}' FROM ({users_sql(size)}) made({columns});
        INSERT INTO posts (id, title, content, published, {author}, created_at, updated_at{also})
            SELECT made.*{value} FROM ({posts_sql(size)})
            made(id, title, content, published, author, created_at, updated_at);
    """
