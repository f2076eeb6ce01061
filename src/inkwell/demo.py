"""Made-up users and posts, to try things out at size: the same ones, byte for byte, for the same seed."""

import re
import unicodedata
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import accumulate, cycle, islice
from math import isqrt
from operator import attrgetter
from random import Random
from typing import Any
from uuid import UUID

from asyncpg import UniqueViolationError
from sqlalchemy import text

from domain.posts import Post
from domain.users import Account
from inkwell.app import make_passwords
from inkwell.database_url import DatabaseUrl
from inkwell.demo_words import EVERYDAY, PEOPLE, SENTENCES, SUBJECTS, TITLES, Phrases
from inkwell.migrations import connected
from inkwell.settings import ConfigurationError, Settings
from inkwell.supervisor import DatabaseAway
from repositories.failures import is_outage

PASSWORD = "a-demo-for-everybody"  # noqa: S105  it protects nothing: every demo user has it, and it is printed
END = datetime(2026, 1, 1, tzinfo=UTC)  # fixed: were it today, the same seed would give other times tomorrow
DAYS = 3 * 365
START = END - timedelta(days=DAYS)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BATCH_ROWS = 2000  # of one COPY: small enough for the progress bar to move, large enough to cost nothing

DOMAINS = ("example.com", "example.net", "example.org")  # RFC 2606: nobody can ever receive mail there
LETTERS = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "þ": "th", "æ": "ae", "ð": "d"})  # not mere accents
EAGERNESS = 1.16  # the Pareto distribution in which a fifth of the people does four fifths of the work
SHORTEST, USUAL, LONGEST = 202, 600, 2800  # characters of a post, before the sentence that goes over the end
GAPS = (" ", " ", " ", "\n\n")  # four sentences in a paragraph, on average
VOCABULARIES = [EVERYDAY | subject | {"sentence": SENTENCES, "title": TITLES} for subject in SUBJECTS]

USER_COLUMNS = tuple(field.name for field in fields(Account))
POST_COLUMNS = tuple(field.name for field in fields(Post))

Advance = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Demo:
    """How many users (one at least) and posts to add; the seed decides everything else."""

    users: int
    posts: int
    seed: int

    @property
    def example_email(self) -> str:
        """The address of the first user, who is active; it depends on the seed alone."""
        return next(make_users(self.seed, 1)).email


def refuse_in_production(settings: Settings) -> None:
    """Raises ConfigurationError: whoever knows the demo password could sign in."""
    if settings.env == "production":
        raise ConfigurationError("ENV=production: demo data is refused, because everybody knows its password.")


async def load(settings: Settings, demo: Demo, advance: Advance) -> bool:
    """Adds the demo's rows, all or none, and says whether it did: no, if the database has users of this seed.

    `advance` is told how many rows were written since its last call. Raises ConfigurationError, DatabaseAway.
    """
    database = settings.direct_database
    try:
        await _load(database, demo, await _hashed(settings), advance)
    except UniqueViolationError:
        return False
    except Exception as error:
        if is_outage(error):
            raise DatabaseAway(str(error)) from None
        raise
    return True


async def _load(database: DatabaseUrl, demo: Demo, password_hash: str, advance: Advance) -> None:
    async with connected(database) as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        async with driver.transaction():  # SQLAlchemy begins one with its own first statement, and COPY is none of its
            await _fill(driver, demo, password_hash, advance)
        await connection.execute(text("ANALYZE users, posts"))


async def _hashed(settings: Settings) -> str:
    passwords = make_passwords(settings)
    try:
        return await passwords.hash(PASSWORD)
    finally:
        passwords.close()


async def _fill(driver: Any, demo: Demo, password_hash: str, advance: Advance) -> None:
    users = list(make_users(demo.seed, demo.users))
    user_rows = ((*row, password_hash) for row in map(attrgetter(*USER_COLUMNS), users))
    await _copy(driver, "users", (*USER_COLUMNS, "password_hash"), user_rows, advance)
    post_rows = map(attrgetter(*POST_COLUMNS), make_posts(demo.seed, demo.posts, users))
    await _copy(driver, "posts", POST_COLUMNS, post_rows, advance)


async def _copy(
    driver: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]], advance: Advance
) -> None:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH_ROWS)):
        await driver.copy_records_to_table(table, columns=columns, records=batch)
        advance(len(batch))


def make_users(seed: int, count: int) -> Iterator[Account]:
    """Ordinary users in the order of their creation; the first one is there from the start, and active."""
    draw = _random(seed, "users")
    joined = [START, *_moments(_random(seed, "joining"), count - 1)]
    return (_user(draw, f"{seed}-{number}", moment) for number, moment in enumerate(joined, 1))


def make_posts(seed: int, count: int, authors: Sequence[Account]) -> Iterator[Post]:
    """Posts in the order of their creation, each by an author who was there by then; a few authors write most."""
    draw = _random(seed, "posts")
    joined = [author.created_at for author in authors]
    eagerness = list(accumulate(draw.paretovariate(EAGERNESS) for _ in authors))
    for moment in _moments(_random(seed, "writing"), count):
        newest = bisect(joined, moment) - 1
        author = authors[bisect(eagerness, draw.random() * eagerness[newest], hi=newest)]
        yield _post(draw, author.id, moment)


def _random(seed: int, purpose: str) -> Random:
    """A stream for each purpose, so that the names, say, do not depend on how many users there are."""
    return Random(f"{purpose} {seed}")  # noqa: S311  that it can be foretold is what it is for


def _moments(draw: Random, count: int) -> list[datetime]:
    return sorted(_moment(draw) for _ in range(count))


def _moment(draw: Random) -> datetime:
    """More of them from year to year, and on every day most in the middle of the afternoon."""
    day = isqrt(draw.randrange(DAYS**2))
    return START + timedelta(days=day, hours=draw.triangular(0, 24, 15))


def _later(draw: Random, moment: datetime, chance: float) -> datetime:
    """With this chance a later moment, which is soon more often than not; otherwise the same."""
    if draw.random() >= chance:
        return moment
    return moment + (END - moment) * (draw.random() * draw.random() * draw.random())


def _id(draw: Random, moment: datetime) -> UUID:
    """A UUIDv7 (RFC 9562, 5.7) in order to the microsecond: 12 bits hold the millisecond's fraction (6.2, method 3)."""
    milliseconds, rest = divmod((moment - EPOCH) // timedelta(microseconds=1), 1000)
    fraction = rest * 4096 // 1000
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | draw.getrandbits(62))


def _user(draw: Random, number: str, moment: datetime) -> Account:
    people = draw.choice(PEOPLE)
    first_name, last_name = draw.choice(people["first"]), draw.choice(people["last"])
    is_first = moment == START
    return Account(
        id=_id(draw, moment),
        email=f"{_plain(first_name)}.{_plain(last_name)}.{number}@{draw.choice(DOMAINS)}",
        first_name=first_name if draw.random() < 0.95 else None,
        last_name=last_name if draw.random() < 0.9 else None,
        role="user",
        created_at=moment,
        version=1,
        is_active=draw.random() < 0.94 or is_first,
        email_verified=draw.random() < 0.85 or is_first,
        updated_at=_later(draw, moment, 0.4),
    )


def _plain(name: str) -> str:
    """The name in the letters a to z."""
    return re.sub("[^a-z]", "", unicodedata.normalize("NFKD", name.lower().translate(LETTERS)))


def _post(draw: Random, author_id: UUID, moment: datetime) -> Post:
    """One in seven is a draft that never was public, and a few more were hidden again."""
    phrases = _Phrases(draw, draw.choice(VOCABULARIES))
    published_at = _later(draw, moment, 0.3) if draw.random() < 0.86 else None
    return Post(
        id=_id(draw, moment),
        title=_filled(phrases["title"], phrases),
        content=_content(draw, phrases),
        published=published_at is not None and draw.random() < 0.98,
        author_id=author_id,
        created_at=moment,
        updated_at=_later(draw, published_at or moment, 0.3),
        published_at=published_at,
        version=1,
    )


class _Phrases:
    """Gives another phrase of a kind each time, and repeats none before all of that kind were used."""

    def __init__(self, draw: Random, vocabulary: Phrases) -> None:
        self._draw, self._vocabulary = draw, vocabulary
        self._decks: dict[str, Iterator[str]] = {}

    def __getitem__(self, kind: str) -> str:
        if kind not in self._decks:
            self._decks[kind] = cycle(sorted(self._vocabulary[kind], key=lambda _: self._draw.random()))
        return next(self._decks[kind])


def _content(draw: Random, phrases: _Phrases) -> str:
    length, content = draw.triangular(SHORTEST, LONGEST, USUAL), ""
    while len(content) < length:
        content += _filled(phrases["sentence"], phrases) + "." + draw.choice(GAPS)
    return content.rstrip()


def _filled(pattern: str, phrases: _Phrases) -> str:
    filled = pattern.format_map(phrases)
    return filled[0].upper() + filled[1:]
