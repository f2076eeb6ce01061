"""What was measured, as the table that docs/performance/faults.md is made of."""

import os
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from inkwell.settings import Settings

SERVER = os.environ.get("SERVER") or str(Settings.model_fields["server"].default)
HEADER = "| what | server | figure |\n|---|---|---|\n"


class Figure(NamedTuple):
    """What was done, to which server, and what came of it."""

    what: str
    server: str
    figure: str


class Tell(Protocol):
    """Notes a figure for the summary of the run."""

    def __call__(self, what: str, figure: str, server: str = SERVER) -> None: ...


def as_table(figures: Iterable[Figure]) -> str:
    """In Markdown, what was done to both servers side by side."""
    return HEADER + "".join(f"| {' | '.join(figure)} |\n" for figure in sorted(figures))
