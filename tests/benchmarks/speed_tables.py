"""The tables of the benchmark of speed: as text for a terminal of 100 columns, and as Markdown for a page."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.benchmarks.speed_results import Result
    from tests.benchmarks.speed_sides import Trial
    from tests.benchmarks.timing import Spread

USUAL_ROWS, USUAL_COLUMNS = 10_000, 20

RATIOS = ("turns", "fit", "fit and score", "score", "wall", "one row", "ROC AUC")
_TEXT_RATIOS = ("fit", "both", "score", "wall", "row")  # the figures under them
SIDES = ("fit CPU s", "score CPU s", "one row us", "peak MiB", "avg precision")
EVERY = (
    "rows x columns",
    "threads",
    "fit",
    "fit and score / their fit",
    "fit and score",
    "wall",
    "score",
    "one row",
    "CPU s, fit",
    "CPU s, score",
    "one row us",
    "peak MiB",
    "ROC AUC",
    "avg precision",
)
_EVERY_RATIOS = ("fit", "fit_and_score_over_fit", "both", "wall", "score", "row")


def text(results: Sequence[Result]) -> str:
    """Ratios, then what both sides took, pair by pair."""
    ratios = [(result, _text_ratios(result, results)) for result in results]
    known = [result for result in results if result.mine]
    figures = [(result, [*_figures(result), _both(result, lambda one: one.precision, 3)]) for result in known]
    head = "ours over the peer's, CPU time but for `wall`: median (lowest..highest); ROC AUC of both"
    parts = [f"{head}\n{_grouped(RATIOS, ratios)}"]
    return "\n\n".join([*parts, f"ours / the peer's\n{_grouped(SIDES, figures)}"] if figures else parts)


def markdown(results: Sequence[Result]) -> str:
    """The ratios of fit and score by rows and by columns, what was left out, and every figure."""
    parts = []
    for count in sorted({result.threads for result in results}):
        mine = [result for result in results if result.threads == count]
        threads = "one thread" if count == 1 else f"{count} threads"
        tall = [result for result in mine if result.columns == USUAL_COLUMNS]
        wide = [result for result in mine if result.rows == USUAL_ROWS]
        by_rows = _matrix(f"{threads}, {USUAL_COLUMNS} columns; rows:", tall, lambda result: result.rows)
        by_columns = _matrix(f"{threads}, {USUAL_ROWS:,} rows; columns:", wide, lambda result: result.columns)
        parts += [by_rows] if tall else []
        parts += [by_columns] if len({result.columns for result in wide}) > 1 else []
    if out := list(_left_out(results)):
        parts.append("\n".join(out))
    parts += [_every(pair, [one for one in results if one.pair == pair]) for pair in _pairs(results)]
    return "\n\n".join(parts)


def aligned(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of text with columns as wide as their widest cell."""
    table = [headings, *lines]
    widths = [max(len(line[i]) for line in table) + 2 for i in range(len(headings))]
    return "\n".join("".join(map(str.ljust, line, widths)).rstrip() for line in table)


def grid(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; the first column is text, the others are numbers."""
    head = ["| " + " | ".join(headings) + " |", "|---|" + "---:|" * (len(headings) - 1)]
    return "\n".join([*head, *("| " + " | ".join(line) + " |" for line in lines)])


def why_left_out(result: Result, results: Sequence[Result]) -> str:
    """Which side was not asked for so many rows, and what it would take, by how it grew over its last two sizes."""
    if result.left_out is None:
        return ""
    name, most = result.left_out
    told = f"{name} left out above {most:,} rows"
    seconds: dict[int, float] = {}
    for one in results:
        trials = {one.ours: one.mine, one.peer: one.theirs}.get(name)
        if trials and (one.columns, one.threads) == (result.columns, result.threads):
            seconds[one.rows] = statistics.median(trial.seconds("both") for trial in trials)
    if len(seconds) < 2:
        return told
    less, more = sorted(seconds)[-2:]
    grown = math.log(seconds[more] / seconds[less]) / math.log(more / less)
    power = max(1.0, grown)  # of few rows much is spent on what does not grow; of many, each is looked at
    guess = seconds[more] * (result.rows / more) ** power
    return f"{told}: {seconds[more]:.3g} CPU s of {more:,}; {guess:,.0f} extrapolated, as rows ** {power:.1f}"


def _text_ratios(result: Result, results: Sequence[Result]) -> list[str]:
    if not result.turns:
        return [why_left_out(result, results), *[""] * (len(RATIOS) - 1)]
    fit, both, *others = (result.ratio(figure) for figure in _TEXT_RATIOS)
    return [
        str(result.turns),
        str(fit),
        str(both),
        *(_middle(one) for one in others),
        _both(result, lambda one: one.auc, 3),
    ]


def _figures(result: Result) -> list[str]:
    """What both sides took: seconds of fit and score, of one row, and memory."""
    return [
        _both(result, lambda one: one.fit.cpu),
        _both(result, lambda one: one.score.cpu),
        _both(result, lambda one: one.row.cpu * 1e6),
        _both(result, lambda one: math.nan if one.peak is None else one.peak / 2**20, whole=True),
    ]


def _both(result: Result, value: Callable[[Trial], float], digits: int | None = None, *, whole: bool = False) -> str:
    """Ours and the peer's: medians, whole or with two digits; or means with some digits after the point."""
    middle = statistics.median if digits is None else statistics.mean

    def told(value: float) -> str:
        if math.isnan(value):
            return "-"
        return f"{value:,.0f}" if whole else number(value) if digits is None else f"{value:.{digits}f}"

    return " / ".join(told(middle([value(one) for one in trials])) for trials in (result.mine, result.theirs) if trials)


def number(value: float) -> str:
    """Two digits, without an exponent.

    >>> number(12345.6), number(12.34), number(0.0123)
    ('12,346', '12', '0.012')
    """
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}" if value >= 1e-3 else f"{value:.1g}"


def _middle(spread: Spread | None) -> str:
    return "" if spread is None else number(spread.median)


def _grouped(headings: Sequence[str], lines: Sequence[tuple[Result, Sequence[str]]]) -> str:
    """The lines of each pair under its name; a line of one cell may be as long as it likes."""
    sized = [(result.pair, [f"  {_size(result)}", *cells]) for result, cells in lines]
    whole = [cells for _, cells in sized if any(cells[2:])]
    widths = [max(len(line[i]) for line in [["", *headings], *whole]) + 2 for i in range(len(headings) + 1)]
    widths[0] = max(len(cells[0]) for _, cells in sized) + 2
    table = ["".join(map(str.ljust, ["", *headings], widths)).rstrip()]
    for pair in dict.fromkeys(pair for pair, _ in sized):
        table.append(pair)
        table += ["".join(map(str.ljust, cells, widths)).rstrip() for name, cells in sized if name == pair]
    return "\n".join(table)


def _size(result: Result) -> str:
    return result.size if result.threads == 1 else f"{result.size}, {result.threads} threads"


def _pairs(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(result.pair for result in results))


def _matrix(title: str, results: Sequence[Result], size: Callable[[Result], int]) -> str:
    """A line for each pair: the ratio of CPU time of fit and score, and ROC AUC of both, by size."""
    sizes = sorted({size(result) for result in results})
    lines = []
    for pair in _pairs(results):
        known = {size(result): result for result in results if result.pair == pair}
        lines.append([pair, *(_cell(known.get(one)) for one in sizes)])
    return grid([title, *(f"{one:,}" for one in sizes)], lines)


def _cell(result: Result | None) -> str:
    """The ratio and ROC AUC of both; where the peer was left out, our CPU seconds and ROC AUC."""
    if result is None or not result.mine:
        return ""
    auc, spread = _both(result, lambda one: one.auc, 2), result.ratio("both")
    if spread is None:
        return f"{number(statistics.median(one.seconds('both') for one in result.mine))} s ({auc})"
    return f"**{number(spread.median)}** ({auc})"


def _left_out(results: Sequence[Result]) -> Iterator[str]:
    """A line for each side that was left out of some size, of the most rows."""
    seen: dict[str, Result] = {}
    for result in results:
        if result.left_out is not None and result.columns == USUAL_COLUMNS and result.threads == 1:
            name = result.left_out[0]
            if name not in seen or seen[name].rows < result.rows:
                seen[name] = result
    for result in seen.values():
        yield f"- {result.rows:,} rows: {why_left_out(result, results)}"


def _every(pair: str, results: Sequence[Result]) -> str:
    """Every figure of a pair, folded away."""
    lines = []
    for one in sorted((one for one in results if one.mine), key=lambda one: (one.threads, one.rows, one.columns)):
        ratios = (one.ratio(figure) for figure in _EVERY_RATIOS)
        accuracy = [_both(one, lambda trial: trial.auc, 3), _both(one, lambda trial: trial.precision, 3)]
        lines.append(
            [one.size, str(one.threads), *("" if of is None else str(of) for of in ratios), *_figures(one), *accuracy]
        )
    return f"<details><summary>{pair}</summary>\n\n{grid(EVERY, lines)}\n\n</details>"
