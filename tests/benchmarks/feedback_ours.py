"""Our side of the feedback benchmark: a panel fitted through the engine, and stackers that learn through its queue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anomalist.data.table import Table
from anomalist.engine.execution.executor import Threads
from anomalist.engine.feedback.verdicts import settle
from anomalist.engine.fitting.fit import fit
from anomalist.engine.fitting.plan import make_plan
from anomalist.engine.progress import Silent
from anomalist.engine.review.queue import Mix, alike, draw
from anomalist.engine.review.ranking import Ranker
from anomalist.store.rows import FeedbackRow

if TYPE_CHECKING:
    from anomalist.detector import Floats, Ints
    from anomalist.engine.fitting.request import RunOptions
    from anomalist.ensemble.stack import Evidence, Stacker
    from anomalist.ensemble.stacked import Recipe
    from anomalist.plugins.registry import Registry
    from anomalist.store.rows import Asked

__all__ = ["Ours", "Panel", "fit_panel"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """What a panel that was fitted on one half, without labels, says of both.

    Attributes:
        keys: The keys of the rows to judge.
        fingerprint: Of the rows to judge.
        evidence: Of the rows to judge.
        unseen: Evidence of the unseen rows.
        budget: The share of the rows to judge that the panel flags.
    """

    keys: pl.Series
    fingerprint: str
    evidence: Evidence
    unseen: Evidence
    budget: float


def fit_panel(registry: Registry, name: str, fitted: Floats, unseen: Floats, options: RunOptions) -> Panel:
    """Fit a panel on the rows of one half and score both.

    Raises:
        RuntimeError: A detector of the panel failed.
    """
    table, others = (
        Table.from_frame(pl.DataFrame({f"x{i}": half[:, i] for i in range(half.shape[1])}), source=name)
        for half in (fitted, unseen)
    )
    done = fit(make_plan(table, options, registry), executor=Threads(workers=1), progress=Silent())
    for report in done.reports:
        if report.status in ("failed", "timed_out"):
            raise RuntimeError(f"{name}: {report.seat.name}: {report.error}")
    model = done.model
    encoded = model.encoder.encode(others)
    return Panel(
        keys=table.keys,
        fingerprint=table.fingerprint,
        evidence=model.evidence(model.encoder.encode(table), done.scores.surprises),
        unseen=model.evidence(encoded, model.score_encoded(encoded).surprises),
        budget=float(done.scores.flagged.mean()),
    )


class Ours:
    """A stacker that learns as in `anomalist review`: ranked, drawn and learned by the same code, without a store."""

    def __init__(self, panel: Panel, recipe: Recipe, *, mix: Mix, seed: int) -> None:
        self._panel, self._recipe, self._mix = panel, recipe, mix
        self._ranker = Ranker(
            evidence=panel.evidence,
            keys=panel.keys,
            fingerprint=panel.fingerprint,
            recipe=replace(recipe, make=self._make),
            budget=panel.budget,
            seed=seed,
        )
        self._groups = alike(panel.evidence)
        self._rng = np.random.default_rng(seed)
        self._asked: dict[int, Asked] = {}

    def learn(self, rows: Ints, labels: Floats) -> None:
        """Learn from all verdicts so far and rank the rows to judge."""
        self._known = np.zeros(len(self._panel.evidence), dtype=np.bool_)
        self._known[rows] = True
        said = [self._said(i, int(row), label) for i, (row, label) in enumerate(zip(rows, labels, strict=True))]
        self._ranking = self._ranker.rank(settle(said))

    def ask(self, count: int) -> Ints:
        """The next rows to judge."""
        picks = draw(
            self._ranking.log_odds,
            self._ranking.doubts,
            ~self._known,
            groups=self._groups,
            known=self._known,
            mix=self._mix,
            count=count,
            rng=self._rng,
        )
        self._asked.update((pick.row, pick.asked) for pick in picks)
        return np.array([pick.row for pick in picks], dtype=np.intp)

    def unseen(self) -> Floats:
        """Log-odds of the unseen rows."""
        return self._stacker.log_odds(self._panel.unseen)

    def _make(self) -> Stacker:
        self._stacker = self._recipe.make()  # kept: the ranker fits it and gives only its ranking
        return self._stacker

    def _said(self, number: int, row: int, label: float) -> FeedbackRow:
        return FeedbackRow(
            id=number + 1,
            fingerprint=self._panel.fingerprint,
            source="",
            key=self._panel.keys[row],
            verdict="anomaly" if label else "false_alarm",
            cause=None,
            note=None,
            analyst="oracle",
            asked=self._asked[row],
            probability=None,
            run=None,
            values={},
            supersedes=None,
            token=str(number),
            created_at=datetime.now(UTC),
        )
