"""The report of the benchmark of speed: what is printed while it goes on, the tables at its end, JSON and Markdown."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.benchmarks.speed_accuracy import means
from tests.benchmarks.speed_results import FIGURES
from tests.benchmarks.speed_targets import judge, judge_accuracy, judge_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.speed_accuracy import Measures
    from tests.benchmarks.speed_exact import LargeFit
    from tests.benchmarks.speed_results import Result
    from tests.benchmarks.speed_targets import Verdict

RATIOS = ("pair", "rows", "turns", "fit", "score", "both", "both, wall", "one row")
FIGURES_OF_SIDES = (
    "pair",
    "rows",
    "fit CPU s",
    "fit wall s",
    "score CPU s",
    "score wall s",
    "one row CPU us",
    "peak MiB",
    "ROC AUC",
    "avg precision",
)
MEANS = ("mean over the labelled sets", "ROC AUC", "avg precision")


@dataclass(kw_only=True)
class Report:
    """Gathers what is measured, and prints it at once.

    Attributes:
        names: The pairs that were asked for.
        about: Versions and settings.
    """

    names: Sequence[str]
    about: str
    results: list[Result] = field(default_factory=list)
    larges: list[LargeFit] = field(default_factory=list)
    sets: dict[str, Measures] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Take up a pair on one size."""
        self.results.append(result)
        name, size, *figures = _of_sides(result)
        known = ", ".join(f"{heading} {figure}" for heading, figure in zip(FIGURES_OF_SIDES[2:], figures, strict=True))
        print(f"{name}, {size}: {known}", flush=True)

    def add_large(self, large: LargeFit) -> None:
        """Take up a fit of many rows."""
        self.larges.append(large)
        print("\n".join(large.lines()), flush=True)

    def add_set(self, name: str, measured: Measures) -> None:
        """Take up a labelled set."""
        self.sets[name] = measured
        shown = "  ".join(f"{side} {auc:.3f}/{precision:.3f}" for side, (auc, precision) in measured.items())
        print(f"{name}: {shown}", flush=True)

    def end(self) -> None:
        """Print the ratios, the means over the labelled sets, and what became of the targets."""
        if self.results:
            print("\nours over the peer's, CPU time: median (lowest..highest) over the turns")
            print(_aligned(RATIOS, [_ratios(result) for result in self.results]))
        if self.sets:
            print("\n" + _aligned(MEANS, self._means()))
        print("\n" + "\n".join(map(str, self.verdicts())))

    def verdicts(self) -> list[Verdict]:
        """The targets that this run can say something of."""
        large = [verdict for fit in self.larges for verdict in judge_large(fit)]
        return [*judge(self.results), *large, *judge_accuracy(means(self.sets) if self.sets else {}, self.names)]

    def to_json(self) -> str:
        """Every figure."""
        targets = [
            {"what": verdict.what, "value": verdict.value, "limit": verdict.limit, "met": verdict.met}
            for verdict in self.verdicts()
        ]
        figures = {
            "about": self.about,
            "results": [result.to_json() for result in self.results],
            "large": [large.to_json() for large in self.larges],
            "sets": self.sets,
            "targets": targets,
        }
        return json.dumps(figures, indent=1)

    def to_markdown(self) -> str:
        """The tables, ready for a page."""
        parts = [self.about + "."]
        if self.results:
            parts.append(_markdown(RATIOS, [_ratios(result) for result in self.results]))
            parts.append(_markdown(FIGURES_OF_SIDES, [_of_sides(result) for result in self.results]))
        parts += ["\n".join(f"- {line.strip()}" for line in large.lines()) for large in self.larges]
        if self.sets:
            parts.append(_markdown(MEANS, self._means()))
        parts.append("\n".join(f"- {verdict}" for verdict in self.verdicts()))
        return "\n\n".join(part for part in parts if part) + "\n"

    def _means(self) -> list[list[str]]:
        return [[side, f"{auc:.4f}", f"{precision:.4f}"] for side, (auc, precision) in means(self.sets).items()]


def _ratios(result: Result) -> list[str]:
    """The line of a pair under RATIOS."""
    spreads = [result.ratio(name) for name in FIGURES]
    return [result.pair.name, result.size, result.turns, *("" if spread is None else str(spread) for spread in spreads)]


def _of_sides(result: Result) -> list[str]:
    """The line of a pair under FIGURES_OF_SIDES: `ours / peer`."""
    return [
        result.pair.name,
        result.size,
        result.both(lambda trial: trial.fit.cpu, ".3g"),
        result.both(lambda trial: trial.fit.wall, ".3g"),
        result.both(lambda trial: trial.score.cpu, ".3g"),
        result.both(lambda trial: trial.score.wall, ".3g"),
        result.both(lambda trial: trial.row.cpu * 1e6, ".3g"),
        result.both(lambda trial: math.nan if trial.peak is None else trial.peak / 2**20, ".0f"),
        result.both(lambda trial: trial.auc, ".3f", statistics.mean),
        result.both(lambda trial: trial.precision, ".3f", statistics.mean),
    ]


def _aligned(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of text with columns as wide as their widest cell."""
    table = [headings, *lines]
    widths = [max(len(line[i]) for line in table) + 2 for i in range(len(headings))]
    return "\n".join("".join(map(str.ljust, line, widths)).rstrip() for line in table)


def _markdown(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; the first column is text, the others are numbers."""
    head = ["| " + " | ".join(headings) + " |", "|---|" + "---:|" * (len(headings) - 1)]
    return "\n".join([*head, *("| " + " | ".join(line) + " |" for line in lines)])
