"""Store: the one door to the database. Runs, scores and models go in and come out as plain frozen rows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Self

import sqlalchemy as sa

from anomalist.errors import DataError, StoreError
from anomalist.store import bulk, feedback, models, promotions, runs
from anomalist.store.connection import Database, one_line, parse_url
from anomalist.store.lease import Lease
from anomalist.store.reading import Reader
from anomalist.store.tables import BLOCK_ROWS, run
from anomalist.store.upgrade import SchemaStatus, check_schema, migrate, require_current

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from anomalist.detector import Floats
    from anomalist.store.rows import (
        DatasetRow,
        FeedbackRow,
        Kind,
        MemberRow,
        ModelRow,
        NewFeedback,
        NewModel,
        Promotion,
        PromotionHow,
        RecordRow,
        RunRow,
        Scores,
        ThresholdRow,
    )

__all__ = ["Store"]


class Store(Reader):
    """An open store. It may be used by several threads; close it, or use it as a context manager.

    What can be read of it is described in `Reader`. Every method raises `StoreError` in one line where the database
    refuses, and `UnknownNameError` where a run, member, row, dataset or model does not exist. A run is named by its id,
    by the beginning of it, or by `latest`.
    """

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
                model_id = models.add_model(connection, model, number, run_id)
                connection.execute(sa.update(run).where(run.c.id == number).values(model_id=model_id))
            found = runs.find_run(connection, run_id)[1]
        if scores is not None and len(scores) >= BLOCK_ROWS:
            # The run is stored by now: statistics that cannot be gathered, say because someone writes, do not undo it.
            with suppress(StoreError), self._database.write() as connection:
                bulk.analyze(connection)
        return found

    # Which version serves

    def promote(self, name: str, version: int, *, how: PromotionHow = "asked", run: str | None = None) -> Promotion:
        """Make a version of a model its champion, and no challenger any more.

        Args:
            name: The model.
            version: What becomes the champion.
            how: Why.
            run: The run that decided so; None where somebody did.

        Raises:
            UsageError: The version is the champion already.
        """
        with self._database.write() as connection:
            run_id = None if run is None else runs.find_run(connection, run)[0]
            return promotions.promote(connection, name, version, how=how, run_id=run_id)

    def rollback(self, name: str) -> Promotion:
        """Go back to the version that the champion replaced when it was promoted; again, one step further.

        Raises:
            UsageError: There is nothing to go back to.
        """
        with self._database.write() as connection:
            return promotions.roll_back(connection, name)

    # Verdicts

    def add_feedback(self, entries: Sequence[NewFeedback]) -> list[FeedbackRow]:
        """Add verdicts to the log in one transaction: all of them, in order, or none; gives the row of each.

        Each supersedes the verdict of the same analyst on the same row that stands at that moment. One whose token the
        log has already changes nothing, so that a writer who is not sure may simply say the same again.

        Raises:
            DataError: Something in them must not reach the database, or a token was used for another verdict.
            UnknownNameError: The store does not have a dataset or a run.
            UsageError: There is no verdict to take back.
        """
        feedback.check_entries(entries)
        with self._database.read() as connection:
            datasets, runs_of = feedback.subjects(connection, entries)
        with self._database.write() as connection:
            feedback.add_entries(connection, entries, datasets, runs_of)
        with self._database.read() as connection:  # the log only grows: what was written is there for good
            return feedback.entries_of(connection, [entry.token for entry in entries])
