"""The rows that every contender has: computed from their numbers alone, so that they are the same everywhere."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5

PASSWORD = "a fine long password"  # noqa: S105  of everybody here
START = datetime(2025, 1, 1, tzinfo=UTC)
SPAN_MS = 300 * 86_400_000  # between the first row and the last, in whole milliseconds as every contender keeps them
MANY, FEW = "Ambrose", "Zebulon"  # the first names of a twentieth of the users, and of ten
_FIRST = (
    "Ada Basil Clara Doris Edith Felix Greta Ambrose Hugo Iris Jonas Karin Linus Mona Nils Olive Paul Quinn Ruth Vera"
)
_LAST = "Abbott Baker Cooper Dyer Fisher Glover Hooper Kellogg Lister Miller Napier Potter Sawyer Turner Weaver"
FIRST_NAMES, LAST_NAMES = _FIRST.split(), _LAST.split()
PAGE = 20
TEN_OF_THEM = 3  # which users are the ten: their number leaves this, divided by a tenth of all


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows; `users` is a multiple of 200."""

    users: int
    posts: int

    @property
    def deep_page(self) -> int:
        """Four fifths into the list: page 2000 of 2500, with 50,000 users."""
        return self.users // PAGE * 4 // 5

    @property
    def some_user_ids(self) -> list[str]:
        """A hundred, from all over the table."""
        return [user_id(self, number) for number in range(1, self.users + 1, self.users // 100)]

    @property
    def first_emails(self) -> list[str]:
        return [email(self, number) for number in range(1, 17)]


def user_id(size: Size, number: int) -> str:
    """The UUIDv7 of the user with this number, from 1, as USERS makes it in SQL."""
    moment = START + number * timedelta(milliseconds=SPAN_MS // size.users)
    digest = md5(f"user{number}".encode(), usedforsecurity=False).hexdigest()
    digits = f"{round(moment.timestamp() * 1000):012x}7{digest[:3]}8{digest[3:18]}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def first_name(size: Size, number: int) -> str:
    return FEW if number % (size.users // 10) == TEN_OF_THEM else FIRST_NAMES[number % len(FIRST_NAMES)]


def email(size: Size, number: int) -> str:
    last_name = LAST_NAMES[number // 20 % len(LAST_NAMES)]
    return f"{first_name(size, number)}.{last_name}.{number}@example.com".lower()


def users_sql(size: Size) -> str:
    """Rows of id, email, first_name, last_name, role, created_at, updated_at, is_active."""
    return f"""
        SELECT {id_sql("user")}, lower(first_name || '.' || last_name || '.' || n || '@example.com'),
            first_name, last_name, 'user', created_at, created_at, true
        FROM (
            SELECT n, {moment_sql(size.users)} AS created_at,
                CASE n % {size.users // 10} WHEN {TEN_OF_THEM} THEN '{FEW}'
                    ELSE {_array(FIRST_NAMES)}[1 + n % {len(FIRST_NAMES)}] END AS first_name,
                {_array(LAST_NAMES)}[1 + n / 20 % {len(LAST_NAMES)}] AS last_name
            FROM generate_series(1, {size.users}) n
        ) numbered ORDER BY n
    """


def posts_sql(size: Size) -> str:
    """Rows of id, title, content, published, author, created_at, updated_at; all published."""
    return f"""
        SELECT {id_sql("post")}, 'Notes on engines, part ' || n,
            repeat('Of tea and engines there is more to say. ', 8) || n, true,
            authors[1 + n * 7919::bigint % {size.users}], created_at, created_at
        FROM (SELECT n, {moment_sql(size.posts)} AS created_at FROM generate_series(1, {size.posts}) n) numbered,
            (SELECT array_agg(id ORDER BY id) AS authors FROM users) everybody
        ORDER BY n
    """


def moment_sql(count: int) -> str:
    return f"timestamptz '{START.isoformat()}' + n * interval '{SPAN_MS // count} ms'"


def id_sql(kind: str) -> str:
    milliseconds = "lpad(to_hex((extract(epoch FROM created_at) * 1000)::bigint), 12, '0')"
    digest = f"md5('{kind}' || n)"
    return f"({milliseconds} || '7' || substr({digest}, 1, 3) || '8' || substr({digest}, 4, 15))::uuid"


def _array(names: list[str]) -> str:
    return "(ARRAY['" + "', '".join(names) + "'])"
