"""Lessons: what analysts said of rows, put together with what a model knows of these rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anomalist.data.roles import Role
from anomalist.data.table import Table
from anomalist.data.words import counted
from anomalist.engine.feedback.verdicts import settle
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.data.conventions import Reading
    from anomalist.data.dataset import Dataset
    from anomalist.data.encode import Encoder
    from anomalist.detector import Floats, Ints
    from anomalist.engine.feedback.verdicts import Judged
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model
    from anomalist.ensemble.stack import Evidence

__all__ = ["Known", "Place", "evidence_of_judged", "labels_at", "learned", "rebuilt", "settled"]

_NO_PART = frozenset({Role.KEY, Role.LABEL})  # rows judged under another key may have the same value there

Place = tuple[str, str]
"""A row that somebody judged: the fingerprint of its dataset, and its key."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What a model knows of judged rows.

    Attributes:
        rows: Which of the judged rows it could be asked about, in ascending order, shape (known rows,).
        evidence: What it says of them, in that order.
        notes: Which it could not be asked about and why, one line each.
    """

    rows: Ints
    evidence: Evidence
    notes: tuple[str, ...] = ()


def settled(workspace: Workspace, name: str, *, up_to: int | None = None) -> list[Judged]:
    """What holds of every row of a model's datasets, now or as the log stood right after the entry `up_to`."""
    return settle(workspace.store.feedback(model=name, up_to=up_to))


def learned(workspace: Workspace, name: str, about: Mapping[str, Any]) -> list[Judged]:
    """What a version of a model was taught, or would have been, as it stood then, by what the version keeps of it.

    Verdicts that there were at that time on datasets that the model had not met with are none of it.
    """
    return [one for one in settled(workspace, name, up_to=about["position"]) if one.fingerprint in about["datasets"]]


def labels_at(places: Sequence[Place], judged: Sequence[Judged]) -> Floats:
    """The label of each place by these verdicts, NaN where it has none; shape (places,)."""
    known = {(row.fingerprint, row.key): row.label for row in judged}
    return np.array([np.nan if (label := known.get(place)) is None else label for place in places], dtype=np.float64)


def evidence_of_judged(model: Model, judged: Sequence[Judged], table: Table, data: Dataset, surprises: Floats) -> Known:
    """Ask a model about judged rows: those of a table that it has scored, and those of others by their stored values.

    Args:
        model: The model.
        judged: The rows.
        table: A table that the model has scored.
        data: Its encoded rows.
        surprises: What the members said of them, bits, shape (rows, members).
    """
    fingerprint = table.fingerprint
    places = dict(zip(table.keys, range(len(table)), strict=True))
    here: dict[int, int] = {}
    elsewhere: dict[str, list[int]] = {}
    for row, one in enumerate(judged):
        if one.fingerprint == fingerprint and one.key in places:
            here[row] = places[one.key]
        else:  # of the same rows, too, where they were named by another column when they were judged
            elsewhere.setdefault(one.fingerprint, []).append(row)
    asked = np.array([*here.values()] or [0], dtype=np.int64)  # no combiner is asked about no rows
    evidence = model.evidence(data.take(asked), surprises[asked]).take(slice(0, len(here)))
    rows, notes = [*here], []
    for others in elsewhere.values():
        source = judged[others[0]].verdicts[0].source
        try:
            evidence = evidence.followed_by(_by_values(model, [judged[row] for row in others], source))
            rows += others
        except DataError as error:
            notes.append(f"left out: {counted(len(others), 'judged row')} of {source}: {error}")
    order = np.argsort(np.array(rows, dtype=np.int64), kind="stable")
    return Known(rows=np.array(rows, dtype=np.int64)[order], evidence=evidence.take(order), notes=tuple(notes))


def rebuilt(values: Sequence[Mapping[str, Any]], reading: Reading, *, source: str) -> Table:
    """The table of rows whose values were stored, read as the rows of `reading` were.

    Raises:
        DataError: They do not make a table.
    """
    frame = pl.DataFrame(list(values), infer_schema_length=None)
    roles = {name: Role.IGNORED if role in _NO_PART else role for name, role in reading.roles.items()}
    dates = [name for name, convention in reading.conventions.items() if convention.kind == "date"]
    texts = [name for name in dates if name in frame.columns and frame.schema[name] == pl.String]
    frame = frame.with_columns(pl.col(name).str.to_datetime(time_unit="us", strict=False) for name in texts)
    return Table.from_frame(frame, source=source, like=replace(reading, roles=roles))


def _by_values(model: Model, judged: Sequence[Judged], source: str) -> Evidence:
    """Ask a model about rows by their values alone.

    Raises:
        DataError: The model sees a row among its neighbours, or these rows lack one of its columns.
    """
    if any(member.view != "rows" for member in model.members):
        raise DataError("the model sees rows among their neighbours in time, and only single rows were stored")
    data = _encoded(model.encoder, [one.values for one in judged], source)
    surprises = [member.surprise(data, model.windower) for member in model.members]
    return model.evidence(data, np.stack(surprises, axis=1))


def _encoded(encoder: Encoder, values: Sequence[Mapping[str, Any]], source: str) -> Dataset:
    """Rows by their stored values; what features made of them is taken as it was, for it may tell of rows around them.

    Raises:
        DataError: These rows lack a column.
    """
    names = encoder.features.names
    if not names:
        return encoder.encode(rebuilt(values, encoder.reading, source=source))
    for name in names:
        if any(name not in row for row in values):
            raise DataError(f"column {name!r}, which features of the model make, was not stored with them")
    made = rebuilt([{name: row[name] for name in names} for row in values], encoder.features.reading, source=source)
    own = [{name: value for name, value in row.items() if name not in names} for row in values]
    return encoder.encode(rebuilt(own, encoder.reading, source=source), made=made.frame)
