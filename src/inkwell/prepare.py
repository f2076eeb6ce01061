"""What is done to a database before it serves: the schema, and the first admin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import EmailTaken, Unavailable
from inkwell.app import connect, make_passwords, make_services
from inkwell.database_url import DatabaseUrl
from inkwell.migrations import NewerSchema, connected, migrate
from inkwell.search_language import set_search_language
from inkwell.settings import ConfigurationError, Settings
from inkwell.supervisor import DatabaseAway
from repositories.failures import is_away, sqlstate
from service import Services
from service.users import NewPassword

log = structlog.get_logger()


async def prepare(settings: Settings) -> None:
    """Brings the schema up where the settings say so, and makes the first admin where they name one.

    Raises DatabaseAway, and ConfigurationError for an admin whose e-mail or password cannot be taken.
    """
    newcomer = first_admin(settings)
    if settings.migrates_at_start:
        try:
            await migrated(settings)
        except NewerSchema as newer:
            log.warning("schema_newer_than_code", reason=str(newer))
    if newcomer:
        await add_admin(settings, newcomer)


async def migrated(settings: Settings) -> None:
    """Brings the schema to its newest version, the search to its language. Raises DatabaseAway, ConfigurationError."""
    database = settings.direct_database
    try:
        await migrate(database)
        await set_search_language(database, settings.search_language)
    except Exception as error:
        if is_away(error):
            raise DatabaseAway(_reason(error)) from None
        if sqlstate(error):  # not allowed to, another project's tables, not in UTF-8
            raise ConfigurationError(f"DATABASE_URL: this database cannot be migrated: {_reason(error)}") from None
        raise


@asynccontextmanager
async def reached(database: DatabaseUrl) -> AsyncIterator[AsyncConnection]:
    """One connection, without the time-outs of requests. Raises DatabaseAway, ConfigurationError."""
    try:
        async with connected(database) as connection:
            yield connection
    except Exception as error:
        if is_away(error):
            raise DatabaseAway(_reason(error)) from None
        if sqlstate(error):
            raise ConfigurationError(f"DATABASE_URL: {_reason(error)}") from None
        raise


async def add_admin(settings: Settings, newcomer: NewPassword) -> None:
    """Makes the admin if the address has no account. Raises DatabaseAway."""
    async with services_of(settings) as services:
        try:
            await services.users.add_admin(newcomer)
        except EmailTaken:
            return


def first_admin(settings: Settings) -> NewPassword | None:
    """ADMIN_EMAIL with ADMIN_PASSWORD, checked as any account's are. Raises ConfigurationError."""
    if settings.admin_email is None or settings.admin_password is None:
        return None
    return new_password(settings.admin_email, settings.admin_password.get_secret_value(), "ADMIN_")


def new_password(email: str, password: str, prefix: str = "") -> NewPassword:
    """An address and a password for it. Raises ConfigurationError with a line for each that cannot be taken."""
    try:
        return NewPassword(email=email, password=password)
    except ValidationError as error:
        lines = [f"{prefix}{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None


@asynccontextmanager
async def with_database(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with a database: their own, or the embedded one, which is started unless it runs already."""
    if settings.database:
        yield settings
        return
    from inkwell.embedded import embedded_database  # an optional part, which production does not carry

    async with embedded_database(settings.data_dir, chosen=settings.has_chosen("data_dir")) as url:
        yield settings.on(url)


@asynccontextmanager
async def services_of(settings: Settings) -> AsyncIterator[Services]:
    """The services on the database of the settings, for work outside of the server. Raises DatabaseAway."""
    database, passwords = connect(settings), make_passwords(settings)
    try:
        yield make_services(settings, database, passwords)
    except Unavailable as error:
        raise DatabaseAway(_reason(error)) from None
    finally:
        passwords.close()
        await database.close()


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error
    return (str(getattr(cause, "orig", None) or cause).strip() or type(cause).__name__).splitlines()[0]
