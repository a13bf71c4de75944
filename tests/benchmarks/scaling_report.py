"""The figures of growth as tables in Markdown, and what of them was missed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MIB = 2.0**20
_GIB = 2.0**30
_TIMES = 3  # the data as float32
_LARGE = 1_000_000  # rows; of fewer the start of the program takes longer than a pass of isolation forest
CHECKED = "fast"
"""The panel whose growth is checked."""


def lines(figures: Iterable[Mapping[str, Any]], by: str, name: str, key: str) -> dict[str, dict[int, float]]:
    """One figure of each case by name and size; those that are not known are left out."""
    found: dict[str, dict[int, float]] = {}
    for case in figures:
        if case[key] is not None:
            found.setdefault(case[name], {})[case[by]] = case[key]
    return found


def power(line: Mapping[int, float]) -> float | None:
    """The exponent of the growth from the last size but one to the last; None where there is one size.

    >>> power({10: 1.0, 100: 3.0, 1000: 30.0})
    1.0
    """
    if len(line) < 2:
        return None
    before, last = sorted(line)[-2:]
    return round(math.log(max(line[last], 1e-9) / max(line[before], 1e-9)) / math.log(last / before), 2)


def allowed(rows: int, columns: int) -> float:
    """The bytes that a run may take: three times the data as float32, and 1 GiB."""
    return _TIMES * 4.0 * rows * columns + _GIB


def report(found: Mapping[str, Any]) -> str:
    """All tables."""
    parts = []
    members = found.get("members", {})
    for by in ("rows", "columns"):
        if by in found:
            cpu, peak = (lines(found[by], by, "what", key) for key in ("cpu", "peak"))
            shown = [(f"{panel}, CPU s", cpu[panel], 1.0) for panel in cpu]
            shown += [(f"{panel}, peak MiB", peak[panel], _MIB) for panel in peak]
            parts.append(_table(f"anomalist run, by {by}", shown))
        if by in members:
            fit, score = (lines(members[by], by, "detector", key) for key in ("fit", "score"))
            shown = [row for name in fit for row in ((f"{name}, fit", fit[name], 1.0), ("score", score[name], 1.0))]
            parts.append(_table(f"detectors alone, CPU s, by {by}", shown))
    if "ways" in found:
        parts.append(_ways(found["ways"], found["forest"]))
    return "\n\n".join(parts)


def failures(found: Mapping[str, Any], *, power: float, passes: float) -> list[str]:
    """What the fast panel missed, one line each."""
    missed = []
    cases = [case for by in ("rows", "columns") for case in found.get(by, ()) if case["what"] == CHECKED]
    ways = [case for case in found.get("ways", ()) if f"--panel {CHECKED}" in case["what"]]
    for case in [*cases, *ways]:
        most = allowed(case["rows"], case["columns"])
        if case["peak"] > most:
            size = f"{case['rows']:,} x {case['columns']}"
            missed.append(f"{case['what']} takes {case['peak'] / _MIB:.0f} MiB at {size}, allowed {most / _MIB:.0f}")
    grown = _power_of(lines(found.get("rows", ()), "rows", "what", "cpu").get(CHECKED, {}))
    if grown is not None and grown > power:
        missed.append(f"the CPU time of {CHECKED} grows as rows to the power of {grown}, wanted at most {power}")
    for case in ways:
        if case["rows"] >= _LARGE and case["cpu"] > passes * found["forest"]:
            ratio = case["cpu"] / found["forest"]
            missed.append(f"{case['what']} takes {ratio:.1f} passes of isolation forest, wanted at most {passes:g}")
    return missed


_power_of = power


def _ways(ways: Sequence[Mapping[str, Any]], forest: float) -> str:
    size = f"{ways[0]['rows']:,} x {ways[0]['columns']}"
    head = [f"| {size} | CPU s | in passes of isolation forest | peak MiB |", "|---|--:|--:|--:|"]
    body = [f"| {c['what']} | {c['cpu']:.1f} | {c['cpu'] / forest:.1f} | {c['peak'] / _MIB:.0f} |" for c in ways]
    return "\n".join([*head, *body, f"| scikit-learn's IsolationForest, fit and score | {forest:.1f} | 1 | |"])


def _table(title: str, shown: Sequence[tuple[str, Mapping[int, float], float]]) -> str:
    sizes = sorted({size for _, line, _ in shown for size in line})
    head = [f"| {title} | {' | '.join(f'{size:,}' for size in sizes)} | growth |", "|---|" + "--:|" * (len(sizes) + 1)]
    return "\n".join([*head, *(_row(label, line, unit, sizes) for label, line, unit in shown)])


def _row(label: str, line: Mapping[int, float], unit: float, sizes: Sequence[int]) -> str:
    cells = [_number(line[size] / unit) if size in line else "" for size in sizes]
    grown = power(line)
    return f"| {label} | {' | '.join(cells)} | {'' if grown is None else f'{grown:.2f}'} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
