"""Learned: what verdicts changed in the score of a row, and which detector and column they changed it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.ensemble.stack import Attributing
from anomalist.errors import DetectorError, blaming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats
    from anomalist.ensemble.model import Model

__all__ = ["Learned", "learned"]

_LEAST = 0.01  # nats; less is not worth a line


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """By how many nats verdicts moved the log-odds of some rows; positive towards an anomaly.

    Attributes:
        members: The names of the detectors.
        columns: The names of the source columns.
        by_member: By what each detector says of the row, shape (rows, members).
        by_column: By the value of each source column, shape (rows, columns).
        surprise: What the consensus says of the rows by itself, in nats, shape (rows,).
    """

    members: tuple[str, ...]
    columns: tuple[str, ...]
    by_member: Floats
    by_column: Floats
    surprise: Floats

    def of(self, row: int) -> dict[str, Mapping[str, Any]]:
        """The same of one row, plain values, the largest first; what is next to nothing is left out."""
        return {
            "detectors": _sorted(self.members, self.by_member[row]),
            "columns": _sorted(self.columns, self.by_column[row]),
        }


def learned(model: Model, data: Dataset, surprises: Floats) -> Learned | None:
    """What verdicts changed for encoded rows, to which the members gave surprises in bits, shape (rows, members).

    None where nothing was learned, or where what learned cannot say.
    """
    if model.stack is None or not isinstance(model.stack.stacker, Attributing):
        return None
    evidence = model.evidence(data, surprises)
    with blaming(f"stacker {model.stack.name}", DetectorError):
        by_member, by_encoded = model.stack.stacker.moved(evidence)
    wanted, found = (evidence.surprises.shape, evidence.columns.shape), (by_member.shape, by_encoded.shape)
    if wanted != found:
        raise DetectorError(f"stacker {model.stack.name} must say what moved rows in shapes {wanted}, got {found}")
    columns = tuple(dict.fromkeys(data.origins))
    place = {column: index for index, column in enumerate(columns)}
    by_column = np.zeros((len(evidence), len(columns)))
    np.add.at(by_column.T, [place[origin] for origin in data.origins], by_encoded.T)
    return Learned(
        members=model.names,
        columns=columns,
        by_member=by_member,
        by_column=by_column,
        surprise=np.log(2.0) * evidence.consensus,
    )


def _sorted(names: tuple[str, ...], nats: Floats) -> dict[str, float]:
    order = np.argsort(-np.abs(nats), kind="stable").tolist()
    return {names[i]: round(float(nats[i]), 4) for i in order if abs(nats[i]) >= _LEAST}
