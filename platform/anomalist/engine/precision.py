"""Precision: how many of the rows that a model flagged are anomalies, as far as verdicts tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from anomalist.engine.verdicts import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.engine.verdicts import Judged
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import ModelRow

__all__ = ["Precision", "Share", "precision_of"]

_RUNS = 1_000
_NORMAL = 1.959963984540054  # of a 95% interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share that was estimated from some rows, with its 95% interval.

    Attributes:
        hits: How many of the rows.
        rows: Of how many.
        share: The estimate.
        low: The lower end of the interval.
        high: The upper end.
    """

    hits: int
    rows: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, labels: Sequence[float], weights: Sequence[float]) -> Self:
        """The weighted mean of labels, 0 or 1, at least one of them, with the interval of Wilson (1927).

        For the interval, the weights count as so many equal ones as would be as sure: `sum(w)^2 / sum(w^2)` (Kish
        1965, "Survey sampling").
        """
        total = math.fsum(weights)
        share = math.fsum(weight * label for weight, label in zip(weights, labels, strict=True)) / total
        rows = total**2 / math.fsum(weight**2 for weight in weights)
        spread = _NORMAL**2 / rows
        middle = (share + spread / 2) / (1 + spread)
        half = _NORMAL / (1 + spread) * math.sqrt(share * (1 - share) / rows + spread / (4 * rows))
        return cls(
            hits=int(sum(labels)),
            rows=len(labels),
            share=share,
            low=max(0.0, middle - half),
            high=min(1.0, middle + half),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """The share of anomalies among flagged rows.

    Attributes:
        all: Over all flagged rows that are decided; too high where analysts look at the top of the list first.
        random: Over those that were drawn at random, each weighted by one over the probability that it had of being
            drawn, which takes out how it came to be asked (Hajek 1971); None where there are none.
    """

    all: Share
    random: Share | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"all": self.all.to_dict(), "random": None if self.random is None else self.random.to_dict()}


def precision_of(workspace: Workspace, model: ModelRow) -> Precision | None:
    """Estimate how precise a model is from the standing verdicts on rows that its runs flagged.

    Rows that the model was taught are left out: what it makes of them says nothing of others. Of several runs over the
    same rows the newest counts, and the newest thousand runs of the store are looked at.

    Returns:
        None where no flagged row is decided.
    """
    taught = (model.details.get("stack") or {}).get("position", 0)
    judged = [
        row
        for row in settle(workspace.store.feedback(model=model.name))
        if row.label is not None and row.verdicts[0].id > taught
    ]
    flagged = _flagged(workspace, model, {row.fingerprint for row in judged})
    rows = [row for row in judged if row.key in flagged.get(row.fingerprint, ())]
    if not rows:
        return None
    drawn = [(row, chance) for row in rows for chance in [_drawn(row)] if chance is not None]
    return Precision(
        all=Share.of([float(row.label or 0) for row in rows], [1.0] * len(rows)),
        random=Share.of([float(row.label or 0) for row, _ in drawn], [1.0 / chance for _, chance in drawn])
        if drawn
        else None,
    )


def _flagged(workspace: Workspace, model: ModelRow, fingerprints: set[str]) -> dict[str, set[str]]:
    """The keys of the rows that the newest run of this very version flagged, of each dataset."""
    found: dict[str, set[str]] = {}
    for run in workspace.store.runs(limit=_RUNS) if fingerprints else ():
        name = run.dataset.fingerprint
        if run.model == (model.name, model.version) and run.flagged is not None and name in fingerprints - found.keys():
            top = workspace.store.top(run.id, run.flagged, flagged_only=True) if run.flagged else []
            found[name] = {row.key for row in top}
    return found


def _drawn(row: Judged) -> float | None:
    """The probability with which a row was drawn at random; None where it came otherwise."""
    return next((said.probability for said in row.verdicts if said.asked == "random" and said.probability), None)
