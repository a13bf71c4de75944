"""The log of verdicts: the queries behind `Store`. Every function works inside a transaction of the caller."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import sqlalchemy as sa

from anomalist.errors import DataError, UnknownNameError, UsageError
from anomalist.store.connection import plain_json
from anomalist.store.models import require_model
from anomalist.store.rows import ASKED, VERDICTS, FeedbackRow
from anomalist.store.tables import dataset, feedback, model, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from anomalist.store.rows import NewFeedback

__all__ = ["add_entries", "check_entries", "entries", "entries_of", "newest_entry", "subjects"]

CHUNK = 500
"""How many values one query asks for: no database takes any number of parameters."""

ENTRIES = (
    sa.select(feedback, dataset.c.fingerprint, dataset.c.source, run.c.slug.label("run"))
    .select_from(feedback.join(dataset).outerjoin(run, run.c.id == feedback.c.run_id))
    .order_by(feedback.c.id)
)

Place: TypeAlias = tuple[int, str, str]
"""Where at most one verdict stands: the number of the dataset, the row key and the analyst."""

T = TypeVar("T", int, str)


def check_entries(new: Sequence[NewFeedback]) -> None:
    """Refuse what must not reach the database.

    Raises:
        DataError: A verdict, a probability or a way of being asked is none, a text is empty or cannot be stored, or a
            value is not plain or not finite; the message names the row.
    """
    for entry in new:
        what = f"feedback on row {entry.key!r}"
        for name in ("key", "analyst", "token"):
            if not getattr(entry, name).strip():
                raise DataError(f"{what}: the {name} is empty")
        if entry.verdict is not None and entry.verdict not in VERDICTS:
            raise DataError(f"{what}: a verdict is one of {', '.join(VERDICTS)}, got {entry.verdict!r}")
        if entry.asked is not None and entry.asked not in ASKED:
            raise DataError(f"{what}: a row is asked about as one of {', '.join(ASKED)}, got {entry.asked!r}")
        if entry.probability is not None and not (math.isfinite(entry.probability) and 0 < entry.probability <= 1):
            raise DataError(f"{what}: a probability is above 0 and up to 1, got {entry.probability}")
        texts = (entry.key, entry.analyst, entry.token, entry.cause, entry.note)
        plain_json([text for text in texts if text is not None], what)
        plain_json(entry.values, f"the values of row {entry.key!r}")


def subjects(connection: Connection, new: Sequence[NewFeedback]) -> tuple[dict[str, int], dict[str, int]]:
    """The numbers of the datasets, by fingerprint, and of the runs, by id, that these verdicts are about.

    Neither ever leaves the store: they can be looked up before the transaction that writes, for which others wait.

    Raises:
        UnknownNameError: A dataset or a run is not in the store.
    """
    datasets = _numbers(connection, dataset.c.fingerprint, dataset.c.id, (entry.fingerprint for entry in new))
    runs = _numbers(connection, run.c.slug, run.c.id, (entry.run for entry in new if entry.run is not None))
    for entry in new:
        if entry.fingerprint not in datasets:
            raise UnknownNameError(f"feedback on row {entry.key!r}: no dataset {entry.fingerprint!r}; run it first")
        if entry.run is not None and entry.run not in runs:
            raise UnknownNameError(f"feedback on row {entry.key!r}: no run {entry.run!r}")
    return datasets, runs


def add_entries(
    connection: Connection, new: Sequence[NewFeedback], datasets: Mapping[str, int], runs: Mapping[str, int]
) -> None:
    """Add to the log, in order, what it does not have yet; takes what `subjects` gives.

    Raises:
        UsageError: There is no verdict to take back.
        DataError: A token was used for another verdict.
    """
    if connection.dialect.name == "postgresql":
        # Writers take turns, as they do on SQLite: what stands then stands until the commit, and ids become visible in
        # their order, without which a position in the log would mean nothing. Readers are not held up.
        connection.execute(sa.text("LOCK TABLE feedback IN SHARE ROW EXCLUSIVE MODE"))
    known: dict[str, FeedbackRow | NewFeedback] = dict(_by_token(connection, [entry.token for entry in new]))
    fresh = []
    for entry in new:
        if entry.token not in known:
            known[entry.token] = entry
            fresh.append(entry)
        _require_same(entry, known[entry.token])
    _append(connection, fresh, datasets, runs)


def _append(
    connection: Connection, new: Sequence[NewFeedback], datasets: Mapping[str, int], runs: Mapping[str, int]
) -> None:
    """Add entries of new tokens, as many at a time as do not supersede each other."""
    places = [(datasets[entry.fingerprint], entry.key, entry.analyst) for entry in new]
    standing = _standing(connection, places)
    now = datetime.now(UTC)
    waiting: dict[Place, dict[str, Any]] = {}
    for place, entry in zip(places, new, strict=True):
        if place in waiting:
            connection.execute(sa.insert(feedback), list(waiting.values()))
            standing |= _standing(connection, waiting)
            waiting = {}
        supersedes = standing.pop(place, None)
        if entry.verdict is None and supersedes is None:
            raise UsageError(f"{entry.analyst} has no verdict on row {entry.key!r} to take back")
        waiting[place] = {
            "dataset_id": place[0],
            "key": entry.key,
            "verdict": entry.verdict,
            "cause": entry.cause,
            "note": entry.note,
            "analyst": entry.analyst,
            "asked": entry.asked,
            "probability": None if entry.probability is None else float(entry.probability),
            "run_id": None if entry.run is None else runs[entry.run],
            "row_values": entry.values,
            "supersedes": supersedes,
            "created_at": now,
            "token": entry.token,
        }
    if waiting:
        connection.execute(sa.insert(feedback), list(waiting.values()))


def entries_of(connection: Connection, tokens: Sequence[str]) -> list[FeedbackRow]:
    """The entries of these tokens, in their order."""
    found = _by_token(connection, tokens)
    return [found[token] for token in tokens]


def _numbers(
    connection: Connection, name: sa.Column[Any], number: sa.Column[Any], wanted: Iterable[str]
) -> dict[str, int]:
    """The numbers of datasets or runs by name, of those that there are."""
    found: dict[str, int] = {}
    for some in _chunks(set(wanted)):
        found |= {row[0]: row[1] for row in connection.execute(sa.select(name, number).where(name.in_(some)))}
    return found


def _standing(connection: Connection, places: Iterable[Place]) -> dict[Place, int]:
    """The entries whose verdict stands at these places."""
    keys: dict[int, set[str]] = {}
    for number, key, _ in places:
        keys.setdefault(number, set()).add(key)
    columns = (feedback.c.dataset_id, feedback.c.key, feedback.c.analyst, feedback.c.id)
    found: dict[Place, int] = {}
    for number, wanted in keys.items():
        for some in _chunks(wanted):
            query = sa.select(*columns).where(feedback.c.dataset_id == number, feedback.c.key.in_(some), _stands(None))
            found |= {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}
    return found


def _stands(up_to: int | None) -> sa.ColumnElement[bool]:
    """True for a verdict that nothing supersedes, or nothing up to an entry."""
    later = feedback.alias("later")
    superseded = sa.select(later.c.id).where(later.c.supersedes == feedback.c.id)
    if up_to is not None:
        superseded = superseded.where(later.c.id <= up_to)
    return feedback.c.verdict.is_not(None) & ~superseded.exists()


def _by_token(connection: Connection, tokens: Iterable[str]) -> dict[str, FeedbackRow]:
    found: dict[str, FeedbackRow] = {}
    for some in _chunks(set(tokens)):
        query = ENTRIES.where(feedback.c.token.in_(some))
        found |= {row.token: _feedback_row(row) for row in connection.execute(query)}
    return found


def _require_same(entry: NewFeedback, known: FeedbackRow | NewFeedback) -> None:
    """Refuse a verdict that would be lost because another one went under its token."""
    said = (entry.fingerprint, entry.key, entry.verdict, entry.analyst)
    if said != (known.fingerprint, known.key, known.verdict, known.analyst):
        raise DataError(
            f"feedback on row {entry.key!r}: its token {entry.token!r} stands for {known.verdict} by {known.analyst} "
            f"on row {known.key!r} already; a new verdict needs a new one"
        )


def _chunks(values: set[T]) -> Iterator[list[T]]:
    listed = sorted(values)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


def entries(
    connection: Connection,
    *,
    fingerprint: str | None,
    model_name: str | None,
    run_id: int | None,
    key: str | None,
    analyst: str | None,
    standing: bool,
    up_to: int | None,
) -> list[FeedbackRow]:
    """The entries that meet every condition that is given, the oldest first.

    Raises:
        UnknownNameError: There is no model of that name.
    """
    query = ENTRIES
    if model_name is not None:
        require_model(connection, model_name)
        query = query.where(feedback.c.dataset_id.in_(_datasets_of(model_name)))
    for column, wanted in (
        (dataset.c.fingerprint, fingerprint),
        (feedback.c.run_id, run_id),
        (feedback.c.key, key),
        (feedback.c.analyst, analyst),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if up_to is not None:
        query = query.where(feedback.c.id <= up_to)
    if standing:
        query = query.where(_stands(up_to))
    return [_feedback_row(row) for row in connection.execute(query)]


def _datasets_of(model_name: str) -> sa.Select[tuple[int]]:
    """The datasets that any version of a model was fitted on or has scored."""
    return (
        sa.select(run.c.dataset_id)
        .join_from(run, model)
        .where(model.c.name == model_name, run.c.status.in_(("done", "partial")))
    )


def newest_entry(connection: Connection) -> int:
    """The id of the newest entry, 0 where the log is empty."""
    return connection.scalar(sa.select(sa.func.max(feedback.c.id))) or 0


def _feedback_row(row: sa.Row[Any]) -> FeedbackRow:
    return FeedbackRow(
        id=row.id,
        fingerprint=row.fingerprint,
        source=row.source,
        key=row.key,
        verdict=row.verdict,
        cause=row.cause,
        note=row.note,
        analyst=row.analyst,
        asked=row.asked,
        probability=row.probability,
        run=row.run,
        values=row.row_values,
        supersedes=row.supersedes,
        token=row.token,
        created_at=row.created_at,
    )
