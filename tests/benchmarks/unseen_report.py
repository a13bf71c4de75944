"""The tables of the benchmark on unseen tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from tests.benchmarks.ablation_report import NOISE, aligned, marked
from tests.benchmarks.ensembles_targets import Target

__all__ = ["PANEL", "Pair", "Report"]

PANEL = "the default panel"
Pair: TypeAlias = "tuple[float, float]"
"""ROC AUC and average precision."""

_MEASURES = ("ROC AUC", "average precision")


@dataclass(slots=True, kw_only=True)
class Report:
    """What was measured in one way to train.

    Attributes:
        title: Which way.
        groups: The kind of each table, by its name.
        figures: By table and by name, one pair for each seed.
    """

    title: str
    groups: dict[str, str] = field(default_factory=dict)
    figures: dict[str, dict[str, list[Pair]]] = field(default_factory=dict)

    def add(self, table: str, group: str, found: dict[str, Pair]) -> None:
        """Take up the figures of one table and seed."""
        self.groups[table] = group
        for name, pair in found.items():
            self.figures.setdefault(table, {}).setdefault(name, []).append(pair)

    def written(self) -> dict[str, Any]:
        """Every figure, as plain values."""
        return {"groups": self.groups, "figures": self.figures}

    def table(self, *, markdown: bool) -> str:
        """Means over tables, the panel ahead or behind, and average precision by kind of table."""
        groups = list(dict.fromkeys(self.groups.values()))
        sizes = [sum(group == one for one in self.groups.values()) for group in groups]
        head = ["", *_MEASURES, "panel ahead / behind by ROC AUC", "by average precision"]
        lines = [[*head, *(f"{group} ({size})" for group, size in zip(groups, sizes, strict=True))]]
        names = dict.fromkeys(name for found in self.figures.values() for name in found)
        for name in names:
            tables = self._with(name)
            fewer = f" (on {len(tables)})" if len(tables) < len(self.groups) else ""
            line = [name + fewer, *(f"{mean:.3f}" for mean in self._means(name, tables))]
            line += [self._ahead(name, tables, i) if name != PANEL else "" for i in range(len(_MEASURES))]
            for group in groups:
                own = [table for table in tables if self.groups[table] == group]
                line.append(f"{self._means(name, own)[1]:.3f}" if own else "")
            lines.append(line)
        title = f"{self.title}, {len(self.groups)} tables"
        return f"**{title}**\n\n{marked(lines)}" if markdown else f"{title}\n{aligned(lines)}"

    def targets(self) -> list[Target]:
        """The mean of the panel over that of everything else, on the tables where that has figures."""
        names = dict.fromkeys(name for found in self.figures.values() for name in found)
        return [
            Target(
                what=f"{measure}, {name}, {self.title.lower()}",
                got=float(self._means(PANEL, self._with(name))[i]),
                bound=float(self._means(name, self._with(name))[i]),
            )
            for i, measure in enumerate(_MEASURES)
            for name in names
            if name != PANEL
        ]

    def _with(self, name: str) -> list[str]:
        return [table for table, found in self.figures.items() if name in found]

    def _on(self, name: str, tables: list[str]) -> Any:
        return np.array([np.mean(self.figures[table][name], axis=0) for table in tables])

    def _means(self, name: str, tables: list[str]) -> Any:
        return self._on(name, tables).mean(axis=0)

    def _ahead(self, name: str, tables: list[str], i: int) -> str:
        change = (self._on(PANEL, tables) - self._on(name, tables))[:, i]
        return f"{(change > NOISE).sum()} / {(change < -NOISE).sum()}"
