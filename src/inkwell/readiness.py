"""Whether this process should be sent requests."""

import asyncio
import time

from domain.errors import Unavailable
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

    async def unready_because(self) -> str | None:
        """What keeps this process from serving, or None."""
        if self._draining:
            return "draining"
        async with self._looking:
            if time.monotonic() >= self._known_until:
                self._reason = await self._look()
                self._known_until = time.monotonic() + REMEMBERED_S
        return self._reason

    async def _look(self) -> str | None:
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                version = await self._database.schema_version()
        except (Unavailable, TimeoutError):
            return "database unreachable"
        # A newer schema is fine: it travels ahead of the code that needs it.
        return None if version is not None and version >= REVISION else "schema not migrated"
