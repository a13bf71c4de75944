"""The log of verdicts: what was said of rows, as it was said and with what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from anomalist.engine.feedback.verdicts import State, settle
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.engine.feedback.verdicts import Judged
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import FeedbackRow

__all__ = ["Entry", "Fate", "as_dict", "log_of", "read_log", "tally"]

Fate: TypeAlias = State | Literal["superseded", "taken back", "takes back"]
"""What has become of an entry; of one that stands, the state of its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log.

    Attributes:
        row: The entry.
        state: What has become of it.
        stands: Whether it is a verdict that counts.
        disputed: Whether analysts disagree on its row.
        label: What its row is taken for: 1 an anomaly, 0 normal, None undecided.
    """

    row: FeedbackRow
    state: Fate
    stands: bool
    disputed: bool
    label: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**as_dict(self.row), "state": self.state, "label": self.label}


def log_of(
    workspace: Workspace, *, run_id: str | None = None, model: str | None = None, standing: bool = True
) -> list[FeedbackRow]:
    """What was said of the rows of a run, of all data that a model met, or of all data; the oldest first.

    Args:
        workspace: Where.
        run_id: A run: every verdict on its rows, whichever run showed them.
        model: The name of a model: every verdict on rows that a run of any of its versions fitted or scored.
        standing: Only what is neither superseded nor taken back.

    Raises:
        UnknownNameError: There is no such run or model.
        UsageError: Both a run and a model were named.
    """
    if run_id is not None and model is not None:
        raise UsageError("a run and --model exclude each other; give one")
    store = workspace.store
    if run_id is not None:
        return store.feedback(fingerprint=store.run(run_id).dataset.fingerprint, standing=standing)
    name = None if model is None else workspace.find(model).name
    return store.feedback(model=name, standing=standing)


def as_dict(row: FeedbackRow) -> dict[str, Any]:
    """An entry of the log as plain values."""
    names = ("key", "verdict", "analyst", "cause", "note", "asked", "probability", "run", "token", "supersedes")
    return {
        "entry": row.id,
        **{name: getattr(row, name) for name in names},
        "time": row.created_at.isoformat(),
        "dataset": row.fingerprint,
        "source": row.source,
        "values": dict(row.values),
    }


def read_log(workspace: Workspace, *, run_id: str | None = None, model: str | None = None) -> list[Entry]:
    """The whole log of the rows of a run, of the data of a model, or of all data; the newest entry first.

    Raises:
        UnknownNameError: There is no such run or model.
        UsageError: Both were named.
    """
    rows = log_of(workspace, run_id=run_id, model=model, standing=False)
    judged = {(found.fingerprint, found.key): found for found in settle(rows)}
    ended = {row.supersedes: row for row in rows if row.supersedes is not None}
    return [_entry(row, judged.get((row.fingerprint, row.key)), ended.get(row.id)) for row in reversed(rows)]


def _entry(row: FeedbackRow, judged: Judged | None, later: FeedbackRow | None) -> Entry:
    """An entry, given what holds of its row, and the entry that came in its place."""
    state = "unsure" if judged is None else judged.state
    fate: Fate = state
    if row.verdict is None:
        fate = "takes back"
    elif later is not None:
        fate = "superseded" if later.verdict is not None else "taken back"
    return Entry(
        row=row,
        state=fate,
        stands=fate == state,
        disputed=state == "disputed",
        label=None if judged is None else judged.label,
    )


def tally(log: Sequence[Entry]) -> dict[str, int]:
    """What stands, in numbers: verdicts, analysts, rows, and what these rows are taken for."""
    standing = [entry for entry in log if entry.stands]
    rows = {(entry.row.fingerprint, entry.row.key): entry for entry in standing}.values()
    labels = [entry.label for entry in rows]
    return {
        "verdicts": len(standing),
        "analysts": len({entry.row.analyst for entry in standing}),
        "rows": len(rows),
        "anomalies": labels.count(1.0),
        "normal": labels.count(0.0),
        "undecided": labels.count(None),
        "disputed": sum(entry.disputed for entry in rows),
    }
