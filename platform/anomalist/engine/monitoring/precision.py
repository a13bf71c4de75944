"""Precision: how many of the rows that a model flagged are anomalies, as far as verdicts tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from anomalist.engine.feedback.lessons import learned, settled

if TYPE_CHECKING:
    from anomalist.engine.feedback.verdicts import Judged
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
    def of(cls, hits: int, rows: int) -> Self:
        """So many of so many rows, at least one, with the interval of Wilson (1927)."""
        share, spread = hits / rows, _NORMAL**2 / rows
        middle = (share + spread / 2) / (1 + spread)
        half = _NORMAL / (1 + spread) * math.sqrt(share * (1 - share) / rows + spread / (4 * rows))
        return cls(hits=hits, rows=rows, share=share, low=max(0.0, middle - half), high=min(1.0, middle + half))

    def beside(self, hits: int, rows: int, *, of: int) -> Self:
        """The share among `of` rows, of which so many are known and the others are as these are."""
        ends = {name: (hits + (of - rows) * getattr(self, name)) / of for name in ("share", "low", "high")}
        return type(self)(hits=self.hits, rows=self.rows, **ends)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """The share of anomalies among flagged rows.

    Attributes:
        all: Over all flagged rows that are decided; too high where analysts look at the top of the list first.
        random: An estimate for all flagged rows, decided or not: rows that were drawn at random stand for all that came
            before nobody in another way, which count as they were decided. `hits` and `rows` are of the random ones.
            None where there are none.
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
    about = model.details.get("stack")
    taught = {(row.fingerprint, row.key) for row in learned(workspace, model.name, about)} if about else set()
    judged = [row for row in settled(workspace, model.name) if row.label is not None]
    flagged = _flagged(workspace, model, {row.fingerprint for row in judged}) - taught
    decided = [row for row in judged if (row.fingerprint, row.key) in flagged]
    if not decided:
        return None
    drawn = [row for row in decided if any(verdict.asked == "random" for verdict in row.verdicts)]
    random = None
    if drawn:
        hits, known = _hits(drawn), len(decided) - len(drawn)
        random = Share.of(hits, len(drawn)).beside(_hits(decided) - hits, known, of=len(flagged))
    return Precision(all=Share.of(_hits(decided), len(decided)), random=random)


def _hits(rows: list[Judged]) -> int:
    return sum(row.label == 1 for row in rows)


def _flagged(workspace: Workspace, model: ModelRow, fingerprints: set[str]) -> set[tuple[str, str]]:
    """The rows that the newest run of this very version flagged, of each dataset: its fingerprint and the row's key."""
    found: dict[str, set[tuple[str, str]]] = {}
    for run in workspace.store.runs(limit=_RUNS) if fingerprints else ():
        name = run.dataset.fingerprint
        if run.model == (model.name, model.version) and run.flagged is not None and name in fingerprints - found.keys():
            top = workspace.store.top(run.id, run.flagged, flagged_only=True) if run.flagged else []
            found[name] = {(name, row.key) for row in top}
    return set().union(*found.values())
