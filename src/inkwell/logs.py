"""Log lines on standard output: JSON for machines, or for people in a terminal. Both escape what a client sent."""

import logging
import re
import sys
from typing import Literal

import structlog

VALUES = re.compile(r"(DETAIL|query argument \$[0-9]+):[^\n]*")

_SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
]


def configure_logging(log_format: Literal["json", "pretty"] | None) -> None:
    """Sends structlog's and the standard library's lines through one formatter; pretty by default in a terminal."""
    pretty = sys.stdout.isatty() if log_format is None else log_format == "pretty"
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(pretty)],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("hypercorn.error", "hypercorn.access", "alembic", "asyncio", "watchfiles"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of each client that speaks no HTTP
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _rendering(pretty: bool) -> list[structlog.typing.Processor]:
    renderer = structlog.dev.ConsoleRenderer(repr_native_str=True) if pretty else structlog.processors.JSONRenderer()
    return [structlog.processors.format_exc_info, _hide_values, renderer]


def _hide_values(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """PostgreSQL tells the whole row that it refused, asyncpg the value; either may be a password hash."""
    for name in ("exception", "cause"):
        if name in event:
            event[name] = VALUES.sub(r"\1: (hidden)", str(event[name]))
    return event
