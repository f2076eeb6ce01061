"""docs/logs.md says what is logged, and forged lines are not."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Quart

from inkwell.app import create_app
from inkwell.logs import configure_logging
from inkwell.settings import Settings
from tests.support import Client

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "logs.md").read_text()
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
ADDED = {"event", "level", "at"}
CALLS = {call for path in (ROOT / "src").rglob("*.py") for call in ast.walk(ast.parse(path.read_text()))}


def table(section: str) -> dict[str, list[str]]:
    """The rows of the section's table, by their first cell."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "| `" in line[:3]]
    return {row[0].strip("`"): row[1:] for row in rows}


def logged() -> dict[str, tuple[str, set[str]]]:
    """Level and fields of each event that the code logs."""
    found = {}
    for call in CALLS:
        match call:
            case ast.Call(ast.Attribute(_, level), [ast.Constant(str(event)), *_]) if level in LEVELS:
                found[event] = level, {word.arg.replace("exc_info", "exception") for word in call.keywords if word.arg}
    return found


def test_the_page_knows_every_event_its_level_and_its_fields() -> None:
    told = {event: (row[0], set(re.findall(r"`(\w+)`", row[2]))) for event, row in table("Events").items()}
    requests = {"request": ("info", set(table("`request`")) - ADDED)}
    assert told | requests == logged()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_the_page_knows_every_field_of_a_request(app: Quart, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    await Client(app).get("/api/posts")
    assert [set(line) for line in lines(capsys)] == [set(table("`request`"))]


@pytest.mark.parametrize("log_format", ["json", "pretty"])
async def test_nothing_that_a_client_sends_makes_a_line_of_its_own(
    make_settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str], log_format: Any
) -> None:
    forged = '\x85{"event": "forged"}\x0b\x1b[2J'  # CR and LF themselves end a header before they reach us
    headers = dict.fromkeys(("User-Agent", "X-Forwarded-For", "X-Request-ID"), forged)
    async with create_app(make_settings(trusted_proxies=1)).test_app() as running:
        configure_logging(log_format)
        await Client(running.app).get("/nope%0d%0a%7B%22event%22:%22forged%22%7D", headers=headers)  # type: ignore[attr-defined]
        configure_logging("json")
    written = capsys.readouterr().out
    assert len(written.splitlines()) == 1
    assert "\x1b[2J" not in written
