"""Run: what a run found, from Python, and what analysts say of its rows."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anomalist.data.words import cut
from anomalist.detector import check_parameter
from anomalist.engine.api.frames import log_frame, questions_frame, why
from anomalist.engine.api.opening import meant, opened
from anomalist.engine.api.verdicts import sayings_of
from anomalist.engine.evaluation.evaluate import evaluate_scores
from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.feedback.fields import analyst_name
from anomalist.engine.feedback.log import read_log
from anomalist.engine.feedback.recording import take_back
from anomalist.engine.review.questions import ReviewOptions
from anomalist.engine.review.queue import Mix
from anomalist.engine.review.review import Review
from anomalist.engine.runs.export import scores_frame
from anomalist.engine.runs.findings import findings_of
from anomalist.engine.runs.scored import ScoredRun
from anomalist.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anomalist.config import Settings
    from anomalist.engine.api.verdicts import Sayings
    from anomalist.engine.review.questions import Question
    from anomalist.engine.runs.result import Finding, RunResult
    from anomalist.ensemble.model import Model

__all__ = ["Run"]

_log = logging.getLogger(__name__)
_SHOWN = 5


class Run:
    """A run that has ended and is stored.

    What is said of its rows goes to the store of the run, as `analyst`: by default the one of the settings when the run
    was made, else the name of the login.

    Attributes:
        result: All of it, as the engine gave it.
    """

    def __init__(self, result: RunResult, settings: Settings) -> None:
        self.result = result
        self._settings = settings
        self._asked: dict[str, Question] = {}

    @property
    def id(self) -> str:
        """The id of the run in the store."""
        return self.result.row.id

    @property
    def status(self) -> str:
        """`done`, or `partial` where a detector failed."""
        return self.result.row.status

    @property
    def model(self) -> Model:
        """The model that the run made or used."""
        return self.result.model

    @property
    def model_name(self) -> str:
        """That model as `score` takes it: `name:version`."""
        name, version = self.result.row.model or ("", 0)
        return f"{name}:{version}"

    @property
    def members(self) -> pl.DataFrame:
        """How each detector fared: detector, status, seconds, error, notes."""
        return pl.DataFrame(self.result.to_dict()["run"]["members"], infer_schema_length=None)

    @property
    def scores(self) -> pl.DataFrame:
        """Every row in order: key, score in bits, level, flagged, and each member's surprise in bits.

        Where the model has learned from verdicts, `probability` says how likely an analyst would call it an anomaly.
        """
        return scores_frame(self.result)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of the data and the fit, one line each; the command line prints these as notes."""
        return self.result.row.notes

    @property
    def flagged(self) -> pl.DataFrame:
        """The rows of `scores` that are flagged, the most anomalous first."""
        return self.scores.filter(pl.col("flagged")).sort("score", descending=True, maintain_order=True)

    def top(self, count: int = 10) -> pl.DataFrame:
        """The most anomalous rows with their reasons in words: key, row, score, level, flagged, why.

        Where the model has learned from verdicts, `probability` comes before the reasons.
        """
        order = self.scores.with_row_index("row").sort("score", descending=True, maintain_order=True).head(count)
        known = {finding.row: finding for finding in self.result.findings}
        missing = [row for row in order["row"].to_list() if row not in known]
        known |= {finding.row: finding for finding in self._explain(missing)}
        reasons = [why(known[row]) for row in order["row"].to_list()]
        learned = ["probability"] if self.result.scores.probability is not None else []
        shown = order.select("key", "row", "score", "level", "flagged", *learned)
        return shown.with_columns(why=pl.Series(reasons, dtype=pl.String))

    def explain(self, key: object) -> Finding:
        """Why the row with this key got its score.

        Raises:
            UnknownNameError: There is no such row.
        """
        (row,) = self._rows([str(key)])
        known = {finding.row: finding for finding in self.result.findings}
        return known.get(row) or self._explain([row])[0]

    def evaluate(self, label: str | None = None, *, positive: Iterable[str] | str | None = None) -> dict[str, Any]:
        """Measure the run against a column of labels; by default the one that the run was given.

        Raises:
            DataError: There is no such column, or its values cannot be used.
        """
        table = self.result.table
        before = self.result.row.params.get("positive") if label in {None, table.label} else None
        chosen = before if positive is None else meant(positive)
        return evaluate_scores(self.result.scores, Labels.of(table, chosen, column=label))

    def ask(
        self,
        count: int = 5,
        *,
        mix: str | None = None,
        disputed: bool = False,
        stacker: str = "gp",
        seed: int | None = None,
        analyst: str | None = None,
    ) -> pl.DataFrame:
        """The next rows that are worth a verdict, by all verdicts that stand: what `anomalist review` would ask.

        The same verdicts and the same seed ask about the same rows. Judged by `judge` of this run, a row is stored with
        how it came to be asked and with the probability that it had of being asked.

        Args:
            count: How many rows.
            mix: How they are chosen, such as `"top=0.7,uncertain=0.2,random=0.1"`.
            disputed: Only rows on which others disagree or are unsure.
            stacker: What learns from the verdicts that there are.
            seed: Where the draws start.
            analyst: Who will judge.

        Returns:
            key, row, rank in the run, score, probability (that an analyst would call it an anomaly; null while nothing
            was learned), asked (`top`, `uncertain`, `random`, `search`), chance (the probability of being asked; null
            where it was not drawn) and why. Fewer rows where fewer are left.

        Raises:
            ParameterError: The count, the mix or a parameter of the stacker is out of its range.
            UnknownNameError: There is no such stacker.
            UsageError: The analyst has no name.
        """
        check_parameter(count >= 1, "count", count, "a whole number of at least 1")
        options = ReviewOptions(
            analyst=self._analyst(analyst),
            mix=Mix() if mix is None else Mix.parse(mix),
            batch=count,
            stacker=stacker,
            seed=self._settings.seed if seed is None else seed,
            disputed=disputed,
        )
        questions: list[Question] = []
        with opened(self._settings) as workspace:
            review = Review(workspace, self._scored, options)
            while len(questions) < count and (question := review.next()) is not None:
                questions.append(question)
                review.skip()  # the answer comes later, by `judge`
        for note in review.notes:
            _log.warning(note)
        self._asked |= {question.finding.key: question for question in questions}
        return questions_frame(questions)

    def judge(
        self,
        rows: Sayings | object,
        verdict: str | bool | None = None,
        *,
        cause: str | None = None,
        note: str | None = None,
        analyst: str | None = None,
    ) -> None:
        """Say what a row is, or what several are; a later verdict of the same analyst supersedes his earlier one.

        Verdicts are `anomaly`, `expected` (anomalous, but known and fine), `false_alarm`, `new_normal` and `unsure`; 1
        and True are an anomaly, 0 and False a false alarm. They belong to the data and the key of the row, and stand in
        every run over the same data. Several are stored together: all of them, or none where one cannot be.

        Args:
            rows: The key of a row; or, without `verdict`, a mapping of keys to verdicts, or a polars or pandas frame
                with the columns `key` and `verdict` and maybe `cause` and `note`, of which rows without a verdict are
                passed over.
            verdict: What the row is.
            cause: What was behind it, in a word or two; of several rows, where they have none of their own.
            note: Free text; likewise.
            analyst: Who says so.

        Raises:
            UnknownNameError: The run has no row with such a key.
            UsageError: A word is no verdict, no verdict is given, or the analyst has no name.
            DataError: The frame lacks a column, or a key stands in it twice.
        """
        who = self._analyst(analyst)
        run, table = self.result.row, self.model.encoder.widened(self.result.table)
        said = sayings_of(rows, verdict, table, cause=cause, note=note)
        entries = [
            one.entry(run, table.values(row), analyst=who, question=self._asked.get(one.key))
            for one, row in zip(said, self._rows([one.key for one in said]), strict=True)
        ]
        with opened(self._settings) as workspace:
            workspace.store.add_feedback(entries)

    def take_back(self, key: object, *, note: str | None = None, analyst: str | None = None) -> None:
        """Take back what an analyst says of a row; it stays in the log, with a new entry that takes it back.

        Raises:
            UnknownNameError: There is no such row, or no verdict of this analyst stands on it.
        """
        who = self._analyst(analyst)
        with opened(self._settings) as workspace:
            take_back(workspace, self.id, str(key), analyst=who, note=note)

    def verdicts(self, *, everything: bool = False) -> pl.DataFrame:
        """The verdicts that stand on rows of this data, whichever run showed them, the newest first.

        Args:
            everything: Also what was superseded or taken back.

        Returns:
            entry, key, verdict, state (`agreed`, `disputed`, `unsure`; or `superseded`, `taken back`, `takes back`),
            analyst, cause, note, asked, probability (of being asked) and time.
        """
        with opened(self._settings) as workspace:
            log = read_log(workspace, run_id=self.id)
        return log_frame([entry for entry in log if everything or entry.stands])

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what `anomalist run --json` prints."""
        return self.result.to_dict()

    @cached_property
    def _scored(self) -> ScoredRun:
        """The run as a review takes it; its rows are at hand, wherever they came from."""
        result = self.result
        return ScoredRun(
            run=result.row,
            name=self.model_name.partition(":")[0],
            model=result.model,
            table=result.table,
            data=result.model.encoder.encode(result.table),
            scores=result.scores,
        )

    def _explain(self, rows: list[int]) -> tuple[Finding, ...]:
        if not rows:
            return ()
        run = self._scored
        return findings_of(run.model, run.table, run.data, run.scores, np.array(rows, dtype=np.int64))

    def _rows(self, keys: Sequence[str]) -> list[int]:
        """The number of each row."""
        here = self.result.table.keys
        found = here.is_in(pl.Series(keys, dtype=pl.String).implode()).arg_true()
        places = dict(zip(here.gather(found).to_list(), found.to_list(), strict=True))
        missing = [key for key in keys if key not in places]
        if missing:
            more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
            raise UnknownNameError(
                f"run {self.id} has no row with the key {', '.join(map(cut, missing[:_SHOWN]))}{more}"
            )
        return [places[key] for key in keys]

    def _analyst(self, name: str | None) -> str:
        return analyst_name(self._settings.analyst if name is None else name)

    def __repr__(self) -> str:
        flagged = int(self.result.scores.flagged.sum())
        return (
            f"<anomalist run {self.id}: {self.status}, {len(self.result.table):,} rows, {flagged:,} flagged, "
            f"model {self.model_name}>"
        )
