"""Store: the one door to the database. Runs, scores and models go in and come out as plain frozen rows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Self

import sqlalchemy as sa

from anomalist.errors import DataError, StoreError, UnknownNameError
from anomalist.store import bulk, models, runs, scores
from anomalist.store.connection import Database, one_line, parse_url
from anomalist.store.lease import Lease
from anomalist.store.tables import BLOCK_ROWS, run
from anomalist.store.upgrade import SchemaStatus, check_schema, migrate, require_current

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from anomalist.detector import Floats
    from anomalist.store.rows import (
        DatasetRow,
        Kind,
        MemberRow,
        ModelRow,
        NewModel,
        RecordRow,
        RunRow,
        ScoredRow,
        Scores,
        ThresholdRow,
    )

__all__ = ["Store"]


class Store:
    """An open store. It may be used by several threads; close it, or use it as a context manager.

    Every method raises `StoreError` in one line where the database refuses, and `UnknownNameError` where a run, member,
    row or model does not exist. A run is named by its id, by the beginning of it, or by `latest`.

    Attributes:
        url_shown: The URL of the store, with its password hidden.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.url_shown = database.shown

    @classmethod
    def open(cls, url: str | None = None, *, data_home: Path) -> Self:
        """Open the store at `url`, or the SQLite file under `data_home`; a brand-new one gets its tables.

        Raises:
            ConfigError: The URL is wrong or of a database that is not supported.
            MigrationNeededError: The schema is older or newer than this version of anomalist.
            StoreError: The database cannot be reached, read or written, or is none.
        """
        database = Database(parse_url(url, data_home))
        try:
            database.make_folder()
            require_current(database)
            database.share()
        except BaseException:
            database.close()
            raise
        return cls(database)

    @staticmethod
    def upgrade(url: str | None = None, *, data_home: Path) -> SchemaStatus:
        """Bring the schema of a store to the one of this version, or make the store; raises as `open` does."""
        database = Database(parse_url(url, data_home))
        try:
            database.make_folder()
            status = migrate(database)
            database.share()
            return status
        finally:
            database.close()

    @staticmethod
    def check(url: str | None = None, *, data_home: Path) -> SchemaStatus:
        """Say what state the schema is in, and change nothing; raises `StoreError` where nothing can be read."""
        database = Database(parse_url(url, data_home))
        try:
            database.require_file()
            return check_schema(database)
        finally:
            database.close()

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What a run does while it lives

    def start_run(
        self,
        kind: Kind,
        dataset: DatasetRow,
        *,
        params: Mapping[str, Any],
        seed: int,
        model: ModelRow | None = None,
    ) -> str:
        """Add a run that is running from now on, and return its id.

        Args:
            kind: What it is for.
            dataset: What it works on; known by its fingerprint where it was there before.
            params: What it was asked to do, plain values.
            seed: The seed of all its randomness.
            model: The model that it uses, where it uses one.
        """
        with self._database.write() as connection:
            model_id = None if model is None else models.find_model(connection, model.name, model.version, None)[0]
            return runs.add_run(connection, kind=kind, data=dataset, model_id=model_id, params=params, seed=seed)

    def lease(self, run_id: str) -> Lease:
        """Keep a run alive in the background: `with store.lease(run_id): ...`."""
        return Lease(lambda: self.heartbeat(run_id))

    def heartbeat(self, run_id: str) -> bool:
        """Prolong the lease of a run; False where it is not running any more."""
        with self._database.write() as connection:
            return runs.renew(connection, run_id)

    def fail_run(self, run_id: str, error: str, *, members: Sequence[MemberRow] = ()) -> None:
        """End a run as failed, with one line that says why and what its members did; it keeps no scores."""
        self._give_up(run_id, "failed", error, members)

    def cancel_run(self, run_id: str, error: str = "interrupted", *, members: Sequence[MemberRow] = ()) -> None:
        """End a run as cancelled, with one line that says why; it keeps no scores."""
        self._give_up(run_id, "cancelled", error, members)

    def _give_up(
        self, run_id: str, status: Literal["failed", "cancelled"], error: str, members: Sequence[MemberRow]
    ) -> None:
        with self._database.write() as connection:
            number, _ = runs.end_run(connection, run_id, status, error=one_line(error))
            runs.add_members(connection, number, members)

    def commit_run(
        self,
        run_id: str,
        *,
        status: Literal["done", "partial"],
        members: Sequence[MemberRow] = (),
        threshold: ThresholdRow | None = None,
        scores: Scores | None = None,
        surprises: Floats | None = None,
        records: Iterable[RecordRow] = (),
        model: NewModel | None = None,
        results: Mapping[str, Any] | None = None,
        notes: Sequence[str] = (),
    ) -> RunRow:
        """End a run with all that it found, in one transaction: either all of it is visible from now on, or nothing.

        Args:
            run_id: A running run; its full id.
            status: `partial` where a member is missing.
            members: The panel, in its order.
            threshold: The policy in force.
            scores: The consensus; None for a run that scores nothing.
            surprises: Member scores in bits, finite, shape (rows, members that are `done`), in the order of `members`.
            records: What to keep of the flagged and the top rows; may be a generator.
            model: The model that the run made; its files must be in place already.
            results: Plain values that the run found out, for example measures of quality.
            notes: One-line notices.

        Raises:
            DataError: Something in it must not reach the database; nothing was stored and the run is still running.
            StoreError: The run ended before, or the database refused; nothing was stored.
        """
        done = [position for position, member in enumerate(members) if member.status == "done"]
        rank = None if scores is None else bulk.check_scores(scores)
        if surprises is not None:
            bulk.check_surprises(surprises, 0 if scores is None else len(scores), [members[i].name for i in done])
        flagged = None if scores is None else int(scores.flagged.sum())
        with self._database.write() as connection:
            number, rows = runs.end_run(
                connection, run_id, status, flagged=flagged, results=results, notes=[one_line(note) for note in notes]
            )
            runs.add_members(connection, number, members)
            if threshold is not None:
                runs.add_threshold(connection, number, threshold)
            if scores is not None and rank is not None:
                if len(scores) != rows:
                    raise DataError(f"{len(scores)} scores for a run over {rows} rows")
                bulk.add_scores(connection, number, scores, rank)
                bulk.add_records(connection, number, records, scores)
            if surprises is not None:
                bulk.add_blocks(connection, number, surprises, done)
            if model is not None:
                model_id = models.add_model(connection, model, run_id)
                connection.execute(sa.update(run).where(run.c.id == number).values(model_id=model_id))
            found = runs.find_run(connection, run_id)[1]
        if scores is not None and len(scores) >= BLOCK_ROWS:
            # The run is stored by now: statistics that cannot be gathered, say because someone writes, do not undo it.
            with suppress(StoreError), self._database.write() as connection:
                bulk.analyze(connection)
        return found

    # Runs

    def runs(self, limit: int = 20) -> list[RunRow]:
        """The newest runs, the newest first."""
        with self._database.read() as connection:
            return runs.recent_runs(connection, limit)

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
