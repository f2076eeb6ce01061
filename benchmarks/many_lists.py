"""What is asked of lists of millions, and how long the database takes for each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from benchmarks.contenders.contender import Place
from benchmarks.contenders.inkwell import HASHER, Inkwell
from benchmarks.many_rows import KEENEST, fill_many, word
from benchmarks.rows import FEW, MANY, PASSWORD, Size, email, user_id
from benchmarks.running import Running, say, started
from benchmarks.server import send
from benchmarks.workloads import Request

ROUNDS = 3
PATIENT = dict.fromkeys(
    (
        "STATEMENT_TIMEOUT_SECONDS",
        "REQUEST_TIMEOUT_SECONDS",
        "DATABASE_COMMAND_TIMEOUT_SECONDS",
        "DATABASE_WORK_TIMEOUT_SECONDS",
    ),
    "60",
)
HALF, DAY = "2025-05-31T00:00:00Z", ("2025-05-31T00:00:00Z", "2025-05-31T02:00:00Z")  # of the 300 days of all rows


@dataclass(frozen=True, slots=True)
class Question:
    """A list, asked for by an admin; `cursor`: the page after it is meant."""

    title: str
    path: str
    cursor: bool = False


class ManyRows(Inkwell):
    """The product on rows by the million, which are not copied: only looked at."""

    def __init__(self) -> None:
        super().__init__("hypercorn")

    def template(self, size: Size) -> str:
        return f"many_{size.users}_{size.posts}"

    def fill(self, place: Place, database: str) -> None:
        fill_many(place.postgres, database, place.size, HASHER.hash(PASSWORD))

    def open_data(self, place: Place) -> str:
        return place.postgres.url(self.template(place.size))

    def close_data(self, place: Place) -> None:
        """They stay for the next time."""

    def environment(self, port: int, data: str) -> dict[str, str]:
        return {**super().environment(port, data), **PATIENT}


def questions(size: Size) -> Iterator[Question]:
    yield from _of_users(size)
    yield from _of_posts(size)
    yield from _searches(size)


def _of_users(size: Size) -> Iterator[Question]:
    deep = size.deep_page
    yield Question("users, page 1", "/api/users")
    yield Question(f"users, page {deep:,} by number", f"/api/users?page={deep}")
    yield Question(f"users, the page after page {deep:,} by cursor", f"/api/users?page={deep}", cursor=True)
    for sort in ("email", "-last_name"):
        yield Question(f"users, sort={sort}", f"/api/users?sort={sort}")
    yield Question("admins, sort=email", "/api/users?role=admin&sort=email")
    yield Question("inactive users, sort=last_name", "/api/users?is_active=false&sort=last_name")
    yield Question("users of half the time, counted", f"/api/users?created_from={HALF}")
    yield Question("the same, total=none, sort=email", f"/api/users?created_from={HALF}&sort=email&total=none")
    yield Question("users of two hours, sort=email", f"/api/users?{_between('created', DAY)}&sort=email")
    for q, what in (
        (FEW, "ten match"),
        (f"r.{size.users - 1}@", "one matches"),
        (MANY, "one in twenty matches"),
        ("zz", "two letters"),
    ):
        yield Question(f"users, q={q.lower()} ({what})", f"/api/users?q={quote(q.lower())}")
        yield Question(f"users, q={q.lower()}, total=none", f"/api/users?q={quote(q.lower())}&total=none")
    two = MANY[2:4]
    yield Question(f"users, q={two} (two letters, one in twenty matches)", f"/api/users?q={two}")
    yield Question(f"users, q={two}, total=none", f"/api/users?q={two}&total=none")
    yield Question(f"users, q={MANY.lower()}, sort=last_name", f"/api/users?q={MANY.lower()}&sort=last_name")


def _of_posts(size: Size) -> Iterator[Question]:
    deep, keenest = size.posts // 20 * 3 // 5, user_id(size, KEENEST)
    yield Question("posts, page 1", "/api/posts")
    yield Question(f"posts, page {deep:,} by number", f"/api/posts?page={deep}")
    yield Question(f"posts, the page after page {deep:,} by cursor", f"/api/posts?page={deep}", cursor=True)
    for sort in ("title", "-created_at", "-updated_at"):
        yield Question(f"posts, sort={sort}", f"/api/posts?sort={sort}")
    yield Question("posts of half the time, counted", f"/api/posts?published_from={HALF}")
    yield Question("the same, total=none, sort=title", f"/api/posts?published_from={HALF}&sort=title&total=none")
    yield Question("posts of two hours, sort=title", f"/api/posts?{_between('published', DAY)}&sort=title")
    yield Question("posts of the keenest author, counted", f"/api/users/{keenest}/posts")
    yield Question("the same, sort=title, total=none", f"/api/users/{keenest}/posts?sort=title&total=none")
    yield Question("posts of another author", f"/api/users/{user_id(size, size.users // 3)}/posts")


def _searches(size: Size) -> Iterator[Question]:
    """For words of every kind; how many posts have one, the page says."""
    for rank in (1, 10, 100, 1_000, 10_000, 49_000):
        q = word(rank)
        yield Question(f"posts, q={q}, best first, counted", f"/api/posts?q={q}")
        yield Question(f"posts, q={q}, best first, total=none", f"/api/posts?q={q}&total=none")
        yield Question(f"posts, q={q}, newest first, total=none", f"/api/posts?q={q}&sort=-published_at&total=none")
    pair = f"{word(100)} {word(101)}"
    yield Question("posts, q of two such words, counted", f"/api/posts?q={quote(pair)}")
    yield Question("posts, q of a word that is nowhere", "/api/posts?q=nowhere")
    yield Question("the same, sort=title", "/api/posts?q=nowhere&sort=title")
    keenest = user_id(size, KEENEST)
    yield Question(f"posts of the keenest author, q={word(100)}", f"/api/users/{keenest}/posts?q={word(100)}")


def _between(name: str, times: tuple[str, str]) -> str:
    return f"{name}_from={times[0]}&{name}_to={times[1]}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question: milliseconds of the database, and how many rows the list has, where that was counted."""

    question: Question
    ms: float
    total: int | None


def ask_all(place: Place) -> list[Asked]:
    contender = ManyRows()
    contender.make_data(place)
    with place.postgres.counting(), started(contender, place) as running:
        token = _admin(running, place.size)
        return [_asked(running, place, question, token) for question in questions(place.size)]


def _admin(running: Running, size: Size) -> str:
    login = running.contender.login(email(size, size.users))
    return running.contender.authorization(json.loads(send(running.url, login)[1]))


def _asked(running: Running, place: Place, question: Question, token: str) -> Asked:
    """With the pages in memory: the mean of some requests, one after the other."""
    path = question.path
    if question.cursor:
        head, _, _ = path.partition("?")
        path = f"{head}?cursor={_get(running, path, token)['next_cursor']}"
    total = _get(running, path, token)["total"]
    place.postgres.forget_counts()
    for _ in range(ROUNDS):
        _get(running, path, token)
    ms = place.postgres.counted_ms(running.contender.template(place.size)) / ROUNDS
    say(f"{ms:9.2f} ms {question.title} ({total})")
    return Asked(question, ms, total)


def _get(running: Running, path: str, token: str) -> dict[str, int | None]:
    status, body = send(running.url, Request("GET", path), token)
    if status != 200:
        raise RuntimeError(f"{path}: {status} {body.decode()}")
    pagination: dict[str, int | None] = json.loads(body)["pagination"]
    return pagination
