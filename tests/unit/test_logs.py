"""What a log line holds, and what it never does."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from inkwell.logs import configure_logging

REFUSAL = (
    "new row violates check constraint\nDETAIL:  Failing row contains (1, two\nlines, $argon2id$secret).\nHINT: none"
)
Format = Literal["json", "pretty"]
both_formats = pytest.mark.parametrize("log_format", ["json", "pretty"])


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    configure_logging("json")


@both_formats
def test_a_row_that_the_database_refused_stays_out_of_the_log(
    log_format: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(log_format)
    structlog.get_logger("test").error("crash", exc_info=ValueError(REFUSAL))
    logging.getLogger("test").error("crash", exc_info=ValueError(REFUSAL))
    written = capsys.readouterr().out
    assert written.count("violates check constraint") == 2
    assert "argon2id" not in written


@both_formats
def test_a_value_that_the_driver_refused_stays_out_of_the_log(
    log_format: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = "invalid input for query argument $1: 'ada@example.com' (expected bytes, got str)"
    configure_logging(log_format)
    structlog.get_logger("test").error("crash", exc_info=ValueError(refusal))
    structlog.get_logger("test").warning("unavailable", cause=repr(ValueError(refusal)))
    written = capsys.readouterr().out
    assert written.count("invalid input for query argument $1: (hidden)") == 2
    assert "ada@" not in written


@both_formats
def test_what_a_client_sent_cannot_make_a_line_of_its_own(
    log_format: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(log_format)
    structlog.get_logger("test").info("request", user_agent='x\n{"event": "forged"}', route="/a\x1b[2J")
    written = capsys.readouterr().out
    assert len(written.splitlines()) == 1
    assert "\x1b[2J" not in written


def test_json_lines_are_json_with_a_time_and_a_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    logging.getLogger("test").warning("Worker %d ended", 7)
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["level"], line["at"][-1]) == ("Worker 7 ended", "warning", "Z")


def test_a_line_that_cannot_be_written_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging("json")
    closed = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdout", closed)
    structlog.get_logger("test").info("request")
    closed.buffer.close()
    structlog.get_logger("test").info("request")
