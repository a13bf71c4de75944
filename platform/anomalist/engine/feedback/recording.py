"""Recording: what analysts say of single rows goes into the log, which only ever grows.

A verdict belongs to a dataset and a row key, not to the run that showed the row: it stands in every run over the same
rows. Who changes his mind says so anew, which supersedes what he said before; who takes back adds an entry that says
nothing. Files of verdicts are read by `imports` and written by `exports`.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from anomalist.data.words import cut
from anomalist.engine.feedback.fields import analyst_name, check_one_of, check_probability, check_text
from anomalist.engine.models.features import with_features
from anomalist.engine.runs.sources import read_again
from anomalist.errors import UnknownNameError
from anomalist.store.rows import ASKED, VERDICTS, NewFeedback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import Asked, FeedbackRow, RunRow, Verdict

__all__ = ["judge", "row_values", "say", "take_back"]


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
    check_one_of("verdict", verdict, VERDICTS)
    if asked is not None:
        check_one_of("asked", asked, ASKED)
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
