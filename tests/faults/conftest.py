import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.conftest import Server

from .figures import SERVER, Tell
from .node import Node, running

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each of thousands of requests


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    def note(what: str, figure: str, server: str = SERVER) -> None:
        record_property("figure", (what, server, figure))  # plain, as it has to be between processes
        print(what, server, figure, sep=": ")

    return note


@pytest.fixture(scope="module")
async def modules_database(server: Server, template: str) -> AsyncIterator[str]:
    """The URL of a migrated database that the tests of a module share."""
    url = await server.create(template)
    yield url
    await server.drop(url)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, modules_database: str) -> Iterator[Node]:
    """Two workers, for tests that leave them as they were."""
    with running(tmp_path_factory.mktemp("node"), modules_database) as node:
        yield node
