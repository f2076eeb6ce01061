"""The language of full-text search. The database keeps it, in a function that the index and every query ask."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from inkwell.database_url import DatabaseUrl
from inkwell.migrations import LOCK_KEY, LOCK_TIMEOUT, connected
from inkwell.settings import ConfigurationError

CONFIGURATION = """
    SELECT quote_ident(nspname) || '.' || quote_ident(cfgname), inkwell_language() = pg_ts_config.oid
    FROM pg_ts_config JOIN pg_namespace ON pg_namespace.oid = cfgnamespace
    WHERE cfgname = :language AND pg_ts_config_is_visible(pg_ts_config.oid)
"""
KNOWN = "SELECT string_agg(cfgname, ', ' ORDER BY cfgname) FROM pg_ts_config"
REPLACE = """
    CREATE OR REPLACE FUNCTION inkwell_language() RETURNS regconfig LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{}'::regconfig
"""


async def set_search_language(database: DatabaseUrl, language: str) -> None:
    """Indexes every post anew if the language is another one; nobody writes posts meanwhile, everybody reads.

    Raises ConfigurationError for a language that this PostgreSQL does not know, and what the database raises.
    """
    async with connected(database) as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        found = (await connection.execute(text(CONFIGURATION), {"language": language})).one_or_none()
        if found is None:
            known = await connection.scalar(text(KNOWN))
            raise ConfigurationError(f"SEARCH_LANGUAGE: this PostgreSQL knows no {language}, but: {known}")
        name, is_set = found
        if not is_set:
            await _change(connection, name)


async def _change(connection: AsyncConnection, name: str) -> None:
    await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    await connection.execute(text("LOCK TABLE posts IN SHARE ROW EXCLUSIVE MODE"))
    await connection.execute(text(REPLACE.format(name)))
    await connection.execute(text("UPDATE posts SET title = title"))  # what is made of the title is made anew
