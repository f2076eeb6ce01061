"""The figures of a run come together in one table, which the page about them takes as it is."""

from pathlib import Path

from tests.faults.figures import HEADER, Figure, as_table

PAGE = Path(__file__).parents[2] / "docs" / "performance" / "faults.md"


def test_figures_are_a_table_with_both_servers_side_by_side() -> None:
    figures = [Figure("SIGTERM", "uvicorn", "0 of 9"), Figure("SIGHUP", "uvicorn", "2"), Figure("SIGTERM", "a", "1")]
    rows = "| SIGHUP | uvicorn | 2 |\n| SIGTERM | a | 1 |\n| SIGTERM | uvicorn | 0 of 9 |\n"
    assert as_table(figures) == HEADER + rows


def test_the_page_has_such_a_table() -> None:
    assert f"\n\n{HEADER}" in PAGE.read_text()
