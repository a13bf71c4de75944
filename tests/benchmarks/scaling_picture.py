"""The picture of growth: CPU time and peak memory by rows and by columns, readable on white and on black."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tests.benchmarks.scaling_report import allowed, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

_GREY = "#808080"  # as far from white as from black
_COLOURS = {"fast": "#1f8a70", "default": "#d9712b"}
_MIB = 2.0**20
_LINE = 0.055  # of the height of a plot: how far apart the names of lines are


def picture(found: Mapping[str, Any], path: Path) -> None:
    """Draw the figures that `scaling` measured."""
    style = {
        "svg.hashsalt": "anomalist",  # the same figures give the same file
        "svg.fonttype": "none",  # text stays text
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _GREY),
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(8.4, 6.4), layout="constrained")
        axes = figure.subplots(2, 2)
        for row, by in enumerate(("rows", "columns")):
            if by in found:
                _time(axes[row, 0], found, by)
                _memory(axes[row, 1], found[by], by)
        figure.savefig(path, transparent=True, metadata={"Date": None} if path.suffix == ".svg" else {})


def _time(axes: Axes, found: Mapping[str, Any], by: str) -> None:
    alone = found.get("members", {}).get(by, ())
    whole = [{**case, "cpu": case["fit"] + case["score"]} for case in alone]
    ends = []
    for name, line in lines(whole, by, "detector", "cpu").items():
        axes.plot(*_points(line), color=_GREY, linewidth=0.8, alpha=0.8)
        ends.append((line[max(line)], name, _GREY))
    for panel, line in lines(found[by], by, "what", "cpu").items():
        colour = _COLOURS.get(panel, _GREY)
        axes.plot(*_points(line), color=colour, linewidth=2, marker="o", markersize=4)
        ends.append((line[max(line)], f"--panel {panel}", colour))
    axes.set_yscale("log")
    sizes = {case[by] for case in found[by]}
    _finish(axes, by, "CPU seconds", sizes)
    _label(axes, ends, max(sizes))


def _memory(axes: Axes, cases: Any, by: str) -> None:
    ends = []
    for panel, line in lines(cases, by, "what", "peak").items():
        colour = _COLOURS.get(panel, _GREY)
        sizes, peaks = _points(line)
        axes.plot(sizes, [peak / _MIB for peak in peaks], color=colour, linewidth=2, marker="o", markersize=4)
        ends.append((peaks[-1] / _MIB, f"--panel {panel}", colour))
    bound = {case[by]: allowed(case["rows"], case["columns"]) / _MIB for case in cases}
    axes.plot(*_points(bound), color=_GREY, linestyle=":")
    ends.append((bound[max(bound)], "3 x data + 1 GiB", _GREY))
    axes.set_ylim(bottom=0)
    _finish(axes, by, "peak MiB", bound)
    _label(axes, ends, max(bound))


def _points(line: Mapping[int, float]) -> tuple[list[int], list[float]]:
    sizes = sorted(line)
    return sizes, [line[size] for size in sizes]


def _finish(axes: Axes, by: str, what: str, sizes: Iterable[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(sorted(set(sizes)))
    axes.set_xticks([], minor=True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.grid(color=_GREY, alpha=0.25, linewidth=0.6)
    axes.set_xlabel(by)
    axes.set_ylabel(what)


def _label(axes: Axes, ends: list[tuple[float, str, str]], last: int) -> None:
    """Write the name of each line at its end, moved up where the one below is too close."""
    across = axes.transData + axes.transAxes.inverted()
    before = -_LINE
    for value, name, colour in sorted(ends):
        place = max(across.transform((last, value))[1], before + _LINE)
        axes.annotate(name, (1, place), (2, 0), "axes fraction", "offset points", color=colour, va="center", fontsize=8)
        before = place
