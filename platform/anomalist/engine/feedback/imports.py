"""Import: a file of verdicts into the log, all of it or, when asked for, what can be used of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anomalist.data.words import counted, cut
from anomalist.engine.feedback.files import read_sheet
from anomalist.engine.feedback.lines import ABOUT, contradictions, latest, read_lines
from anomalist.engine.feedback.log import as_dict
from anomalist.engine.feedback.rows import RunRows
from anomalist.engine.feedback.verdicts import fold
from anomalist.errors import DataError
from anomalist.store.rows import NewFeedback

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.engine.feedback.files import Sheet
    from anomalist.engine.feedback.lines import Line
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import FeedbackRow, RunRow, Verdict

__all__ = ["Imported", "LeftOut", "import_feedback"]

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A line that cannot be used, and why."""

    place: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of an import.

    Attributes:
        run: The run whose rows were judged.
        file: The name of the file.
        unit: What `place` counts: `line`, or `row` where the file has no lines.
        lines: How many there were.
        stored: The new entries of the log.
        already: How many lines say what the log has from them, or what the same analyst says already.
        outdated: How many lines are followed by a later one of the same analyst on the same row, or by their like.
        faded: How many that the log has already do not stand any more: superseded or taken back since, they stay so.
        blank: How many lines have no verdict.
        left_out: The lines that cannot be used.
        unused: Words whose meaning was given, and that no line holds.
    """

    run: str
    file: str
    unit: str
    lines: int
    stored: tuple[FeedbackRow, ...]
    already: int
    outdated: int
    faded: int
    blank: int
    left_out: tuple[LeftOut, ...]
    unused: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "run": self.run,
            "file": self.file,
            "lines": self.lines,
            "imported": len(self.stored),
            "already": self.already,
            "outdated": self.outdated,
            "without_verdict": self.blank,
            "verdicts": [as_dict(row) for row in self.stored],
            "left_out": [{self.unit: left.place, "why": left.why} for left in self.left_out],
        }


def import_feedback(
    workspace: Workspace,
    run_id: str,
    location: str,
    *,
    key: str | None = None,
    verdict: str = "verdict",
    meanings: Mapping[str, Verdict] | None = None,
    analyst: str | None = None,
    data: str | None = None,
    partial: bool = False,
) -> Imported:
    """Read verdicts on the rows of a run from a file and store them in one transaction.

    Each line is about the row whose key it holds. In a file without keys it is about the one row of the run that has
    the same values in all columns which the file and the data share.

    A line is imported once: the same line again changes nothing, even where its verdict was superseded since, and a
    changed one supersedes. Of several lines by one analyst on one row, only the one with the latest time is imported.

    Args:
        workspace: Where.
        run_id: The run whose rows were judged.
        location: The file.
        key: The column of keys; that of the run's data, or `key`, where it is not named.
        verdict: The column of verdicts; a line with nothing in it is passed over.
        meanings: What words mean that are no verdicts.
        analyst: Who judged, where no column says so.
        data: The rows of the run, where they are not where they were.
        partial: Take the good lines; else one bad line keeps all out.

    Raises:
        DataError: The file cannot be read, has no such column, or a line cannot be used; the message names the lines.
        UsageError: The run does not know where its data are; name them with `data`.
        UnknownNameError: There is no such run.
    """
    run = workspace.store.scored_run(run_id)
    sheet = read_sheet(location, workspace.registry)
    rows = RunRows(workspace, run, data)
    column = sheet.column(verdict, "--verdict")
    named = sheet.column(key, "--key") if key is not None else _key_column(sheet, run)
    about_data = _data_columns(sheet, run, column, named)
    keys, strange = rows.match(sheet, about_data - {column}) if named is None else rows.find(sheet, named)
    given = {fold(word): meaning for word, meaning in (meanings or {}).items()}
    lines, problems, blank = read_lines(
        sheet, keys=keys, strange=strange, verdict=column, data_columns=about_data, meanings=given, analyst=analyst
    )
    problems |= _of_other_data(lines, run) | contradictions(lines, sheet.unit)
    left_out = tuple(LeftOut(place=place, why=why) for place, why in sorted(problems.items()))
    good = [line for line in lines if line.place not in problems]
    if left_out and not (partial and good):
        raise DataError(_refusal(sheet, left_out, len(good)))
    if not good:
        raise DataError(
            f"{sheet.name}: column {column!r} is empty in every {sheet.unit}: there is no verdict to import"
        )
    last = latest(good)
    log = {row.token: row for row in workspace.store.feedback(fingerprint=run.dataset.fingerprint, standing=False)}
    fresh, known = _fresh(last, log, run.dataset.fingerprint)
    values = rows.values({line.key for line in fresh.values()})
    entries = [_entry(line, token, run, values[line.key]) for token, line in fresh.items()]
    superseded = {row.supersedes for row in log.values()}
    words = {fold(word or "") for word in sheet.words(column)}
    return Imported(
        run=run.id,
        file=sheet.name,
        unit=sheet.unit,
        lines=len(sheet),
        stored=tuple(workspace.store.add_feedback(entries)) if entries else (),
        already=len(known),
        outdated=len(good) - len(last),
        faded=sum(row.id in superseded for row in known),
        blank=blank,
        left_out=left_out,
        unused=tuple(word for word in (meanings or {}) if fold(word) not in words),
    )


def _key_column(sheet: Sheet, run: RunRow) -> str | None:
    """The column that holds keys, where one does: `key`, unless that is a value of the data, or that of the data."""
    own = run.params.get("origin", {}).get("key")
    candidates = [own, "key"] if "key" in run.dataset.columns else ["key", own]
    return next((name for name in candidates if name is not None and name in sheet.frame.columns), None)


def _data_columns(sheet: Sheet, run: RunRow, verdict: str, key: str | None) -> set[str]:
    """The columns of the file that are part of the data.

    A column such as `time` or `note` may be meant of the row or of the verdict. It is the row's where the data have
    such a column and the file holds other columns of the data too.
    """
    shared = set(sheet.frame.columns) & set(run.dataset.columns)
    return shared if key is None or shared - {verdict, key, *ABOUT} else set()


def _of_other_data(lines: Sequence[Line], run: RunRow) -> dict[int, str]:
    """The lines that are about other data, as they say themselves."""
    ours = run.dataset.fingerprint
    return {
        line.place: f"it is about the data {cut(line.dataset[:16])}, those of run {run.id} are {ours[:16]!r}"
        for line in lines
        if line.dataset is not None and line.dataset != ours
    }


def _fresh(
    lines: Sequence[Line], log: Mapping[str, FeedbackRow], fingerprint: str
) -> tuple[dict[str, Line], list[FeedbackRow]]:
    """The lines that say something new, by token, and the entries that say what the others say.

    The token that an export gave is kept while the line is as it was exported. Any other line is known by what it says.
    """
    superseded = {row.supersedes for row in log.values()}
    standing = {(row.key, row.analyst): row for row in log.values() if row.verdict and row.id not in superseded}
    fresh: dict[str, Line] = {}
    known: list[FeedbackRow] = []
    for line in lines:
        exported = line.token if line.dataset is not None and line.token is not None else ""
        entry = log.get(exported)
        token = exported if exported and (entry is None or line.same_as(entry)) else line.digest(fingerprint)
        entry = log.get(token)
        says = standing.get((line.key, line.analyst))
        if entry is not None:
            known.append(entry)
        elif says is not None and line.adds_nothing_to(says):
            known.append(says)
        else:
            fresh[token] = line
    return fresh, known


def _entry(line: Line, token: str, run: RunRow, values: Mapping[str, Any]) -> NewFeedback:
    return NewFeedback(
        fingerprint=run.dataset.fingerprint,
        key=line.key,
        verdict=line.verdict,
        analyst=line.analyst,
        values=values,
        cause=line.cause,
        note=line.note,
        asked=line.asked,
        probability=line.probability,
        run=run.id,
        token=token,
    )


def _refusal(sheet: Sheet, left_out: Sequence[LeftOut], good: int) -> str:
    some = "; ".join(f"{sheet.unit} {left.place}: {left.why}" for left in left_out[:_SHOWN])
    more = f"; and {len(left_out) - _SHOWN:,} more" if len(left_out) > _SHOWN else ""
    rest = f"; --partial takes the other {good:,}" if good else ""
    return f"{sheet.name}: nothing was imported, for {counted(len(left_out), sheet.unit)} cannot be: {some}{more}{rest}"
