"""Recording: what analysts say of single rows goes into the log, which only ever grows.

A verdict belongs to a dataset and a row key, not to the run that showed the row: it stands in every run over the same
rows. Who changes his mind says so anew, which supersedes what he said before; who takes back adds an entry that says
nothing. Files of verdicts are read by `imports` and written by `exports`.
"""

from __future__ import annotations

import getpass
import re
import uuid
from typing import TYPE_CHECKING, Any

from anomalist.data.words import cut
from anomalist.engine.feedback.verdicts import LABEL
from anomalist.engine.models.features import with_features
from anomalist.engine.runs.sources import read_again
from anomalist.errors import UnknownNameError, UsageError
from anomalist.store.rows import ASKED, VERDICTS, NewFeedback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import Asked, FeedbackRow, RunRow, Verdict

__all__ = [
    "analyst_name",
    "as_dict",
    "check_probability",
    "check_text",
    "judge",
    "log_of",
    "row_values",
    "say",
    "take_back",
]

_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
"""What no text may hold: control characters but for tab and line ends, and halves of characters."""


def say(
    workspace: Workspace,
    run: RunRow,
    key: str,
    verdict: Verdict,
    *,
    analyst: str,
    values: Mapping[str, Any],
    cause: str | None = None,
    note: str | None = None,
    asked: Asked | None = None,
    probability: float | None = None,
    token: str | None = None,
) -> FeedbackRow:
    """Put one verdict into the log; it supersedes what the same analyst said of the same row before.

    Args:
        workspace: Where.
        run: The run that showed the row.
        key: The key of the row, one of that run's.
        verdict: What is said of it.
        analyst: Who says it.
        values: The row itself, as `row_values` gives it; kept, so that the verdict can teach without the file.
        cause: What was behind the anomaly, in a word or two.
        note: Free text.
        asked: How the row came before the analyst.
        probability: With which it was chosen among the rows that could have been asked about.
        token: Names this one saying of it, so that a writer who is not sure it was heard can say it again.

    Raises:
        UsageError: The verdict, the name of the analyst, how it was asked or the probability is none.
    """
    _check(verdict in LABEL, "verdict", verdict, f"one of {', '.join(VERDICTS)}")
    _check(asked is None or asked in ASKED, "asked", asked, f"one of {', '.join(ASKED)}")
    entry = NewFeedback(
        fingerprint=run.dataset.fingerprint,
        key=key,
        verdict=verdict,
        analyst=analyst_name(analyst),
        values=values,
        cause=check_text("cause", cause),
        note=check_text("note", note),
        asked=asked,
        probability=None if probability is None else check_probability(probability),
        run=run.id,
        token=token or uuid.uuid4().hex,
    )
    return workspace.store.add_feedback([entry])[0]


def judge(
    workspace: Workspace,
    run_id: str,
    key: str,
    verdict: Verdict,
    *,
    analyst: str,
    cause: str | None = None,
    note: str | None = None,
    data: str | None = None,
) -> FeedbackRow:
    """Put a verdict on a row that a person named himself; the row is found by its key.

    Raises:
        UnknownNameError: There is no such run or row.
        DataError: The row has no record, and the data cannot be read or are not those of the run.
        UsageError: As in `say`; or the row has no record, and the run does not know where its data are.
    """
    run = workspace.store.scored_run(run_id)
    values = row_values(workspace, run, key, data=data)
    return say(workspace, run, key, verdict, analyst=analyst, values=values, cause=cause, note=note, asked="search")


def take_back(
    workspace: Workspace, run_id: str, key: str, *, analyst: str, note: str | None = None
) -> tuple[FeedbackRow, FeedbackRow]:
    """Take back what an analyst says of a row; that is one more entry, and nothing is edited.

    What he said before that is not said again: the row is as if he had never judged it.

    Returns:
        The new entry, and the verdict that it took back.

    Raises:
        UnknownNameError: There is no such run, or no verdict of this analyst stands on a row of that key.
    """
    run, who = workspace.store.scored_run(run_id), analyst_name(analyst)
    on_row = workspace.store.feedback(fingerprint=run.dataset.fingerprint, key=key)
    standing = next((row for row in on_row if row.analyst == who), None)
    if standing is None:
        workspace.store.score_of(run.id, key)  # a slip in the key is the likelier mistake, and is told first
        others = ", ".join(sorted({row.analyst for row in on_row}))
        hint = f"there are those of {others} (--analyst NAME)" if others else "nobody has judged this row"
        raise UnknownNameError(f"no verdict of {who} stands on row {cut(key)} of run {run.id}: {hint}")
    entry = NewFeedback(
        fingerprint=standing.fingerprint,
        key=key,
        verdict=None,
        analyst=who,
        values=standing.values,
        note=check_text("note", note),
        run=run.id,
    )
    return workspace.store.add_feedback([entry])[0], standing


def row_values(workspace: Workspace, run: RunRow, key: str, *, data: str | None = None) -> Mapping[str, Any]:
    """A row of a run as plain values, with the features of its model: from its record, or from its data, read again.

    Raises:
        UnknownNameError: The run has no such row.
        DataError: The data cannot be read or are not those of the run.
        UsageError: The run does not know where its data are; name them with `data`.
    """
    scored = workspace.store.score_of(run.id, key)
    if scored.record is not None:
        return scored.record.values
    return with_features(workspace, run, read_again(run, workspace.registry, data=data)).values(scored.row)


def analyst_name(name: str | None) -> str:
    """Who gives a verdict: the name that was set, or else that of the login.

    Raises:
        UsageError: The name is empty or not one line, or there is none.
    """
    if name is None:
        try:
            name = getpass.getuser()
        except (KeyError, OSError):  # KeyError is what Python before 3.13 lets through
            raise UsageError(
                "who judges is not known: this login has no name; give one with --analyst or ANOMALIST_ANALYST"
            ) from None
    stripped = name.strip()
    _check(bool(stripped) and not re.search(rf"[{_CONTROL}\t\r\n]", stripped), "analyst", name, "a name of one line")
    return stripped


def check_text(what: str, text: str | None) -> str | None:
    r"""A cause or a note as it is stored: without blanks around it, and None where nothing is left.

    Raises:
        UsageError: It holds a control character other than a tab or the end of a line.

    >>> check_text("note", " known\nsupplier "), check_text("cause", " ")
    ('known\nsupplier', None)
    """
    kept = (text or "").strip()
    _check(not re.search(f"[{_CONTROL}]", kept), what, text, "text without control characters")
    return kept or None


def check_probability(probability: float) -> float:
    """A probability of being asked about: above 0, since the row was asked about.

    Raises:
        UsageError: It is none.
    """
    _check(0 < probability <= 1, "probability", probability, "above 0 and at most 1")
    return probability


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


def _check(ok: bool, what: str, got: object, expected: str) -> None:
    if not ok:
        raise UsageError(f"{what} must be {expected}, got {cut(got)}")
