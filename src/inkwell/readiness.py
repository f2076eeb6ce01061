"""Whether this process should be sent requests."""

import asyncio
import time

from domain.errors import NotReady, Unavailable
from inkwell.draining import Draining
from repositories.database import Database
from repositories.tables import REVISION

LOOK_TIMEOUT_S = 1.0
REMEMBERED_S = 1.0  # however many balancers ask, the database is asked once in a second


class Readiness:
    """Looks at the database, briefly and not too often."""

    def __init__(self, database: Database, draining: Draining) -> None:
        self._database, self._draining = database, draining
        self._known_until = 0.0
        self._reason: str | None = None
        self._looking = asyncio.Lock()

    async def check(self) -> None:
        """Raises NotReady."""
        if self._draining.node_stops:
            raise NotReady("draining")
        if reason := await self.database_trouble():
            raise NotReady(reason)

    async def database_trouble(self) -> str | None:
        """What keeps the database from serving, as of a second ago at most."""
        async with self._looking:
            if time.monotonic() >= self._known_until:
                self._reason = await self._look()
                self._known_until = time.monotonic() + REMEMBERED_S
        return self._reason

    async def _look(self) -> str | None:
        """A look that takes too long is left alone: to cancel it takes longer."""
        look = asyncio.create_task(self._database.schema_version())
        if not (await asyncio.wait([look], timeout=LOOK_TIMEOUT_S))[0]:
            look.add_done_callback(lambda late: late.cancelled() or late.exception())
            return "database unreachable"
        try:
            version = look.result()
        except Unavailable:
            return "database unreachable"
        # A newer schema is fine: it travels ahead of the code that needs it.
        known = version is not None and version.isdecimal() and int(version) >= int(REVISION)
        return None if known else "schema not migrated"
