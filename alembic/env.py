"""How migrations run: on one connection, in one transaction, one runner at a time."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

from inkwell.migrations import LOCK_KEY, LOCK_TIMEOUT, STATEMENT_TIMEOUT, connected
from inkwell.prepare import with_database
from inkwell.settings import load_settings
from repositories.tables import metadata


def run(connection: Connection) -> None:
    """Concurrent runners queue for the lock, and then find nothing left to do."""
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
        context.run_migrations()


async def run_by_itself() -> None:
    """For the `alembic` command, which brings no connection along: on the database of the settings."""
    async with with_database(load_settings()) as settings, connected(settings.direct_database) as connection:
        await connection.run_sync(run)


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(run_by_itself())
else:
    run(given)
