"""Settings that work, and are probably not what is wanted."""

import os
from collections.abc import Iterator
from difflib import get_close_matches

from inkwell.settings import Settings


def doubts(settings: Settings) -> Iterator[str]:
    """A sentence for the operator about each."""
    if not settings.rate_limits_enabled:
        yield "RATE_LIMITS_ENABLED=false lets everybody try passwords without end"
    yield from _mail_doubts(settings)
    yield from _database_doubts(settings)


def near_misses(environment: "os._Environ[str] | dict[str, str]" = os.environ) -> list[tuple[str, str]]:
    """Names in the environment that look like a mistyped setting, each with the setting that was probably meant."""
    names = {name.upper() for name in Settings.model_fields}
    suspects = (name for name in environment if name.isupper() and name not in names and "_" in name)
    pairs = ((name, get_close_matches(name, names, n=1, cutoff=0.88)) for name in suspects)
    return [(name, close[0]) for name, close in pairs if close]


def _mail_doubts(settings: Settings) -> Iterator[str]:
    if settings.env != "production":
        return
    if settings.mail_url is None:
        yield "MAIL_URL is not set: no mail is sent, so nobody can confirm an address or set a forgotten password"
    elif not (settings.public_url or (settings.reset_url and settings.verify_url)):
        yield "PUBLIC_URL is not set (nor both RESET_URL and VERIFY_URL): links in mail lead to this machine alone"


def _database_doubts(settings: Settings) -> Iterator[str]:
    if settings.pooler == "transaction":
        yield "POOLER=transaction: the role's own statement_timeout and the like count (ALTER ROLE), and not ours"
    if not settings.can_listen:
        yield "DATABASE_LISTEN_URL is not set: behind the pooler each request asks the database who signed in"
    database = settings.database
    if database and len(database.hosts) > 1 and "target_session_attrs" not in database.parameters:
        yield "DATABASE_URL names several hosts without target_session_attrs=read-write: it may stay with a standby"
