"""The report of the benchmark of speed: what is printed while it goes on, the tables at its end, JSON and Markdown."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from tests.benchmarks.speed_accuracy import means
from tests.benchmarks.speed_exact import LargeFit
from tests.benchmarks.speed_results import Result
from tests.benchmarks.speed_sides import WRITTEN
from tests.benchmarks.speed_tables import aligned, grid, markdown, text
from tests.benchmarks.speed_targets import judge, judge_accuracy, judge_large

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.benchmarks.speed_accuracy import Measures
    from tests.benchmarks.speed_targets import Verdict

MEANS = ("mean over the labelled sets", "ROC AUC", "avg precision")
WANTED = ("wanted: CPU time is ours over the peer's", "got", "wanted", "")
BEGIN, END = "<!-- figures: written by tests.benchmarks.speed; do not edit -->", "<!-- end of figures -->"


@dataclass(kw_only=True)
class Report:
    """Gathers what is measured, and says so at once.

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
        """Take up a pair on one size; an earlier result of the same is forgotten."""
        self.results = [one for one in self.results if one.key != result.key] + [result]

    def add_large(self, large: LargeFit) -> None:
        """Take up a fit of many rows."""
        size = (large.rows, large.columns)
        self.larges = [one for one in self.larges if (one.rows, one.columns) != size] + [large]

    def add_set(self, name: str, measured: Measures) -> None:
        """Take up a labelled set."""
        self.sets[name] = measured
        shown = "  ".join(f"{side} {auc:.3f}/{precision:.3f}" for side, (auc, precision) in measured.items())
        click.echo(f"{name}: {shown}", err=True)

    def read(self, path: Path) -> None:
        """Take up the figures of a file that `to_json` wrote, of the pairs that were asked for.

        Raises:
            click.UsageError: They are of other versions or another device.
        """
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["about"] != self.about:
            raise click.UsageError(f"{path} is of {found['about']}, others of {self.about}")
        for one in map(Result.from_json, found["results"]):
            if one.pair in self.names:
                self.add(one)
        for large in map(LargeFit.from_json, found["large"]):
            self.add_large(large)
        self.sets |= {name: {side: (*pair,) for side, pair in sides.items()} for name, sides in found["sets"].items()}

    def print(self, *, everything: bool) -> None:
        """Print the tables, the means over the labelled sets, and what became of the targets."""
        self._in_order()
        if self.results:
            print("\n" + text(self.results))
        for large in self.larges:
            print("\n" + "\n".join(large.lines()))
        if self.sets:
            print("\n" + aligned(MEANS, self._means()))
        print("\n" + "\n".join(map(str, self.verdicts(everything=everything))))

    def verdicts(self, *, everything: bool) -> list[Verdict]:
        """The targets that the figures say something of; with `everything`, also those that they should, and do not."""
        found = judge(self.results, self.names, everything=everything)
        found += judge_large(self.larges, self.names, everything=everything)
        if self.sets or everything:
            found += judge_accuracy(means(self.sets) if self.sets else {}, self.names)
        return found

    def to_json(self) -> str:
        """Every figure, a line for each result."""
        self._in_order()
        parts = {
            "about": self.about,
            "trials": "each a list: " + ", ".join(WRITTEN),
            "sets": self.sets,
            "large": [large.to_json() for large in self.larges],
        }
        head = json.dumps(parts, indent=1)[:-2]
        lines = ",\n".join("  " + json.dumps(result.to_json()) for result in self.results)
        return f'{head},\n "results": [\n{lines}\n ]\n}}\n'

    def to_markdown(self) -> str:
        """The tables, ready for a page."""
        self._in_order()
        parts = [self.about + "."]
        if verdicts := self.verdicts(everything=False):
            parts.append(grid(WANTED, [verdict.cells() for verdict in verdicts]))
        if self.results:
            parts.append(markdown(self.results))
        parts += ["\n".join(f"- {line.strip()}" for line in large.lines()) for large in self.larges]
        if self.sets:
            parts.append(grid(MEANS, self._means()))
        return "\n\n".join(part for part in parts if part) + "\n"

    def write_markdown(self, path: Path) -> None:
        """Write the tables to a page, between its two marks where it has them."""
        whole = path.read_text(encoding="utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
        if BEGIN not in whole or END not in whole:
            raise click.UsageError(f"{path} has no place for the figures: a line {BEGIN}, and a line {END}")
        before, rest = whole.split(BEGIN, 1)
        path.write_text(f"{before}{BEGIN}\n\n{self.to_markdown()}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")

    def _in_order(self) -> None:
        """By pair as they were asked for, then by threads and size."""
        place = {name: index for index, name in enumerate(self.names)}
        self.results.sort(key=lambda one: (place[one.pair], one.threads, one.rows, one.columns))

    def _means(self) -> list[list[str]]:
        return [[side, f"{auc:.4f}", f"{precision:.4f}"] for side, (auc, precision) in means(self.sets).items()]
