"""Ranking: the rows of a run by what has been learned from verdicts, learned anew while an analyst works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import expit

from anomalist.engine.execution.executor import one_thread_each
from anomalist.engine.feedback.lessons import evidence_of_judged
from anomalist.engine.models.stackers import recipe_from_text
from anomalist.engine.review.queue import doubt, expected_rate
from anomalist.ensemble.stack import Evidence, Lesson, log_odds_at_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import polars as pl

    from anomalist.detector import Floats
    from anomalist.engine.feedback.lessons import Known, Place
    from anomalist.engine.feedback.verdicts import Judged
    from anomalist.engine.runs.scored import ScoredRun
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.guarded import Guarded
    from anomalist.ensemble.stacked import Recipe

__all__ = ["Elsewhere", "Ranker", "Ranking"]

_BUDGET = 0.01  # where nothing is flagged
_CANDIDATES = 5_000  # rows for which it is worked out how uncertain they are: the highest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """What is expected of each row.

    Attributes:
        log_odds: That an analyst would call it an anomaly, but for their level, shape (rows,).
        level: What to add to them, so that on average they say the expected share of anomalies.
        doubts: How much a verdict on it would tell, in nats, shape (rows,); 0 for rows far down the list.
        learned: From how many rows with a clear verdict this was learned.
        rate: The share of anomalies that was expected.
    """

    log_odds: Floats
    level: float
    doubts: Floats
    learned: int
    rate: float

    def probability(self, row: int) -> float:
        """That an analyst would call one row an anomaly; a guess where nothing was learned."""
        return float(expit(self.log_odds[row] + self.level))


class Elsewhere:
    """What a model knows of judged rows of other datasets. Each row is asked about once: its values do not change.

    Attributes:
        notes: Which rows the model could not be asked about and why, one line each.
    """

    def __init__(self, ask: Callable[[Sequence[Judged]], Known], none: Evidence) -> None:
        self.notes: list[str] = []
        self._ask, self._evidence = ask, none
        self._at: dict[Place, int | None] = {}  # where in the evidence a row is; None where the model knows nothing

    def evidence_of(self, judged: Sequence[Judged]) -> tuple[list[Judged], Evidence]:
        """The judged rows that the model could be asked about, and what it says of each."""
        new = [one for one in judged if (one.fingerprint, one.key) not in self._at]
        if new:
            answer = self._ask(new)
            self._at.update({(one.fingerprint, one.key): None for one in new})
            for place, row in enumerate(answer.rows.tolist(), start=len(self._evidence)):
                self._at[new[row].fingerprint, new[row].key] = place
            self._evidence = self._evidence.followed_by(answer.evidence)
            self.notes.extend(answer.notes)
        found = [(one, at) for one in judged if (at := self._at[one.fingerprint, one.key]) is not None]
        return [one for one, _ in found], self._evidence.take(np.array([at for _, at in found], dtype=np.intp))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranker:
    """Ranks the rows of one run by verdicts.

    Attributes:
        evidence: What the model knows of the rows.
        keys: Their keys.
        fingerprint: Of their dataset.
        recipe: What learns.
        elsewhere: Knows judged rows of other datasets; where it is None, only those of this run teach.
        budget: The share of rows worth a look.
        seed: Of all randomness.
    """

    evidence: Evidence
    keys: pl.Series
    fingerprint: str
    recipe: Recipe
    budget: float
    elsewhere: Elsewhere | None = None
    seed: int = 0

    @classmethod
    def of(cls, workspace: Workspace, scored: ScoredRun, *, stacker: str, seed: int) -> Self:
        """For the rows of a scored run; `stacker` is what a user typed.

        Raises:
            UnknownNameError: There is no such stacker.
            ParameterError: A parameter of it is unknown or out of its range.
        """
        model, table, data, surprises = scored.model, scored.table, scored.data, scored.scores.surprises
        evidence = model.evidence(data, surprises)

        def ask(judged: Sequence[Judged]) -> Known:
            return evidence_of_judged(model, judged, table, data, surprises)

        return cls(
            evidence=evidence,
            keys=table.keys,
            fingerprint=scored.run.dataset.fingerprint,
            recipe=recipe_from_text(workspace.registry, stacker),
            budget=float(scored.scores.flagged.mean()) or _BUDGET,
            elsewhere=Elsewhere(ask, evidence.take(slice(0, 0))),
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
        with one_thread_each():  # many small matrices: more threads would only wait for each other
            stacker = self.recipe.guarded().fit(lesson)
            log_odds = stacker.log_odds(self.evidence)
            doubts = self._doubts(stacker, log_odds)
        level = log_odds_at_rate(log_odds, rate)
        return Ranking(log_odds=log_odds, level=level, doubts=doubts, learned=len(ordered), rate=rate)

    def rows_of(self, judged: Iterable[Judged]) -> dict[str, int]:
        """Where in this run the judged rows stand that belong to its dataset: key to row number."""
        wanted = [one.key for one in judged if one.fingerprint == self.fingerprint]
        found = self.keys.is_in(wanted).arg_true()
        return dict(zip(self.keys.gather(found).to_list(), found.to_list(), strict=True))

    def evidence_of(self, judged: Sequence[Judged]) -> tuple[list[Judged], Evidence]:
        """The judged rows that the model knows, those of this run first, and what it knows of each."""
        rows = self.rows_of(judged)
        here = [one for one in judged if one.fingerprint == self.fingerprint and one.key in rows]
        evidence = self.evidence.take(np.array([rows[one.key] for one in here], dtype=np.intp))
        if self.elsewhere is None:
            return here, evidence
        there, theirs = self.elsewhere.evidence_of([one for one in judged if one.fingerprint != self.fingerprint])
        return here + there, evidence.followed_by(theirs)

    def _doubts(self, stacker: Guarded, log_odds: Floats) -> Floats:
        """Only the highest rows are asked how sure they are: far down the list nobody would look for the border."""
        rows = np.argsort(-log_odds, kind="stable")[:_CANDIDATES]
        deviation = stacker.deviation(self.evidence.take(rows))
        if deviation is None:
            return doubt(log_odds)
        doubts = np.zeros(log_odds.size)
        doubts[rows] = doubt(log_odds[rows], deviation)
        return doubts
