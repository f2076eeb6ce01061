"""A database with as many rows as plans are read on."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Server, database_name
from tests.migrations.plans import FILL


@pytest.fixture(scope="session")
async def full_database(server: Server, template: str) -> AsyncIterator[str]:
    """The URL of a database with 50,000 users and 200,000 posts."""
    url = await server.create(template)
    # VACUUM takes a row for visible to all only once its commit is on the disk, which the tests' server lets wait.
    await server.run(f"ALTER DATABASE {database_name(url)} SET synchronous_commit = on")
    for statement in FILL:
        await server.run(statement, url)
    yield url
    await server.drop(url)
