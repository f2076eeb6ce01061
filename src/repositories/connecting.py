"""Connections of asyncpg's, as every part of Inkwell opens them."""

from contextlib import suppress
from typing import Any

import asyncpg
from asyncpg.exceptions import CannotConnectNowError, ConnectionDoesNotExistError, TargetServerAttributeNotMatched

GOODBYE_S = 0.5  # for a server to hear that a statement is given up; a frozen one never does
# What asyncpg prepares belongs to one server connection, and a pooler hands out another one for each transaction.
# Without its caches asyncpg sends a statement, nameless, together with what it is run with.
NOTHING_PREPARED = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
_TRY_THE_NEXT = (OSError, CannotConnectNowError, ConnectionDoesNotExistError, TargetServerAttributeNotMatched)


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's, without the 2 s that SQLAlchemy would wait for a server to say goodbye to a request given up."""

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
