"""What each line of a file of verdicts says, or why it says nothing that can be used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from anomalist.data.words import cut
from anomalist.engine.feedback.fields import analyst_name, check_probability, check_text
from anomalist.engine.feedback.verdicts import fold, verdict_from
from anomalist.errors import UsageError
from anomalist.store.rows import ASKED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from anomalist.engine.feedback.files import Sheet
    from anomalist.store.rows import Asked, FeedbackRow, Verdict

__all__ = ["ABOUT", "Line", "contradictions", "latest", "read_lines"]

ABOUT = ("analyst", "cause", "note", "time", "asked", "probability", "token", "dataset")
"""The columns that a file may have beside the key and the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One verdict of a file.

    Attributes:
        place: Where it stands in the file.
        key: The row that it is about.
        verdict: What is said.
        analyst: By whom.
        cause: What was behind it.
        note: Free text.
        time: When it was said, in UTC; None for now.
        asked: How the row came before the analyst.
        probability: With which it was chosen.
        token: The name that the file gives to this saying of it.
        dataset: The fingerprint of the data, where the file names it.
    """

    place: int
    key: str
    verdict: Verdict
    analyst: str
    cause: str | None
    note: str | None
    time: datetime | None
    asked: Asked | None
    probability: float | None
    token: str | None
    dataset: str | None

    @property
    def said_at(self) -> datetime:
        """When it was said, for putting lines in order: one without a time is of now."""
        return self.time or datetime.max.replace(tzinfo=UTC)

    def same_as(self, row: FeedbackRow) -> bool:
        """Whether an entry of the log says just this."""
        return (row.key, row.analyst, row.verdict, row.cause, row.note) == (
            self.key,
            self.analyst,
            self.verdict,
            self.cause,
            self.note,
        )

    def adds_nothing_to(self, row: FeedbackRow) -> bool:
        """Whether an entry of the same analyst on the same row says all of this already, and perhaps more."""
        return row.verdict == self.verdict and self.cause in (None, row.cause) and self.note in (None, row.note)

    def digest(self, fingerprint: str) -> str:
        """A token made from all that the line says, and of which data: the same line has the same one again."""
        time = None if self.time is None else self.time.isoformat()
        said = (self.key, self.verdict, self.analyst, self.cause, self.note, time, self.asked, self.probability)
        text = json.dumps([fingerprint, *said, self.token], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_lines(
    sheet: Sheet,
    *,
    keys: Sequence[str],
    strange: Mapping[int, str],
    verdict: str,
    data_columns: Collection[str],
    meanings: Mapping[str, Verdict],
    analyst: str | None,
) -> tuple[list[Line], dict[int, str], int]:
    """Read the lines that have a verdict.

    Args:
        sheet: The file.
        keys: The key of each line.
        strange: Why the row that a line is about is not known, by the index of the line.
        verdict: The column of verdicts.
        data_columns: Columns that are part of the data, so that they say nothing about a verdict.
        meanings: What words mean that are no verdicts, each as `fold` gives it.
        analyst: Who judged, where no column says so.

    Returns:
        The lines, why others cannot be used, by their place, and how many have no verdict.
    """
    about = {name: name for name in ABOUT if name in sheet.frame.columns and name not in data_columns}
    columns = {name: sheet.words(about.get(name)) for name in ABOUT}
    lines: list[Line] = []
    problems: dict[int, str] = {}
    blank = 0
    for index, (place, word) in enumerate(zip(sheet.places, sheet.words(verdict), strict=True)):
        if word is None and "" not in meanings:
            blank += 1
            continue
        if index in strange:
            problems[place] = strange[index]
            continue
        try:
            said = {name: values[index] for name, values in columns.items()}
            lines.append(_line(place, keys[index], _verdict(word or "", meanings), said, analyst))
        except UsageError as problem:
            problems[place] = str(problem)
    return lines, problems, blank


def contradictions(lines: Iterable[Line], unit: str) -> dict[int, str]:
    """Why lines contradict earlier ones, by their place: one analyst says two things of one row at one time."""
    first: dict[tuple[str, str, datetime | None], Line] = {}
    problems = {}
    for line in lines:
        other = first.setdefault((line.key, line.analyst, line.time), line)
        if (other.verdict, other.cause, other.note) != (line.verdict, line.cause, line.note):
            problems[line.place] = (
                f"{line.analyst} says something else of {cut(line.key)} in {unit} {other.place}: keep one of the two, "
                "or say in a column 'time' which is later"
            )
    return problems


def latest(lines: Iterable[Line]) -> list[Line]:
    """Of each row, what each analyst says last; a line without a time is of now. The earliest comes first."""
    last: dict[tuple[str, str], Line] = {}
    for line in lines:
        other = last.setdefault((line.key, line.analyst), line)
        if other.said_at < line.said_at:
            last[line.key, line.analyst] = line
    return sorted(last.values(), key=lambda line: line.said_at)


def _line(place: int, key: str, verdict: Verdict, said: Mapping[str, str | None], analyst: str | None) -> Line:
    return Line(
        place=place,
        key=key,
        verdict=verdict,
        analyst=analyst_name(said["analyst"] or analyst),
        cause=check_text("cause", said["cause"]),
        note=check_text("note", said["note"]),
        time=_time(said["time"]),
        asked=_asked(said["asked"]),
        probability=_probability(said["probability"]),
        token=said["token"],
        dataset=said["dataset"],
    )


def _verdict(word: str, meanings: Mapping[str, Verdict]) -> Verdict:
    try:
        return verdict_from(word, meanings)
    except UsageError:
        raise UsageError(f"{cut(word)} is no verdict (--map VALUE=VERDICT says what it means)") from None


def _time(text: str | None) -> datetime | None:
    """A moment in UTC; one without a zone is taken as UTC."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter where it is of no year in UTC
        raise UsageError(f"{cut(text)} is no time such as 2026-07-01T12:00:00+00:00") from None


def _asked(text: str | None) -> Asked | None:
    if text is None:
        return None
    found = next((asked for asked in ASKED if asked == fold(text)), None)
    if found is None:
        raise UsageError(f"asked must be one of {', '.join(ASKED)}, got {cut(text)}")
    return found


def _probability(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return check_probability(float(text))
    except ValueError:
        raise UsageError(f"probability must be a number, got {cut(text)}") from None
