"""What a log line holds, and what it never does."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import structlog

from inkwell.logs import Output, configure_logging

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


@pytest.mark.parametrize("level", ["info", "warning"])
def test_a_line_says_what_was_bound_to_its_logger(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    getattr(structlog.get_logger("test").bind(of="all"), level)("request", number=1)
    line = json.loads(capsys.readouterr().out)
    assert list(line) == ["of", "number", "event", "level", "at"]
    assert (line["of"], line["number"], line["event"], line["level"]) == ("all", 1, "request", level)


def test_a_time_has_microseconds_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    for _ in range(2):
        before = datetime.now(UTC)
        structlog.get_logger("test").info("request")
        at = json.loads(capsys.readouterr().out)["at"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", at)
        assert before <= datetime.fromisoformat(at) <= datetime.now(UTC)


def test_a_logger_that_wrote_in_one_format_writes_in_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    log, written = structlog.get_logger("test"), []
    formats: list[Format] = ["pretty", "json"]
    for log_format in formats:
        configure_logging(log_format)
        log.info("request")
        written.append(capsys.readouterr().out.startswith("{"))
    assert written == [False, True]


def test_a_line_that_cannot_be_written_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging("json")
    closed = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdout", closed)
    structlog.get_logger("test").info("request")
    closed.buffer.close()
    structlog.get_logger("test").info("request")


def test_lines_of_a_loop_and_of_threads_all_come_whole_and_each_in_its_order(capfdbinary: Any) -> None:
    configure_logging("json")
    log = structlog.get_logger("test")

    def many(name: str) -> None:
        for number in range(500):
            log.info("line", of=name, number=number)

    async def together() -> None:
        threads = [asyncio.to_thread(many, f"thread {n}") for n in range(3)]
        working = asyncio.gather(*threads)
        for number in range(500):
            log.info("line", of="loop", number=number)
            await asyncio.sleep(0)
        await working

    asyncio.run(together())
    Output.write()
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    for name in ("loop", "thread 0", "thread 1", "thread 2"):
        assert [line["number"] for line in lines if line["of"] == name] == list(range(500))


def test_lines_of_a_round_of_the_loop_are_written_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")

    async def rounds() -> list[int]:
        structlog.get_logger("test").info("first")
        structlog.get_logger("test").info("second")
        before = len(capsys.readouterr().out.splitlines())
        await asyncio.sleep(0)
        return [before, len(capsys.readouterr().out.splitlines())]

    assert asyncio.run(rounds()) == [0, 2]


def test_a_line_of_a_loop_that_ended_before_writing_it_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")

    async def last_words() -> None:
        structlog.get_logger("test").info("last words")

    asyncio.run(last_words())
    structlog.get_logger("test").info("epilogue")
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["last words", "epilogue"]


def test_characters_that_a_terminal_obeys_are_escaped_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    structlog.get_logger("test").info("request", user_agent="\x9b2J \u2028 \x1b[2J é")
    written = capsys.readouterr().out
    assert written.isascii()
    assert "\x1b" not in written
    assert json.loads(written)["user_agent"] == "\x9b2J \u2028 \x1b[2J é"


async def test_no_write_is_longer_than_a_pipe_takes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging("json")
    written: list[bytes] = []
    output = SimpleNamespace(buffer=SimpleNamespace(write=written.append, flush=lambda: None))
    monkeypatch.setattr("sys.stdout", output)
    for number in range(100):
        structlog.get_logger("test").info("request", number=number, user_agent="x" * 200)
    await asyncio.sleep(0)
    assert max(map(len, written)) <= 4096
    assert all(text.endswith(b"\n") for text in written if text)
    assert [json.loads(line)["number"] for line in b"".join(written).splitlines()] == list(range(100))


async def test_without_an_output_lines_are_lost_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json")
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", None)
        structlog.get_logger("test").info("lost")
        await asyncio.sleep(0)
    structlog.get_logger("test").info("heard")
    await asyncio.sleep(0)
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["heard"]


async def test_a_line_of_a_library_comes_after_ours_that_came_before(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    structlog.get_logger("test").info("one")
    logging.getLogger("test").warning("two")
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["one", "two"]
