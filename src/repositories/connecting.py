"""Connections of asyncpg's, as every part of Inkwell opens them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from asyncpg.exceptions import (
    CannotConnectNowError,
    ConnectionDoesNotExistError,
    InvalidCachedStatementError,
    OutdatedSchemaCacheError,
    TargetServerAttributeNotMatched,
)

GOODBYE_S = 0.5  # for a server to hear that work is given up; a frozen one never does, and rolls back by itself
# What asyncpg prepares belongs to one server connection, and a pooler hands out another one for each transaction.
# Without its caches asyncpg sends a statement, nameless, together with what it is run with.
NOTHING_PREPARED = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
_TRY_THE_NEXT = (OSError, CannotConnectNowError, ConnectionDoesNotExistError, TargetServerAttributeNotMatched)


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's, that waits neither 2 s, as SQLAlchemy would, nor for ever until a server hears that work is over."""

    async def look(self, query: str, arguments: Sequence[Any], timeout: float | None) -> Any:  # noqa: ASYNC109
        """fetch() outside of a transaction: what is prepared goes straight to the server (docs/decisions/0016)."""
        known = self._stmt_cache.get((query, self._protocol.get_record_class(), False))
        if known is None or self.is_closed():
            return await self.fetch(query, *arguments, timeout=timeout)
        try:
            return await self._protocol.bind_execute(known, arguments, "", 0, False, timeout)
        except InvalidCachedStatementError:  # the schema has changed; fetch() prepares it anew
            self._drop_global_statement_cache()
            return await self.fetch(query, *arguments, timeout=timeout)
        except OutdatedSchemaCacheError:
            await self.reload_schema_state()
            raise

    async def execute(self, query: str, *arguments: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
        """A transaction's beginning and end come here. The work's limit is over where it is rolled back for that."""
        if timeout is None and query.startswith("ROLLBACK"):
            timeout = GOODBYE_S
        done: str = await super().execute(query, *arguments, timeout=timeout)
        return done

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncpg's signature
        with suppress(TimeoutError):  # it is broken off then, which is no mistake of anybody's
            await super().close(timeout=GOODBYE_S)


async def connect(
    *,
    host: list[str] | None = None,
    port: list[int] | None = None,
    timeout: float | None = None,  # noqa: ASYNC109  # asyncpg's signature
    **more: Any,
) -> "asyncpg.Connection[Any]":
    """asyncpg's, with a share of the time-out for each host: a machine that is gone is silent, and asyncpg would wait
    for it until no time is left to ask the next one."""
    if not host or not port or len(host) == 1:
        return await asyncpg.connect(host=host, port=port, timeout=timeout, **more)
    share = timeout and timeout / len(host)
    for one_host, one_port in zip(host[:-1], port[:-1], strict=True):
        try:
            return await asyncpg.connect(host=one_host, port=one_port, timeout=share, **more)
        except _TRY_THE_NEXT:
            continue
    return await asyncpg.connect(host=host[-1], port=port[-1], timeout=share, **more)
