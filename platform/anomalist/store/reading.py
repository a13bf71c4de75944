"""Reader: what can be read of a store. Runs, scores, models and verdicts come out as plain frozen rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from anomalist.errors import UnknownNameError
from anomalist.store import feedback, models, promotions, runs, scores

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from anomalist.detector import Floats
    from anomalist.store.connection import Database
    from anomalist.store.rows import (
        FeedbackRow,
        MemberRow,
        ModelRow,
        Promotion,
        RecordRow,
        RunRow,
        ScoredRow,
        Scores,
        ThresholdRow,
    )

__all__ = ["Reader"]


class Reader:
    """The half of a store that changes nothing; `Store` is the whole.

    Attributes:
        url_shown: The URL of the store, with its password hidden.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.url_shown = database.shown

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Runs

    def runs(self, limit: int = 20, *, trials: bool = False) -> list[RunRow]:
        """The newest runs, the newest first, with the trials of searches or without."""
        with self._database.read() as connection:
            return runs.recent_runs(connection, limit, trials=trials)

    def trials(self, question: str) -> list[RunRow]:
        """The trials of all searches that were asked the same, the oldest first."""
        with self._database.read() as connection:
            return runs.trials_of(connection, question)

    def run(self, run_id: str) -> RunRow:
        """One run."""
        with self._database.read() as connection:
            return runs.find_run(connection, run_id)[1]

    def scored_run(self, run_id: str) -> RunRow:
        """One run that has scores; `latest` is the newest that has."""
        with self._database.read() as connection:
            return self._scored(connection, run_id)[1]

    def members(self, run_id: str) -> list[MemberRow]:
        """The panel of a run, in its order."""
        with self._database.read() as connection:
            return runs.members_of(connection, runs.find_run(connection, run_id)[0])

    def threshold(self, run_id: str) -> ThresholdRow | None:
        """The threshold in force in a run, or None for a run without one."""
        with self._database.read() as connection:
            return runs.threshold_of(connection, runs.find_run(connection, run_id)[0])

    # Scores; a run that has none is an UnknownNameError that says why

    def top(self, run_id: str, k: int = 10, *, flagged_only: bool = False) -> list[ScoredRow]:
        """The `k` most anomalous rows, the most anomalous first."""
        with self._database.read() as connection:
            number, _, flagged = self._scored(connection, run_id)
            return scores.top_rows(connection, number, k, flagged=flagged, flagged_only=flagged_only)

    def score_of(self, run_id: str, key: str) -> ScoredRow:
        """One row by its key."""
        with self._database.read() as connection:
            number, found, _ = self._scored(connection, run_id)
            row = scores.scored_row(connection, number, key)
        if row is None:
            raise UnknownNameError(f"run {found.id} has no row with the key {key!r}")
        return row

    def record(self, run_id: str, key: str) -> RecordRow:
        """What was kept of a flagged or top row: its values, its reasons and what each member said."""
        row = self.score_of(run_id, key)
        if row.record is None:
            raise UnknownNameError(f"row {key!r} is no. {row.rank} of the run: only flagged and top rows are recorded")
        return row.record

    def scores(self, run_id: str) -> Scores:
        """The consensus of every row, in row order."""
        with self._database.read() as connection:
            number, found, _ = self._scored(connection, run_id)
            return scores.scores_of(connection, number, found.dataset.rows)

    def member_scores(self, run_id: str, row: int) -> dict[str, float]:
        """The surprise in bits that each member gave one row."""
        with self._database.read() as connection:
            number, found, _ = self._scored(connection, run_id)
            if not 0 <= row < found.dataset.rows:
                raise UnknownNameError(f"run {found.id} has rows 0 to {found.dataset.rows - 1}, got {row}")
            return scores.member_row(connection, number, row)

    def member_column(self, run_id: str, member: str) -> Floats:
        """The surprises in bits that one member gave every row, float32, shape (rows,)."""
        with self._database.read() as connection:
            number, _, _ = self._scored(connection, run_id)
            return scores.member_column(connection, number, member)

    @staticmethod
    def _scored(connection: Connection, run_id: str) -> tuple[int, RunRow, int]:
        """A run that has scores: its number, its row, and how many rows are flagged."""
        number, found = runs.find_run(connection, run_id, scored=True)
        if found.flagged is None:
            why = f"it is {found.status}" + (f" ({found.error})" if found.error else "")
            raise UnknownNameError(f"run {found.id} has no scores: {why}")
        return number, found, found.flagged

    # Models

    def models(self, name: str | None = None) -> list[ModelRow]:
        """Every model, or every version of one, by name and with the newest version first."""
        with self._database.read() as connection:
            return [row for _, row in models.all_models(connection, name)]

    def model(self, name: str, *, version: int | None = None, alias: str | None = None) -> ModelRow:
        """One model; without version and alias the champion, or the newest version where there is no champion."""
        with self._database.read() as connection:
            return models.find_model(connection, name, version, alias)[1]

    def aliases(self, name: str) -> dict[str, int]:
        """The aliases of a model, each with the version that it points at."""
        return {alias: row.version for row in self.models(name) for alias in row.aliases}

    def promotions(self, name: str) -> list[Promotion]:
        """Every time that a version of a model became its champion, the newest first."""
        with self._database.read() as connection:
            return promotions.promotions_of(connection, name)

    # Verdicts

    def feedback(
        self,
        *,
        fingerprint: str | None = None,
        model: str | None = None,
        run: str | None = None,
        key: str | None = None,
        analyst: str | None = None,
        standing: bool = True,
        up_to: int | None = None,
    ) -> list[FeedbackRow]:
        """The verdicts that meet every condition that is given, the oldest first.

        Args:
            fingerprint: On this dataset.
            model: On a dataset that any version of the model of this name was fitted on or has scored.
            run: Given while this run was looked at.
            key: On the row of this key.
            analyst: By this analyst.
            standing: Only what stands: neither superseded nor taken back; else every entry, also those that take back.
            up_to: As the log stood right after the entry of this id.
        """
        with self._database.read() as connection:
            return feedback.entries(
                connection,
                fingerprint=fingerprint,
                model_name=model,
                run_id=None if run is None else runs.find_run(connection, run)[0],
                key=key,
                analyst=analyst,
                standing=standing,
                up_to=up_to,
            )

    def feedback_position(self) -> int:
        """The id of the newest entry of the log of verdicts; 0 where there is none."""
        with self._database.read() as connection:
            return feedback.newest_entry(connection)
