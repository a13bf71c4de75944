"""How a review looks: one row, what is known of it, and how far the session is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from anomalist.cli.findings import chance, one_in
from anomalist.cli.output import cell
from anomalist.data.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

    from anomalist.engine.review.neighbours import Neighbour
    from anomalist.engine.review.questions import Progress, Question
    from anomalist.ensemble.explain import Reason
    from anomalist.store.rows import FeedbackRow

__all__ = ["View"]

_OTHERS = 8  # columns that are shown besides those of the reasons
_LONGEST = 2_000
_NAME = 28  # a name of up to so many characters is never cut
_MARGIN = 8
_WHY = {
    "top": "it is high on the list",
    "uncertain": "a verdict on it tells most",
    "random": "it was drawn at random",
    "search": "others disagree, or are unsure",
}
_COLOURS = {
    "anomaly": "bold red",
    "expected": "yellow",
    "false alarm": "green",
    "new normal": "green",
    "unsure": "dim",
}
_KEYS = {
    "a": "anomaly",
    "e": "expected",
    "f": "false alarm",
    "n": "new normal",
    "?": "unsure",
    "s": "skip",
    "u": "undo",
    "c": "cause",
    "m": "note",
    "v": "values",
    "h": "help",
    "q": "quit",
}
_HELP = """\
a  anomaly      worth the alarm
e  expected     anomalous, but known and fine
f  false alarm  nothing is strange about it
n  new normal   the ordinary has changed: rows like it are fine from now on
?  unsure       looked at, and nothing is learned from it; also x
s  skip         no verdict; this session does not ask again
u  undo         take back what was done last and see that row again; once more, and it goes further back
c  cause        what was behind it, in a word or two, kept with the verdict; C for the row before
m  note         free text, kept with the verdict; M for the row before; also t and T
v  values       all columns, or only those that matter
q  quit         every verdict is stored already, so Ctrl-C leaves just as well

near: the judged rows that are most like it; at 0 they are equal, at 1 as far apart as two rows usually are"""


class View:
    """Writes to a stream, stdout unless another is given, in the width of the terminal or in 80 columns."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)

    def question(
        self, question: Question, progress: Progress, *, count: int | None, columns: Sequence[str], whole: bool
    ) -> None:
        """Show a row, how far the session is, and the keys.

        Args:
            question: The row.
            progress: How far the session is.
            count: After how many verdicts the session ends.
            columns: The columns worth showing, the most useful first.
            whole: Show every column, and texts in full.
        """
        finding = question.finding
        ending = "" if count is None else f" of {count:,}"
        parts = Table.grid(padding=(0, 2, 0, 0))
        parts.add_column(style="dim", no_wrap=True)
        parts.add_column()
        parts.add_row("score", _score(question))
        parts.add_row("why", _reasons(finding.reasons, whole))
        parts.add_row("said", _members(finding.members, self._console.width - _MARGIN))
        if question.said:
            parts.add_row("others", _grid([_saying(row) for row in question.said], whole))
        if question.near:
            parts.add_row("near", _grid([_neighbour(one) for one in question.near], whole))
        parts.add_row("row", _values(question, columns, whole))
        keys = (Text.assemble((key, "bold cyan"), f" {does}") for key, does in _KEYS.items())
        self._print(
            Text(),
            Rule(Text(f"row {_plain(finding.key)}, question {progress.answered + 1:,}{ending}"), align="left"),
            parts,
            Text(_progress(progress), style="dim"),
            _flow(keys, "  ", self._console.width),
        )

    def done(self, key: str, verdict: str) -> None:
        """Say what was stored of a row."""
        self._print(Text.assemble(f"  {_plain(key)}: ", _verdict(verdict)))

    def say(self, text: str) -> None:
        """One line about what happened."""
        self._print(Text(f"  {_plain(text, _LONGEST)}"))

    def summary(self, run: str, model: str, progress: Progress) -> None:
        """How the session ended, and what to type next."""
        self._print(
            Text(),
            Text(_progress(progress)),
            Text(f"the verdicts:         anomalist feedback list {run}"),
            Text(f"let the model learn:  anomalist retrain {model}"),
        )

    def help(self) -> None:
        """What the keys do."""
        self._print(Text(f"\n{_HELP}"))

    def _print(self, *parts: RenderableType) -> None:
        """Write lines without blanks at their ends, and what the stream cannot encode as question marks."""
        with self._console.capture() as drawn:
            for part in parts:
                self._console.print(part)
        text = "".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines())
        stream, encoding = self._console.file, self._console.encoding
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()


def _values(question: Question, columns: Sequence[str], whole: bool) -> Table | Text:
    """The row itself: what the reasons do not show already, or all of it."""
    values = question.finding.values
    shown = {reason.column for reason in question.finding.reasons}
    names = list(values) if whole else [name for name in columns if name in values and name not in shown]
    kept = names if whole else names[:_OTHERS]
    rows = [(Text(_plain(name)), _value(values[name], whole)) for name in kept]
    if len(names) > len(kept):
        rows.append((Text(f"{counted(len(names) - len(kept), 'more column')}: v", style="dim"), Text()))
    return _grid(rows, whole) if rows else Text("nothing else", style="dim")


def _score(question: Question) -> Text:
    finding = question.finding
    text = Text(
        f"{finding.score:.2f} bits, one row in {one_in(finding.level)}, no. {question.rank:,}, "
        f"{'flagged' if finding.flagged else 'not flagged'}"
    )
    text.append("\n")
    if question.probability is not None:
        text.append(f"{chance(question.probability)} likely an anomaly; ", style="bold")
    text.append(f"asked because {_WHY[question.asked]}", style="dim")
    if question.twins:
        text.append(f"; {counted(question.twins, 'other row')} {'is' if question.twins == 1 else 'are'} just like it")
    return text


def _reasons(reasons: Iterable[Reason], whole: bool) -> Table | Text:
    rows = [
        (
            Text(_plain(reason.column), style="bold"),
            _value(reason.actual, whole),
            Text.assemble(("typically ", "dim"), _value(reason.typical, whole)),
            Text(f"{reason.share:.0%}"),
        )
        for reason in reasons
    ]
    return _grid(rows, whole) if rows else Text("no column stands out")


def _members(members: Mapping[str, float], width: int) -> Text:
    """What each member said, the most surprised first."""
    ranked = sorted(members.items(), key=lambda member: -member[1])
    return _flow((Text(f"{name} one in {one_in(level)}") for name, level in ranked), ", ", width)


def _saying(row: FeedbackRow) -> tuple[Text, ...]:
    return _verdict(row.verdict or "-"), Text(_plain(row.analyst)), Text(_remarks([row]))


def _neighbour(near: Neighbour) -> tuple[Text, ...]:
    """A judged row: what holds of it, how far it is, its key, and what was remarked."""
    verdicts = near.judged.verdicts
    counts = Counter(str(row.verdict) for row in verdicts)
    holds = Text("/").join(_verdict(verdict) for verdict in counts)
    if near.judged.state == "disputed":
        holds = Text.assemble("disputed (", Text(", ").join(_verdict(v) for v in counts), ")")
    return holds, Text(f"at {near.distance:.2f}"), Text(_plain(near.judged.key)), Text(_remarks(verdicts))


def _remarks(rows: Iterable[FeedbackRow]) -> str:
    texts = [text for row in rows for text in (row.cause, row.note) if text]
    return _plain("; ".join(texts)) if texts else ""


def _progress(progress: Progress) -> str:
    parts = [f"{progress.answered:,} answered"]
    if progress.skipped:
        parts.append(f"{progress.skipped:,} skipped")
    parts.append(
        counted(progress.anomalies, "anomaly") if progress.anomalies == 1 else f"{progress.anomalies:,} anomalies"
    )
    if progress.precision is not None:
        parts.append(f"precision {progress.precision:.0%}")
    parts.append(f"{counted(progress.flagged_left, 'flagged row')} to go")
    return ", ".join(parts)


def _grid(rows: Sequence[Sequence[Text]], whole: bool) -> Table:
    """Rows in columns; what does not fit is cut, or goes on below where all is to be seen."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=not whole, overflow="fold" if whole else "ellipsis", max_width=None if whole else _NAME)
    for row in rows:
        for text in row[1:]:  # in a column that may wrap, so that it is narrowed before the first
            text.no_wrap, text.overflow = not whole, "fold" if whole else "ellipsis"
        grid.add_row(*row)
    return grid


def _flow(items: Iterable[Text], between: str, width: int) -> Text:
    """Items one after the other, in lines of at most `width` that break between items only."""
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + len(between) + item.cell_len < width:
            lines[-1].append(between).append_text(item)
        else:
            lines.append(item)
    return Text(f"{between.rstrip()}\n").join(lines)


def _verdict(verdict: str) -> Text:
    name = verdict.replace("_", " ")
    return Text(name, style=_COLOURS.get(name, ""))


def _value(value: object, whole: bool) -> Text:
    if value is None or value == "":
        return Text("missing", style="dim italic")
    return Text(_plain(value, _LONGEST if whole else 200))


def _plain(value: object, longest: int = 200) -> str:
    """A value on one line, without anything that would move the cursor."""
    text = cell(value)
    if len(text) > longest:
        text = f"{text[:longest]}... ({len(text):,} characters)"
    return "".join(character if character.isprintable() else " " for character in text)
