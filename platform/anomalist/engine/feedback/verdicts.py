"""Verdicts: what each one means for training, how people spell them, and which one holds where analysts disagree."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from anomalist.data.words import cut
from anomalist.errors import UsageError
from anomalist.store.rows import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anomalist.store.rows import FeedbackRow, Verdict

__all__ = ["LABEL", "Judged", "State", "fold", "settle", "verdict_from"]

State: TypeAlias = Literal["agreed", "disputed", "unsure"]

LABEL: Mapping[Verdict, float | None] = {
    "anomaly": 1.0,
    "expected": 0.0,
    "false_alarm": 0.0,
    "new_normal": 0.0,
    "unsure": None,
}
"""What a stacker learns from a verdict: 1 a row to be shown, 0 one that is not worth a look, None nothing."""

_WORDS: Mapping[str, Verdict] = {
    **{verdict: verdict for verdict in VERDICTS},
    **dict.fromkeys(("1", "1.0", "true"), "anomaly"),
    **dict.fromkeys(("0", "0.0", "false", "normal"), "false_alarm"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A row that somebody has judged, and what follows from all that was said of it.

    Attributes:
        fingerprint: Of its dataset.
        key: Its key.
        label: 1 an anomaly, 0 none; None where nobody is sure, or as many say the one as the other.
        state: Whether those who are sure agree; `unsure` where nobody is.
        verdicts: The standing verdicts, one an analyst, the oldest first.
        values: The row, as it was when it was judged last.
    """

    fingerprint: str
    key: str
    label: float | None
    state: State
    verdicts: tuple[FeedbackRow, ...]
    values: Mapping[str, Any]


def settle(rows: Iterable[FeedbackRow]) -> list[Judged]:
    """What holds of each row, from what its analysts say of it.

    The rule: the newest verdict of each analyst on a row counts once, and one that was taken back does not count.
    `unsure` is no vote. A row on which all votes have one label is agreed. Where both labels are present the row is
    disputed: it takes the label of the majority, and none while the votes are equal. So one more analyst, or one who
    changes his mind, settles a tie.

    Args:
        rows: Entries of the log, in any order; older ones of the same analyst on the same row do no harm.

    Returns:
        One for each row on which a verdict stands, in the order in which these were given.
    """
    newest: dict[tuple[str, str], dict[str, FeedbackRow]] = defaultdict(dict)
    for row in rows:
        said = newest[row.fingerprint, row.key]
        if row.analyst not in said or said[row.analyst].id < row.id:
            said[row.analyst] = row
    standing = [
        sorted((row for row in said.values() if row.verdict is not None), key=lambda row: row.id)
        for said in newest.values()
    ]
    return [_judged(verdicts) for verdicts in sorted(filter(None, standing), key=lambda verdicts: verdicts[0].id)]


def _judged(verdicts: list[FeedbackRow]) -> Judged:
    labels = [LABEL[row.verdict] for row in verdicts if row.verdict is not None]
    anomalous, normal = labels.count(1.0), labels.count(0.0)
    state: State = "disputed" if anomalous and normal else "agreed" if anomalous or normal else "unsure"
    newest = verdicts[-1]
    return Judged(
        fingerprint=newest.fingerprint,
        key=newest.key,
        label=None if anomalous == normal else float(anomalous > normal),
        state=state,
        verdicts=tuple(verdicts),
        values=newest.values,
    )


def fold(text: str) -> str:
    """A word without what does not tell words apart: case, and which of space, hyphen and underscore joins its parts.

    >>> fold(" False-Alarm ")
    'false_alarm'
    """
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def verdict_from(text: str, meanings: Mapping[str, Verdict] | None = None) -> Verdict:
    """The verdict that a word means; 1 and true are an anomaly, 0, false and normal a false alarm.

    Args:
        text: The word, in any case, its parts joined by spaces, hyphens or underscores.
        meanings: What other words mean, each word as `fold` gives it; these go first.

    Raises:
        UsageError: It is none.

    >>> verdict_from("False alarm"), verdict_from("TRUE"), verdict_from("fraud", {"fraud": "anomaly"})
    ('false_alarm', 'anomaly', 'anomaly')
    """
    word = fold(text)
    found = (meanings or {}).get(word) or _WORDS.get(word)
    if found is None:
        raise UsageError(f"{cut(text)} is no verdict; the verdicts are {', '.join(VERDICTS)}")
    return found
