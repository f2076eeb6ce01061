"""The benchmark's own arithmetic, without any load: what it counts, and what it makes of it."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from benchmarks import growth, profile, report
from benchmarks.comparison import compare
from benchmarks.contenders.contender import Place, moment
from benchmarks.contenders.inkwell import Inkwell
from benchmarks.contenders.limit import Limit
from benchmarks.cpu import TICKS_PER_SECOND, cpu_seconds, family, pss_bytes
from benchmarks.gate import Different, agree, meaning
from benchmarks.many_lists import Asked, Question
from benchmarks.plan import Plan
from benchmarks.postgres import PROGRAMS, Postgres
from benchmarks.results import Cell, Comparison, Figures, LoginFigures, figures, login_figures
from benchmarks.rows import Size, email, posts_sql, user_id, users_sql
from benchmarks.workloads import BY_NAME, WORKLOADS
from benchmarks.wrk import Load, parse
from tests.conftest import open_folder

SIZE = Size(200, 400)
TIMED = ("W1", "W3", "W4")  # the answers to the others are compared as well
SHORTEST = Plan(
    SIZE,
    rounds=1,
    seconds=1,
    login_seconds=1,
    sweep_seconds=1,
    warms_up=False,
    connections=4,
    sweep=(),
    sizes=(),
    workloads=[BY_NAME[name] for name in TIMED],
)
CAN_MEASURE = shutil.which("wrk") and (PROGRAMS / "postgres").exists()
BURN = "import time\nwhile time.process_time() < 0.3: pass"
WRK = """Running 1s test @ http://127.0.0.1:8000
  1 threads and 16 connections
Requests/sec:   1000.00
{"requests": 2000, "seconds": 2.000000, "p50_ms": 1.500000, "p99_ms": 9.000000, "refused": 0, "failed": 0}
"""
USER = {
    "id": "01941f29-7c00-7000-8000-000000000001",
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Abbott",
    "role": "user",
}


def load(requests: int = 1000, *, p99_ms: float = 9, refused: int = 0) -> Load:
    return Load(requests, seconds=2, p50_ms=1.5, p99_ms=p99_ms, refused=refused, failed=0)


def process(proc: Path, pid: int, parent: int, ticks: tuple[int, int, int, int], name: str = "server") -> None:
    """An entry of /proc with utime, stime, cutime and cstime."""
    (proc / str(pid)).mkdir()
    before = "0 " * 9
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} {before}{' '.join(map(str, ticks))} 20 0 1 0\n")


def test_the_time_of_a_server_is_that_of_its_whole_family_and_of_no_other(tmp_path: Path) -> None:
    process(tmp_path, 10, 1, (1, 2, 30, 40), name="a) S 1 (b")
    process(tmp_path, 11, 10, (100, 200, 0, 0))
    process(tmp_path, 12, 11, (1000, 0, 0, 2000))
    process(tmp_path, 20, 1, (7777, 0, 0, 0))
    assert family(10, tmp_path) == [10, 11, 12]
    assert cpu_seconds(10, tmp_path) == 3373 / TICKS_PER_SECOND


def test_the_time_of_children_that_have_ended_is_not_lost() -> None:
    before = cpu_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert cpu_seconds(os.getpid()) - before >= 0.28


def test_memory_is_read_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "smaps_rollup").write_text("00400000-7fff rollup\nRss:  400 kB\nPss:  120 kB\nPss_Dirty: 7 kB\n")
    assert pss_bytes(10, tmp_path) == 120 * 1024


def test_what_wrk_prints_is_understood() -> None:
    found = parse(WRK)
    assert (found.requests, found.per_second, found.p99_ms, found.valid) == (2000, 1000, 9, True)


def test_rounds_become_medians_per_completed_request() -> None:
    cells = [Cell(load(p99_ms=p99), server, 0.05) for p99, server in ((5, 0.1), (90, 0.2), (7, 0.9))]
    found = figures(cells)
    assert found == Figures(total_us=250, server_us=200, database_us=50, per_second=500, p50_ms=1.5, p99_ms=7)


@pytest.mark.parametrize("bad", [load(refused=1), load(0), Load(1000, 2, 1.5, 9, refused=0, failed=1)])
def test_one_answer_that_is_no_success_makes_the_figures_invalid(bad: Load) -> None:
    assert figures([Cell(load(), 0.1, 0.1), Cell(bad, 0.1, 0.1)]) is None
    assert login_figures([(load(), load()), (bad, load())]) is None


def test_a_table_has_its_figures_to_the_right() -> None:
    assert report.table(["", "one"], [["W1", "5"]]) == "|  | one |\n| --- | --: |\n| W1 | 5 |"


def test_a_goal_that_is_missed_says_by_how_much() -> None:
    assert report.verdict(900, 100, least=9) == "9.0x"
    assert report.verdict(850, 100, least=9) == "8.5x, **missed** (9x)"
    assert report.verdict(150, 100, most=1.6) == "1.5x"
    assert report.verdict(170, 100, most=1.6) == "1.7x, **missed** (1.6x)"
    assert report.verdict(None, 100, most=1.6) == report.NOT_VALID


def test_the_page_has_a_row_for_every_workload_and_a_goal_for_each() -> None:
    found = Comparison(
        {"inkwell_hypercorn": "Inkwell on hypercorn", "fastapi": "FastAPI on uvicorn"},
        figures={("W1", "fastapi"): Figures(900, 800, 100, 1000, 1, 2), ("W1", "inkwell_hypercorn"): None},
        logins={"inkwell_hypercorn": LoginFigures(17, 10)},
    )
    text = report.page(found, "2 cores", "few rows")
    assert "| W1 GET profile | - | 900 (800 + 100) |" in text
    assert all(text.count(f"\n| {workload.name} ") == 4 for workload in WORKLOADS)
    assert "| itself | 10.0 ms |" in text


def test_the_page_on_growth_names_what_takes_too_long() -> None:
    crews = [growth.Crew(2, Figures(1, 1, 0, 5000, 1, 2.5), 99.6, 1.204)]
    asked = [Asked(Question("users", "/api/users"), 1.5, 2000), Asked(Question("search", "/api/posts?q=a"), 21, None)]
    text = growth.page(growth.Growth(crews, 10_000, 12.34, SIZE, asked), "2 cores")
    assert "| 2 | 5000 | 2.5 | 100 | 1.20 |" in text
    assert "| users | 2,000 | 1.50 |" in text
    assert "Above 20 ms: search." in text


async def test_rows_are_the_same_whether_python_or_sql_makes_them(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    rows = await connection.fetch(users_sql(SIZE))
    assert [(str(row[0]), row[1]) for row in rows] == [(user_id(SIZE, n), email(SIZE, n)) for n in range(1, 201)]
    assert sum("ambrose" in row[1] for row in rows) == BY_NAME["W3d"].total(SIZE)  # type: ignore[misc]
    assert sum("zebulon" in row[1] for row in rows) == BY_NAME["W3c"].total(SIZE)  # type: ignore[misc]
    await connection.execute("CREATE TABLE users (id uuid)")
    await connection.executemany("INSERT INTO users VALUES ($1)", [(row[0],) for row in rows])
    posts = await connection.fetch(posts_sql(SIZE))
    assert Counter(Counter(row[4] for row in posts).values()) == {2: 200}
    await connection.close()


def listed(created_at: str, total: int = 200) -> dict[str, Any]:
    return {"data": [USER | {"created_at": created_at}], "pagination": {"page": 1, "total": total}}


def test_answers_that_differ_in_spelling_alone_agree() -> None:
    workload, contender = BY_NAME["W3"], Limit()
    spellings = ("2025-01-01T00:02:09.600000Z", "2025-01-01T00:02:09.600000", "2025-01-01 00:02:09.600Z")
    agree(workload, {text: meaning(contender, workload, listed(text)) for text in spellings})
    assert moment(spellings[1]) == datetime(2025, 1, 1, 0, 2, 9, 600_000, UTC)


@pytest.mark.parametrize("other", [listed("2025-01-01T00:00:00Z", 199), listed("2025-01-02T00:00:00Z")])
def test_another_total_or_another_row_is_different_work(other: dict[str, Any]) -> None:
    workload, contender = BY_NAME["W3"], Limit()
    one = meaning(contender, workload, listed("2025-01-01T00:00:00Z"))
    with pytest.raises(Different, match="W3: two says"):
        agree(workload, {"one": one, "two": meaning(contender, workload, other)})


@pytest.mark.parametrize(
    ("filename", "room"),
    [
        (str(profile.SOURCES / "repositories" / "users.py"), "repositories"),
        (str(profile.LIBRARIES / "quart" / "app.py"), "quart"),
        (str(profile.LIBRARIES / "typing_extensions.py"), "typing_extensions"),
        (str(profile.STANDARD / "asyncio" / "events.py"), "asyncio"),
        (str(profile.STANDARD / "json" / "decoder.py"), "standard library"),
        ("<string>", "other"),
    ],
)
def test_a_sample_belongs_to_a_room_or_a_library(filename: str, room: str) -> None:
    assert profile.room(filename) == room


def test_the_profile_sums_up_small_rooms_as_other() -> None:
    rooms = Counter({"quart": 600, "service": 395, "click": 5})
    assert profile.lines(rooms, 200) == [["quart", "60.0%", "120"], ["service", "39.5%", "79"], ["other", "0.5%", "1"]]


@pytest.mark.skipif(not CAN_MEASURE, reason="make bench needs wrk and Debian's PostgreSQL 15")
def test_the_benchmark_still_runs() -> None:
    """The whole of it, as short as can be and for Inkwell alone: no time is asserted."""
    with open_folder() as folder:
        postgres = Postgres(folder)
        postgres.start()
        try:
            found = compare([Inkwell("hypercorn")], Place(folder, postgres, SIZE), SHORTEST)
        finally:
            postgres.stop()
    assert {name for (name, _), cell in found.figures.items() if cell} == set(TIMED)
