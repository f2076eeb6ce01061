"""Rows by the million: words as unequal as in a language, few admins and inactive users, and one very keen author."""

from collections.abc import Sequence

from benchmarks.postgres import Postgres
from benchmarks.rows import Size, id_sql, moment_sql, users_sql

WORDS = 50_000  # different ones; the one of rank n is written n times as seldom as the first
WORDS_OF_A_POST = 40
KEENEST = 7  # the number of the user who has written one post in KEENEST_SHARE
KEENEST_SHARE = 97
BATCH = 500_000
INDEXES = """
    SELECT format('%s;', pg_get_indexdef(indexrelid)) FROM pg_index
    WHERE indrelid = '{table}'::regclass AND NOT indisunique ORDER BY indexrelid
"""
NAMES = "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = '{table}'::regclass AND NOT indisunique"
# Nothing is checked, counted or indexed row by row: that would take hours.
UNWATCHED = "SET session_replication_role = replica; SET maintenance_work_mem = '1GB'; SET jit = off;"
TOTALS = """
    DELETE FROM totals;
    INSERT INTO totals (name, rows) SELECT 'users ' || role || ' ' || is_active::text, count(*) FROM users GROUP BY 1;
    INSERT INTO totals (name, rows) SELECT 'posts', count(*) FROM posts WHERE published;
"""


def word(rank: int) -> str:
    """The word of a rank, from 1, as POSTS spells it: letters alone, and none that a language leaves out."""
    return "x" + str(rank).translate(str.maketrans("0123456789", "abdghklmor"))


def fill_many(postgres: Postgres, database: str, size: Size, password_hash: str) -> None:
    """Fills the tables of a migrated database; the indexes are made when the rows are there."""
    for table, rows in (("users", _users(size, password_hash)), ("posts", _posts(size))):
        indexes = postgres.run(INDEXES.format(table=table), database)
        names = postgres.run(NAMES.format(table=table), database).split()
        postgres.run(f"{UNWATCHED} DROP INDEX {', '.join(names)}; {rows}; {indexes}", database)
    postgres.run(TOTALS, database)


def _users(size: Size, password_hash: str) -> str:
    """Every nineteenth is inactive (whatever the name), and every fifty thousandth an admin, and the last one."""
    columns: Sequence[str] = ("id", "email", "first_name", "last_name", "role", "created_at", "updated_at", "is_active")
    names = ", ".join(columns)
    made = f"SELECT made.*, row_number() OVER () AS n FROM ({users_sql(size)}) made({names})"
    return f"""
        INSERT INTO users ({names}, password_hash)
        SELECT id, email, first_name, last_name, CASE WHEN n % 50000 = 0 OR n = {size.users} THEN 'admin' ELSE role END,
            created_at, updated_at, n % 19 > 0, '{password_hash}'
        FROM ({made}) numbered
    """


def _posts(size: Size) -> str:
    """Every tenth is a draft."""
    return ";".join(_some_posts(size, first) for first in range(1, size.posts + 1, BATCH))


def _some_posts(size: Size, first: int) -> str:
    rank = f"exp(random() * ln({WORDS}))::int"
    words = f"SELECT string_agg('x' || translate(({rank})::text, '0123456789', 'abdghklmor'), ' ')"
    author = f"CASE WHEN n % {KEENEST_SHARE} = 0 THEN {KEENEST} ELSE 1 + n * 7919::bigint % {size.users} END"
    return f"""
        SELECT setseed(1.0 / {first});
        INSERT INTO posts (id, author_id, title, content, published, created_at, updated_at, published_at)
        SELECT {id_sql("post")}, authors[{author}], initcap(split_part(words, ' ', 1)) || ' and part ' || n % 99991,
            words, n % 10 > 0, created_at, created_at + n % 7 * interval '1 hour',
            CASE WHEN n % 10 > 0 THEN created_at + n % 5 * interval '1 day' END
        FROM (
            SELECT n, {moment_sql(size.posts)} AS created_at,
                ({words} FROM generate_series(1, {WORDS_OF_A_POST} + n * 0)) AS words
            FROM generate_series({first}, {min(first + BATCH - 1, size.posts)}) n
        ) numbered, (SELECT array_agg(id ORDER BY id) AS authors FROM users) everybody
    """
