"""Ranking: the rows of a run by what has been learned from verdicts, learned anew while an analyst works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.engine.queue import doubt, expected_rate
from anomalist.engine.stackers import recipe_from_text
from anomalist.ensemble.stack import Evidence, Lesson, Uncertain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import polars as pl

    from anomalist.data.table import Table
    from anomalist.detector import Floats
    from anomalist.engine.verdicts import Judged
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model, Scores
    from anomalist.ensemble.stack import Stacker
    from anomalist.store.rows import RunRow

__all__ = ["Ranker", "Ranking"]

_BUDGET = 0.01  # where nothing is flagged
_CANDIDATES = 5_000  # rows for which it is worked out how uncertain they are: the highest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """What is expected of each row.

    Attributes:
        log_odds: That an analyst would call it an anomaly, shape (rows,).
        doubts: How much a verdict on it would tell, in nats, shape (rows,); 0 for rows far down the list.
        learned: From how many rows with a clear verdict this was learned.
        rate: The share of anomalies that was expected.
    """

    log_odds: Floats
    doubts: Floats
    learned: int
    rate: float

    def probability(self, row: int) -> float | None:
        """The probability of one row; None where nothing was learned and it would be a guess."""
        return float(1.0 / (1.0 + np.exp(-self.log_odds[row]))) if self.learned else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranker:
    """Ranks the rows of one run by verdicts.

    Attributes:
        evidence: What the model knows of the rows.
        keys: Their keys.
        fingerprint: Of their dataset.
        stacker: Makes a stacker that has learned nothing yet.
        budget: The share of rows worth a look.
        seed: Of all randomness.
    """

    evidence: Evidence
    keys: pl.Series
    fingerprint: str
    stacker: Callable[[], Stacker]
    budget: float
    seed: int = 0

    @classmethod
    def of(
        cls, workspace: Workspace, run: RunRow, model: Model, table: Table, scores: Scores, *, stacker: str, seed: int
    ) -> Self:
        """For the rows of a scored run; `stacker` is what a user typed.

        Raises:
            UnknownNameError: There is no such stacker.
            ParameterError: A parameter of it is unknown or out of its range.
        """
        recipe = recipe_from_text(workspace.registry, stacker)
        workspace.progress.stage("encoding")
        return cls(
            evidence=model.evidence(model.encoder.encode(table), scores.surprises),
            keys=table.keys,
            fingerprint=run.dataset.fingerprint,
            stacker=recipe.make,
            budget=float(scores.flagged.mean()) or _BUDGET,
            seed=seed,
        )

    def rank(self, judged: Sequence[Judged]) -> Ranking:
        """Learn from what was said of rows, of this dataset and of others, and rank the rows of this run."""
        clear = [one for one in judged if one.label is not None]
        rate = expected_rate(
            [one for one in clear if one.fingerprint == self.fingerprint], self.budget, rows=len(self.evidence)
        )
        ordered, known = self.evidence_of(clear)
        lesson = Lesson(
            judged=known,
            labels=np.array([one.label for one in ordered], dtype=np.float64),
            background=self.evidence,
            rate=rate,
            seed=self.seed,
        )
        stacker = self.stacker().fit(lesson)
        log_odds = stacker.log_odds(self.evidence)
        return Ranking(log_odds=log_odds, doubts=self._doubts(stacker, log_odds), learned=len(clear), rate=rate)

    def rows_of(self, judged: Iterable[Judged]) -> dict[str, int]:
        """Where in this run the judged rows stand that belong to its dataset: key to row number."""
        wanted = [one.key for one in judged if one.fingerprint == self.fingerprint]
        found = self.keys.is_in(wanted).arg_true()
        return dict(zip(self.keys.gather(found).to_list(), found.to_list(), strict=True))

    def evidence_of(self, judged: Sequence[Judged]) -> tuple[list[Judged], Evidence]:
        """The judged rows that stand in this run, and what the model knows of them."""
        rows = self.rows_of(judged)
        here = [one for one in judged if one.fingerprint == self.fingerprint and one.key in rows]
        return here, self.evidence.take(np.array([rows[one.key] for one in here], dtype=np.intp))

    def _doubts(self, stacker: Stacker, log_odds: Floats) -> Floats:
        """Only the highest rows are asked how sure they are: far down the list nobody would look for the border."""
        if not isinstance(stacker, Uncertain):
            return doubt(log_odds)
        rows = np.argsort(-log_odds, kind="stable")[:_CANDIDATES]
        doubts = np.zeros(log_odds.size)
        doubts[rows] = doubt(log_odds[rows], stacker.deviation(self.evidence.take(rows)))
        return doubts
