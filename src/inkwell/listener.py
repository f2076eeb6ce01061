"""Hears from PostgreSQL who was changed, and vouches to the memory of sign-ins as long as it does."""

import asyncio
import time
from contextlib import suppress
from typing import Any, NoReturn
from uuid import UUID

import asyncpg
import structlog

from inkwell.database_url import DatabaseUrl
from repositories.connecting import connect
from repositories.failures import is_outage
from service.sign_ins import SignIns

log = structlog.get_logger()

CHANNEL = "inkwell_sign_ins"  # the triggers of migration 0004 tell the ids of changed users there
# A change counts everywhere within a second, also where the connection is dead and nobody noticed yet.
BEAT_S = 0.25
VOUCHED_S = 0.75
RETRY_S = 0.5


class Listener:
    """One connection of this process on which it hears of changes."""

    def __init__(self, database: DatabaseUrl, sign_ins: SignIns, *, connect_timeout_s: float) -> None:
        self._database, self._sign_ins, self._connect_timeout_s = database, sign_ins, connect_timeout_s
        self._task: asyncio.Task[NoReturn] | None = None
        self._told = ""

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_listening(), name="listener")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_listening(self) -> NoReturn:
        while True:
            try:
                await self._listen()
            except Exception as error:
                self._tell(error)
            finally:
                self._sign_ins.distrust()
            await asyncio.sleep(RETRY_S)

    def _tell(self, error: Exception) -> None:
        """Everybody is still served, so this line is all that shows it; once for each cause, not for each attempt."""
        if repr(error) == self._told:
            return
        self._told = repr(error)
        if is_outage(error):
            log.warning("listener_away", cause=repr(error))
        else:
            log.error("listener_failed", exc_info=error)

    async def _listen(self) -> NoReturn:
        connection = await self._connect()
        try:
            await connection.add_listener(CHANNEL, self._heard)
            while True:
                await self._beat(connection)
                await asyncio.sleep(BEAT_S)
        finally:
            connection.terminate()

    async def _connect(self) -> "asyncpg.Connection[Any]":
        url, arguments = self._database, self._database.connect_args
        arguments["server_settings"] |= {"application_name": "inkwell listener"}
        named: dict[str, Any] = {"user": url.user, "password": url.password, "database": url.database}
        timeouts = {"timeout": self._connect_timeout_s, "command_timeout": VOUCHED_S}
        return await connect(**named, **(timeouts | arguments))

    async def _beat(self, connection: "asyncpg.Connection[Any]") -> None:
        """Whatever was committed before this question was put has been heard when its answer is here."""
        asked = time.monotonic()
        backend, is_standby = await connection.fetchrow("SELECT pg_backend_pid(), pg_is_in_recovery()")
        if is_standby:
            raise ConnectionError("a standby, which hears of nothing")
        if backend != connection.get_server_pid():
            raise ConnectionError("a pooler, which may pass nothing on: DATABASE_LISTEN_URL goes past it")
        self._sign_ins.vouch(asked + VOUCHED_S)
        self._told = ""

    def _heard(self, _connection: object, _pid: int, _channel: str, user_id: object) -> None:
        self._sign_ins.forget(UUID(str(user_id)))
