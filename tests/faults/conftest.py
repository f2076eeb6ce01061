from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .node import Node, running


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Notes a figure for the summary of the run."""

    def note(figure: str) -> None:
        record_property("figure", figure)
        print(figure)

    return note


@pytest.fixture(params=["hypercorn", "uvicorn"])
def both_servers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SERVER", request.param)
    return str(request.param)


@pytest.fixture
def node(tmp_path: Path, database_url: str) -> Iterator[Node]:
    """Two workers on a database of the test's own."""
    with running(tmp_path, database_url) as node:
        yield node
