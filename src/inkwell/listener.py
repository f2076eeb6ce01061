"""Hears from PostgreSQL who was changed, and vouches to the memory of sign-ins as long as it does."""

import asyncio
import time
from contextlib import suppress
from typing import Any, NoReturn
from uuid import UUID, uuid4

import asyncpg
import structlog

from inkwell.database_url import DatabaseUrl
from repositories.connecting import connect
from repositories.database import Database
from repositories.failures import is_outage
from service.sign_ins import SignIns

log = structlog.get_logger()

CHANNEL = "inkwell_sign_ins"  # the triggers of migration 0004 tell the ids of changed users there
# A change counts everywhere within a second, also where the connection is dead and nobody noticed yet.
BEAT_S = 0.25
VOUCHED_S = 0.75
RETRY_S = 0.5
CANCEL_S = 0.2
PROOF = "inkwell_proof"  # a channel apart, on which one's own word has to come back
PROOF_S = 2.0


class Listener:
    """One connection of this process on which it hears of changes."""

    def __init__(self, url: DatabaseUrl, database: Database, sign_ins: SignIns, *, connect_timeout_s: float) -> None:
        self._url, self._database, self._sign_ins = url, database, sign_ins
        self._connect_timeout_s, self._vouched = connect_timeout_s, False
        self._task: asyncio.Task[NoReturn] | None = None
        self._told = ""

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_listening(), name="listener")

    async def stop(self) -> None:
        """Asks until it is heard: before Python 3.12, wait_for may lose a cancellation, and asyncpg connects by it."""
        while self._task and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=CANCEL_S)

    async def _keep_listening(self) -> NoReturn:
        while True:
            try:
                await self._listen()
            except Exception as error:
                self._tell(error)
            finally:
                self._sign_ins.distrust()
            with suppress(Exception):  # of connections that are given up anyway
                await self._renew_pool()
            await asyncio.sleep(RETRY_S)

    async def _renew_pool(self) -> None:
        """Once for each connection that was lost: there may be a new primary, and the pool still at the former one."""
        if self._vouched:
            self._vouched = False
            await self._database.renew()

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
            await self._prove(connection)
            while True:
                await self._beat(connection)
                await asyncio.sleep(BEAT_S)
        finally:
            connection.terminate()

    async def _connect(self) -> "asyncpg.Connection[Any]":
        url, arguments = self._url, self._url.connect_args
        arguments["server_settings"] |= {"application_name": "inkwell listener"}
        named: dict[str, Any] = {"user": url.user, "password": url.password, "database": url.database}
        timeouts = {"timeout": self._connect_timeout_s, "command_timeout": VOUCHED_S}
        return await connect(**named, **(timeouts | arguments))

    async def _prove(self, connection: "asyncpg.Connection[Any]") -> None:
        """What is told through the pool is heard here, or this is another server or database than the pool's."""
        word, heard = uuid4().hex, asyncio.Event()
        await self._refuse_others(connection)

        def note(*notice: object) -> None:
            if notice[-1] == word:
                heard.set()

        await connection.add_listener(PROOF, note)
        await self._database.notify(PROOF, word)
        try:
            await asyncio.wait_for(heard.wait(), PROOF_S)
        except TimeoutError:
            raise ConnectionError("another database than DATABASE_URL's: what is told there is not heard") from None
        await connection.remove_listener(PROOF, note)

    async def _beat(self, connection: "asyncpg.Connection[Any]") -> None:
        """Whatever was committed before this question was put has been heard when its answer is here."""
        asked = time.monotonic()
        await self._refuse_others(connection)
        self._sign_ins.vouch(asked + VOUCHED_S)
        self._told, self._vouched = "", True

    async def _refuse_others(self, connection: "asyncpg.Connection[Any]") -> None:
        backend, is_standby = await connection.fetchrow("SELECT pg_backend_pid(), pg_is_in_recovery()")
        if is_standby:
            raise ConnectionError("a standby, which hears of nothing")
        if backend != connection.get_server_pid():
            raise ConnectionError("a pooler, which may pass nothing on: DATABASE_LISTEN_URL goes past it")

    def _heard(self, _connection: object, _pid: int, _channel: str, user_id: object) -> None:
        """Of one user, or of what is no id: then everything may have changed."""
        try:
            self._sign_ins.forget(UUID(str(user_id)))
        except ValueError:
            self._sign_ins.distrust()
