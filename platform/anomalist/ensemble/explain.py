"""Why is this row flagged: the columns that made it anomalous, their actual and their typical values.

Each member says how much of its own surprise comes from which source column. Detectors that explain themselves are
asked; any other is explained by ablation: put one source column at a time back to its typical value and see how many
bits the surprise falls (occlusion; Zeiler and Fergus 2014). Members then count by how surprised they are.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.detector import Explainable, check_deadline
from anomalist.ensemble.member import view_of
from anomalist.ensemble.sanity import checked_numbers
from anomalist.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.detector import Floats, Ints
    from anomalist.ensemble.learned import Learned
    from anomalist.ensemble.member import Member
    from anomalist.ensemble.model import Each, Model

__all__ = ["Reason", "explain", "shares"]

_log = logging.getLogger(__name__)
_ORDINARY = 1.0  # bits: the median row; a member with less says nothing about why
_BLOCK = 65_536  # rows scored at once while columns are ablated


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One column's part in why a row is anomalous.

    >>> print(Reason(column="amount", actual=9400.0, typical=21.53, share=0.62))
    amount 9400 (typically 21.53) 62%

    Attributes:
        column: The source column.
        actual: Its value in the row; None where it is missing.
        typical: What it usually is: a median, or the most frequent level.
        share: Its part of the explanation, between 0 and 1.
    """

    column: str
    actual: Any
    typical: Any
    share: float

    def __str__(self) -> str:
        return f"{self.column} {_shown(self.actual)} (typically {_shown(self.typical)}) {self.share:.0%}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"column": self.column, "actual": self.actual, "typical": self.typical, "share": self.share}


def explain(
    model: Model,
    table: Table,
    data: Dataset,
    rows: Ints,
    surprises: Floats,
    *,
    learned: Learned | None = None,
    most: int = 5,
    least: float = 0.05,
    each: Each = map,
) -> list[tuple[Reason, ...]]:
    """Give the reasons for some rows of a table, the strongest first.

    Where rows are looked at one by one, a column that holds its typical value is no reason.

    Args:
        model: The model that scored the table.
        table: The table that was scored, whole: windows need the rows around.
        data: The same, encoded.
        rows: Row numbers, shape (k,).
        surprises: The members' surprises of those rows, in bits, shape (k, members).
        learned: What verdicts changed for those rows: what moved them towards an anomaly is a reason too.
        most: At most this many reasons a row.
        least: Leave out columns with a smaller share, except the first.
        each: How to run over the members.
    """
    columns, parts = shares(model, data, rows, surprises, each=each)
    if learned is not None:
        parts = _normalised(learned.surprise[:, None] * parts + np.maximum(learned.by_column, 0.0))
    typical, wide = model.encoder.typical, model.encoder.widened(table)
    one_by_one = all(member.view == "rows" for member in model.members)
    found = []
    for values, part in zip(wide.several(rows), parts, strict=True):
        if one_by_one:
            usual = [column in typical and values.get(column) == typical[column] for column in columns]
            part = np.where(usual, 0.0, part)  # a usual value may count in a score, but it explains nothing
        order = [i for i in np.argsort(-part, kind="stable")[:most].tolist() if part[i] >= least]
        order = order or ([int(part.argmax())] if part.max() > 0 else [])
        found.append(
            tuple(
                Reason(
                    column=columns[i],
                    actual=_like(typical.get(columns[i]), values.get(columns[i])),
                    typical=typical.get(columns[i]),
                    share=float(part[i]),
                )
                for i in order
            )
        )
    return found


def shares(
    model: Model, data: Dataset, rows: Ints, surprises: Floats, *, each: Each = map
) -> tuple[tuple[str, ...], Floats]:
    """Each source column's share in the anomaly of some rows: their names, and shape (k, columns), rows sum to 1.

    A row that no member finds more surprising than the median gets zeros. A member that cannot explain itself, or for
    which `each` yields None, is left out: scores do not fall with their reasons.
    """
    columns = tuple(dict.fromkeys(data.origins))
    parts = list(each(lambda member: _shares_or_none(member, model, data, rows, columns), model.members))
    weights = np.maximum(surprises - _ORDINARY, 0.0)
    total = np.zeros((rows.size, len(columns)))
    for index, part in enumerate(parts):
        if part is not None:
            total += weights[:, index, None] * part
    return columns, _normalised(total)


def _shares_or_none(member: Member, model: Model, data: Dataset, rows: Ints, columns: Sequence[str]) -> Floats | None:
    """One member's share for each source column, shape (k, columns); None where its detector fails."""
    try:
        return _member_shares(member, model, data, rows, columns)
    except Exception as error:  # noqa: BLE001 - a detector may raise anything
        _log.warning("%s cannot say why: %s", member.who, one_line(error))
        return None


def _member_shares(member: Member, model: Model, data: Dataset, rows: Ints, columns: Sequence[str]) -> Floats:
    """One member's share for each source column, shape (k, columns)."""
    if member.view == "rows":
        data, rows = data.take(rows), np.arange(rows.size)
        typical = model.encoder.baseline
    else:
        typical = None
    units = view_of(member.view, data, model.windower)
    chosen = np.zeros(len(data), dtype=np.bool_)
    chosen[rows] = True
    covering = units.covering(chosen)
    found = np.zeros((covering.size, len(columns)))
    first = 0
    for block in units.blocks():
        here = np.flatnonzero(covering[first : first + len(block)])
        if here.size:
            found[first + here] = _contributions(member, block.take(here), columns, typical)
        first += len(block)
    return _normalised(units.to_rows(found)[rows])


def _contributions(member: Member, units: Dataset, columns: Sequence[str], typical: Floats | None) -> Floats:
    """Each source column's share in the surprise of each unit, shape (units, columns); each row sums to 1 or 0."""
    if isinstance(member.detector, Explainable):
        shape = len(units), units.width
        own = checked_numbers(member.detector.contributions(units), shape, "contributions", f"numbers of shape {shape}")
        return _normalised(_by_origin(own, units.origins, columns))
    return _normalised(_ablation(member, units, columns, typical))


def _ablation(member: Member, units: Dataset, columns: Sequence[str], typical: Floats | None) -> Floats:
    """By how many bits the surprise falls when a source column is put back to its typical value.

    `typical` has shape (encoded columns,); None stands for zeros, the typical value of normalised windows.
    """
    before = _surprise(member, units)
    fallen = np.zeros((len(units), len(columns)))
    origins = np.array(units.origins)
    for index, column in enumerate(columns):
        check_deadline()
        changed = np.flatnonzero(origins == column)
        values = units.values.copy()
        values[..., changed] = 0.0 if typical is None else typical[changed]
        fallen[:, index] = before - _surprise(member, replace(units, values=values))
    return np.maximum(fallen, 0.0)


def _surprise(member: Member, units: Dataset) -> Floats:
    blocks = (units.take(slice(first, first + _BLOCK)) for first in range(0, len(units), _BLOCK))
    return member.calibrator.surprise(np.concatenate([member.detector.score(block) for block in blocks]))


def _like(typical: Any, value: Any) -> Any:
    """A value, a whole number as such where the typical one is: a code in a column of decimals, since some are missing.

    >>> _like(17, 94103.0), _like(17.5, 18.0)
    (94103, 18.0)
    """
    whole = isinstance(typical, int) and isinstance(value, float) and value.is_integer()
    return int(value) if whole else value


def _shown(value: Any) -> str:
    """A value as people read it: numbers to four digits, a dash for what is missing."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return "-" if value is None else str(value)


def _by_origin(contributions: Floats, origins: Sequence[str], columns: Sequence[str]) -> Floats:
    """Add up the encoded columns of each source column."""
    index = {column: i for i, column in enumerate(columns)}
    summed = np.zeros((contributions.shape[0], len(columns)))
    np.add.at(summed.T, [index[origin] for origin in origins], np.maximum(contributions, 0.0).T)
    return summed


def _normalised(parts: Floats) -> Floats:
    total = parts.sum(axis=1, keepdims=True)
    result: Floats = np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)
    return result
