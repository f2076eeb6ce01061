"""For development: new workers when the code changes. What the parent itself has read stays until the next start."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

import structlog

from inkwell.settings import ConfigurationError

CODE = Path(__file__).resolve().parents[1]
SETTLED_MS = 300  # an editor, or git, writes several files at once

log = structlog.get_logger()


def check_installed() -> None:
    """Raises ConfigurationError."""
    if not find_spec("watchfiles"):
        raise ConfigurationError("RELOAD: watchfiles is not installed: pip install 'inkwell[reload]'")


async def reload_at_changes(reload: asyncio.Event) -> None:
    """Sets the event each time that Python files below CODE have changed, until it is cancelled."""
    from watchfiles import PythonFilter, awatch

    async for changes in awatch(CODE, watch_filter=PythonFilter(), debounce=SETTLED_MS):
        log.info("code_changed", files=sorted({Path(file).name for _, file in changes}))
        reload.set()
