"""The tables of the benchmark of ablation: means over sets, and on how many of them a change helps or hurts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.ablation_parts import ADDED, AS_IT_IS, CLEAN, EVERY, HINDSIGHT, TRIM
from tests.benchmarks.ensembles_targets import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.detector import Floats
    from tests.benchmarks.ablation_parts import Figures

__all__ = ["NOISE", "Report", "aligned", "averaged", "marked"]

NOISE = 0.005
"""A change of less on one set is none."""

_MEASURES = ("ROC AUC", "average precision")
_HEADINGS = (
    "",
    "alone: ROC AUC",
    "average precision",
    "panel: ROC AUC",
    "average precision",
    "better / worse by ROC AUC",
    "by average precision",
)


def averaged(runs: Sequence[Figures]) -> Figures:
    """Means over the seeds of one set."""
    return {
        title: {
            line: {column: _mean([run[title][line][column] for run in runs]) for column in columns}
            for line, columns in table.items()
        }
        for title, table in runs[0].items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was measured, by set; all sets have the same tables and lines."""

    sets: Mapping[str, Figures]

    def tables(self, *, markdown: bool) -> str:
        """All tables as text, or as Markdown."""
        parts = []
        for title, table in next(iter(self.sets.values())).items():
            lines = [self._line(title, line, columns) for line, columns in table.items()]
            used = [i for i in range(len(_HEADINGS)) if i == 0 or any(line[i] for line in lines)]
            shown = [[line[i] for i in used] for line in (_HEADINGS, *lines)]
            head = f"{title}, {len(self.sets)} set{'s' if len(self.sets) > 1 else ''}"
            parts.append(f"**{head}**\n\n{marked(shown)}" if markdown else f"{head}\n{aligned(shown)}")
        return "\n\n".join(parts) + "\n"

    def over_sets(self, title: str, line: str, column: str) -> Floats:
        """Both measures on each set, shape (sets, 2)."""
        return np.array([figures[title][line][column] for figures in self.sets.values()])

    def targets(self) -> list[Target]:
        """What has to hold: ahead of each member; trimming pays; and so does saying that rows are normal."""
        found = []
        for title, table in next(iter(self.sets.values())).items():
            for i, measure in enumerate(_MEASURES):
                changes = {line: self._means(title, line) for line in table}
                if HINDSIGHT in table:
                    rivals = {line: means["member"] for line, means in changes.items() if "member" in means}
                    alone = {line: pair[i] for line, pair in rivals.items() if not line.endswith((HINDSIGHT, ADDED))}
                    best = max(alone, key=alone.__getitem__)
                    got = changes[AS_IT_IS]["panel"][i]
                    found.append(Target(what=f"{measure}, the best member ({best})", got=got, bound=alone[best]))
                for line, what in ((f"{TRIM}: {EVERY}", "no trimming"), (CLEAN, "not told that rows are normal")):
                    means = changes.get(line, {})
                    if "panel was" in means:
                        pair = (means["panel was"][i], means["panel"][i])
                        got, bound = pair if line != CLEAN else pair[::-1]
                        found.append(Target(what=f"{measure}, {what}", got=got, bound=bound))
        return found

    def _means(self, title: str, line: str) -> dict[str, Floats]:
        columns = next(iter(self.sets.values()))[title][line]
        return {column: self.over_sets(title, line, column).mean(axis=0) for column in columns}

    def _line(self, title: str, line: str, columns: Mapping[str, object]) -> list[str]:
        means, cells = self._means(title, line), [line]
        for column in ("member", "panel"):
            for i in range(len(_MEASURES)):
                cell = f"{means[column][i]:.3f}" if column in columns else ""
                if f"{column} was" in columns:
                    change = round(means[column][i] - means[f"{column} was"][i], 3)
                    cell += f" ({change + 0.0:+.3f})"  # the sum has no minus before a zero
                cells.append(cell)
        if "panel was" not in columns:
            return [*cells, "", ""]
        change = self.over_sets(title, line, "panel") - self.over_sets(title, line, "panel was")
        counts = [f"{(change[:, i] > NOISE).sum()} / {(change[:, i] < -NOISE).sum()}" for i in range(len(_MEASURES))]
        return [*cells, *counts]


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    auc, precision = np.mean(pairs, axis=0).tolist()
    return auc, precision


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) + 2 for column in zip(*lines, strict=True)]
    return "\n".join("".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def marked(lines: Sequence[Sequence[str]]) -> str:
    """As Markdown: the first column is text, the others are numbers."""
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([rows[0], "|---|" + "--:|" * (len(lines[0]) - 1), *rows[1:]])
