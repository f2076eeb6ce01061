"""Log lines on standard output: JSON for machines, or for people in a terminal. Both escape what a client sent.

Our own lines go from structlog straight to the output, since there is one for every request; the standard library's
logging, which libraries use, takes three times as long for the same line.
"""

import asyncio
import atexit
import json
import logging
import re
import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from select import PIPE_BUF
from threading import RLock
from typing import Any, ClassVar, Literal, TextIO

import structlog
from pydantic_core import PydanticSerializationError, to_json
from structlog.typing import EventDict, Processor

from domain.running_loop import running_loop

# A value may have lines of its own: it ends where PostgreSQL, SQLAlchemy or the traceback goes on.
VALUES = re.compile(r"(DETAIL|query argument \$[0-9]+):.*?(?=\n(?:\n|HINT|CONTEXT|\[SQL)|\Z)", re.DOTALL)

_SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]
_PROCESSORS: list[Processor] = []  # one list for ever: loggers that were made keep it
_ABOUT_FAILURES = {"exc_info", "exception", "stack_info", "cause"}
_IN_JSON = json.JSONEncoder(default=repr).encode  # json.dumps() with options would make an encoder for each line


class Output:
    """Standard output, whatever that is when a line comes. A line that cannot be written is lost, and nothing else.

    What comes in one round of the event loop is written together, at its end: a call of the system costs as much as
    the line.
    """

    # Of the process: there is one output, and a logger for each module.
    _lines: ClassVar[deque[bytes]] = deque()
    _lock = RLock()  # threads write lines, too, and a signal's handler may interrupt the writing
    _written_by: ClassVar[asyncio.AbstractEventLoop | None] = None

    def __init__(self, *_: str) -> None: ...

    def info(self, line: bytes) -> None:
        self._lines.append(line)
        try:
            loop = running_loop()
        except RuntimeError:
            return self.write()
        if loop is not self._written_by:
            Output._written_by = loop
            loop.call_soon(self.write)

    warning = error = critical = info

    @classmethod
    def write(cls) -> None:
        """Writes what waits."""
        cls._written_by = None
        with cls._lock:
            for text in cls._taken():
                _put(text)

    @classmethod
    def _taken(cls) -> Iterator[bytes]:
        """As many lines at once as a pipe takes whole: other workers write into it, too."""
        text = b""
        while cls._lines:
            line = cls._lines.popleft() + b"\n"
            if text and len(text) + len(line) > PIPE_BUF:
                yield text
                text = b""
            text += line
        yield text


def _put(text: bytes) -> None:
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except (OSError, ValueError, AttributeError):  # there may be no output
        return


class Logger(structlog.make_filtering_bound_logger(logging.INFO)):  # type: ignore[misc]  # made when it is called
    """structlog's own, with a shorter way for the level of the line that each request leaves."""

    def info(self, event: str, **fields: Any) -> None:
        fields["event"] = event
        line: Any = self._context | fields
        try:
            for process in self._processors:
                line = process(self._logger, "info", line)
        except structlog.DropEvent:
            return
        self._logger.info(line)


class _Handler(logging.StreamHandler[TextIO]):
    """Lines of libraries, behind ours that came before."""

    def emit(self, record: logging.LogRecord) -> None:
        Output.write()
        super().emit(record)


atexit.register(Output.write)  # a loop that has ended writes no more


def configure_logging(log_format: Literal["json", "pretty"] | None) -> None:
    """Sends structlog's and the standard library's lines to the same place; pretty by default in a terminal."""
    pretty = sys.stdout.isatty() if log_format is None else log_format == "pretty"
    _PROCESSORS[:] = [*_SHARED, *_rendering(pretty), _as_bytes] if pretty else [_json_line]
    structlog.configure(_PROCESSORS, Logger, logger_factory=Output, cache_logger_on_first_use=True)
    _configure_standard_library(pretty)


def _configure_standard_library(pretty: bool) -> None:
    handler = _Handler(sys.stdout)
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
    return [*_FAILURES, renderer]


def _render_json(_: object, __: str, event: EventDict) -> str:
    return _IN_JSON(event)


def _json_line(logger: object, level: str, event: EventDict) -> bytes:
    """What the processors make of a line, in one; those that are about failures where there is one.

    In ASCII: other characters may be such that a terminal obeys.
    """
    seconds, rest_ns = divmod(time.time_ns(), 1_000_000_000)
    event["level"], event["at"] = level, f"{_second(seconds)}.{rest_ns // 1000:06d}Z"
    if not event.keys().isdisjoint(_ABOUT_FAILURES):
        event = _with_failures(logger, level, event)
    try:
        line = to_json(event, fallback=repr, inf_nan_mode="null")
        if line.isascii():
            return line
    except PydanticSerializationError:  # half a character
        pass
    return _IN_JSON(event).encode()


def _with_failures(logger: object, level: str, event: Any) -> EventDict:
    for process in _FAILURES:
        event = process(logger, level, event)
    return dict(event)


@lru_cache(1)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _as_bytes(_: object, __: str, line: Any) -> bytes:
    encoded: bytes = line.encode(errors="backslashreplace")
    return encoded


def _hide_values(_: object, __: str, event: EventDict) -> EventDict:
    """PostgreSQL tells the whole row that it refused, asyncpg the value; either may be a password hash."""
    for name in ("exception", "cause"):
        if name in event:
            event[name] = VALUES.sub(r"\1: (hidden)", str(event[name]))
    return event


_FAILURES: list[Processor] = [
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    _hide_values,
]
