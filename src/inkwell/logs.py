"""Log lines on standard output: JSON for machines, or for people in a terminal. Both escape what a client sent.

Our own lines go from structlog straight to the output, since there is one for every request; the standard library's
logging, which libraries use, takes three times as long for the same line.
"""

import json
import logging
import re
import sys
from contextlib import suppress
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor

# A value may have lines of its own: it ends where PostgreSQL, SQLAlchemy or the traceback goes on.
VALUES = re.compile(r"(DETAIL|query argument \$[0-9]+):.*?(?=\n(?:\n|HINT|CONTEXT|\[SQL)|\Z)", re.DOTALL)

_SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.StackInfoRenderer(),
]
_IN_JSON = json.JSONEncoder(default=repr).encode  # json.dumps() with options would make an encoder for each line


class Output:
    """Standard output, whatever that is when a line comes. A line that cannot be written is lost, and nothing else."""

    def __init__(self, *_: str) -> None: ...

    def info(self, line: bytes) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()

    warning = error = critical = info


def configure_logging(log_format: Literal["json", "pretty"] | None) -> None:
    """Sends structlog's and the standard library's lines to the same place; pretty by default in a terminal."""
    pretty = sys.stdout.isatty() if log_format is None else log_format == "pretty"
    structlog.configure(
        processors=[*_SHARED, *_rendering(pretty), _as_bytes],
        logger_factory=Output,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    _configure_standard_library(pretty)


def _configure_standard_library(pretty: bool) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *_SHARED],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(pretty)],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("hypercorn.error", "hypercorn.access", "alembic", "asyncio", "watchfiles"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of each client that speaks no HTTP


def _rendering(pretty: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(repr_native_str=True) if pretty else _render_json
    return [structlog.processors.format_exc_info, _hide_values, renderer]


def _render_json(_: object, __: str, event: EventDict) -> str:
    return _IN_JSON(event)


def _as_bytes(_: object, __: str, line: Any) -> bytes:
    encoded: bytes = line.encode(errors="backslashreplace")
    return encoded


def _hide_values(_: object, __: str, event: EventDict) -> EventDict:
    """PostgreSQL tells the whole row that it refused, asyncpg the value; either may be a password hash."""
    for name in ("exception", "cause"):
        if name in event:
            event[name] = VALUES.sub(r"\1: (hidden)", str(event[name]))
    return event
