"""Plots as SVG, readable on a light page and on a dark one: no background, and colours between the two."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.results import Figures
from benchmarks.workloads import BY_NAME

mpl.use("svg")

from matplotlib import pyplot as plt

Measured = Mapping[tuple[str, str, int], Figures | None]
GREY = "#808080"
COLOURS = ("#2a8fbd", "#4cb5a0", "#d9822b", "#b565c0", "#808080", "#d1495b", "#e08e9b")
STYLE = {
    "svg.fonttype": "none",  # letters stay letters, and take the reader's own font
    "svg.hashsalt": "inkwell",  # the same figures make the same file
    "text.color": GREY,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
}


def throughput(measured: Measured, workload: str, path: Path) -> None:
    _plot(measured, workload, path, lambda cell: cell.per_second, ("connections", "requests per second"))


def latency(measured: Measured, workload: str, path: Path) -> None:
    _plot(measured, workload, path, lambda cell: cell.p99_ms, ("connections", "p99 in milliseconds"))


def cost(measured: Measured, workload: str, path: Path) -> None:
    _plot(
        measured,
        workload,
        path,
        lambda cell: cell.total_us,
        ("users and posts", "CPU time per request in microseconds"),
    )


def _plot(
    measured: Measured, workload: str, path: Path, value: Callable[[Figures], float], labels: tuple[str, str]
) -> None:
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 4.5))
        for title, points in _lines(measured, workload, value).items():
            axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=title)
        _label(axes, workload, labels)
        figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)


def _label(axes: Any, workload: str, labels: tuple[str, str]) -> None:
    axes.set(xscale="log", yscale="log", xlabel=labels[0], ylabel=labels[1])
    axes.set_title(f"{workload} {BY_NAME[workload].title}")
    axes.grid(color=GREY, alpha=0.25)
    axes.legend(frameon=False, bbox_to_anchor=(1, 1), loc="upper left")


def _lines(measured: Measured, workload: str, value: Callable[[Figures], float]) -> dict[str, list[tuple[int, float]]]:
    """A line for each contender; a point that is not valid is left out."""
    lines: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for (name, title, x), cell in sorted(measured.items(), key=lambda item: item[0][2]):
        if name == workload and cell:
            lines[title].append((x, value(cell)))
    return lines
