"""Bringing the schema to where this code needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from inkwell.database_url import DatabaseUrl
from inkwell.settings import ConfigurationError
from repositories.connecting import NOTHING_PREPARED, connect

SCRIPTS = Path(__file__).resolve().parents[2] / "alembic"
LOCK_KEY = 0x696E6B77656C6C  # "inkwell" in ASCII: one runner at a time, in each database
LOCK_TIMEOUT = "4s"  # a migration that queues for a lock holds up everything behind it: better to fail and try again
STATEMENT_TIMEOUT = "30min"


class NewerSchema(ConfigurationError):
    """The schema was migrated by newer code than this."""


async def migrate(database: DatabaseUrl, revision: str = "head") -> None:
    """Moves the schema up to the revision; several at once all succeed.

    Raises NewerSchema, and what the database raises.
    """
    async with connected(database) as connection:
        await connection.run_sync(_upgrade, revision)


def is_known(revision: str) -> bool:
    """Whether this code has the migration; where it has not, the schema is newer."""
    with suppress(CommandError):
        return ScriptDirectory.from_config(configuration()).get_revision(revision) is not None
    return False


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, for one connection."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@asynccontextmanager
async def connected(database: DatabaseUrl) -> AsyncIterator[AsyncConnection]:
    """One connection in one transaction, without the time-outs of requests; behind a pooler too."""
    arguments = {"timeout": 10, "async_creator_fn": connect} | NOTHING_PREPARED | database.connect_args
    engine = create_async_engine(database.sqlalchemy_url, poolclass=pool.NullPool, connect_args=arguments)
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, revision: str) -> None:
    try:
        command.upgrade(configuration(connection), revision)
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        at = error.__cause__.argument
        raise NewerSchema(f"The schema is at revision {at}, which this code does not know: it is newer") from None
