"""Findings: the rows of a run that are worth a look, each with its reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomalist.engine.runs.result import Finding
from anomalist.ensemble.calibrate import level
from anomalist.ensemble.explain import Reason, explain
from anomalist.ensemble.learned import learned

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.detector import Ints
    from anomalist.ensemble.model import Each, Model, Scores
    from anomalist.store.rows import ScoredRow

__all__ = ["finding_from", "findings_of", "worth_a_look"]


def worth_a_look(scores: Scores, top: int) -> Ints:
    """The numbers of the flagged rows and of the `top` highest, the most anomalous first; of equals the earlier."""
    order = np.argsort(-scores.score, kind="stable")
    found: Ints = order[: max(int(scores.flagged.sum()), min(top, order.size))]
    return found


def findings_of(
    model: Model, table: Table, data: Dataset, scores: Scores, rows: Ints, *, each: Each = map
) -> tuple[Finding, ...]:
    """Explain some rows of a scored table, of which `data` is the encoding; `rows` are row numbers, shape (k,)."""
    if not rows.size:
        return ()
    surprises = scores.surprises[rows]
    wide = model.encoder.widened(table)
    lessons = learned(model, data.take(rows), surprises)
    reasons = explain(model, table, data, rows, surprises, learned=lessons, each=each)
    shown, levels = level(scores.score[rows]), level(surprises)
    probability = scores.probability
    return tuple(
        Finding(
            key=table.keys[row],
            row=row,
            score=float(scores.score[row]),
            level=float(shown[i]),
            flagged=bool(scores.flagged[row]),
            probability=None if probability is None else float(probability[row]),
            members=dict(zip(scores.members, levels[i].tolist(), strict=True)),
            reasons=reasons[i],
            values=values,
            moved=None if lessons is None else lessons.of(i),
        )
        for i, (row, values) in enumerate(zip(rows.tolist(), wide.several(rows), strict=True))
    )


def finding_from(scored: ScoredRow) -> Finding:
    """A finding as it was stored; without reasons where the row has no record."""
    record = scored.record
    return Finding(
        key=scored.key,
        row=scored.row,
        score=scored.score,
        level=scored.level,
        flagged=scored.flagged,
        members={} if record is None else record.members,
        reasons=() if record is None else tuple(Reason(**reason) for reason in record.reasons),
        values={} if record is None else record.values,
        probability=scored.probability,
        moved=None if record is None else record.moved,
    )
