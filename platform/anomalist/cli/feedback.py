"""`anomalist feedback`: what analysts say of rows: one verdict, files of them, and the log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.lazy import SuggestingGroup
from anomalist.cli.output import emit, json_option, print_table
from anomalist.data.words import counted
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.cli.app import App
    from anomalist.engine.feedback.imports import Imported
    from anomalist.engine.feedback.log import Entry
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import Verdict

__all__ = ["feedback"]

_SHOWN = 5

_analyst_option = click.option("--analyst", metavar="NAME", help="Who judges; else the setting, else the login.")
_data_option = click.option("--data", metavar="FILE", help="The rows of the run, where they are not where they were.")
_model_option = click.option("--model", metavar="NAME", help="What was said of all data that a run of this model met.")
_note_option = click.option("--note", metavar="TEXT", help="Anything worth knowing.")


@click.group(cls=SuggestingGroup)
def feedback() -> None:
    """Say what rows are; read, write and list what was said.

    The verdicts are anomaly, expected (anomalous, but known and fine), false_alarm, new_normal and unsure. They belong
    to the data and the key of a row, and stand in every run over the same data. Nothing is ever edited: a later verdict
    of the same analyst supersedes his earlier one.
    """


@feedback.command()
@click.argument("run", metavar="RUN")
@click.argument("key")
@click.argument("verdict")
@click.option("--cause", metavar="TEXT", help="What was behind it, in a word or two.")
@_note_option
@_analyst_option
@_data_option
@json_option
@click.pass_obj
def add(app: App, /, run: str, key: str, verdict: str, analyst: str | None, as_json: bool, **options: Any) -> None:
    """Say what row KEY of RUN is.

    The values of the row are kept with the verdict: those that the run recorded, or, of a row that was neither flagged
    nor among the top, those of its data, which are read again.
    """
    from anomalist.engine.feedback.log import as_dict
    from anomalist.engine.feedback.recording import judge
    from anomalist.engine.feedback.verdicts import verdict_from

    said, who = verdict_from(verdict), _who(app, analyst)
    with _workspace(app) as workspace:
        row = judge(workspace, run, key, said, analyst=who, **options)
    before = "" if row.supersedes is None else f", in place of entry {row.supersedes}"
    emit(
        as_json,
        {"feedback": as_dict(row)},
        lambda: click.echo(f"entry {row.id}: {row.key} is {row.verdict}, says {row.analyst}{before}"),
    )


@feedback.command()
@click.argument("run", metavar="RUN")
@click.argument("key")
@_note_option
@_analyst_option
@json_option
@click.pass_obj
def undo(app: App, run: str, key: str, note: str | None, analyst: str | None, as_json: bool) -> None:
    """Take back what you said of row KEY of RUN.

    Only one's own verdict can be taken back. It stays in the log, with a new entry that takes it back.
    """
    from anomalist.engine.feedback.log import as_dict
    from anomalist.engine.feedback.recording import take_back

    who = _who(app, analyst)
    with _workspace(app) as workspace:
        row, before = take_back(workspace, run, key, analyst=who, note=note)
    emit(
        as_json,
        {"feedback": as_dict(row), "taken_back": as_dict(before)},
        lambda: click.echo(f"entry {row.id}: {row.analyst} takes back that {row.key} is {before.verdict}"),
    )


@feedback.command("import")
@click.argument("file", metavar="FILE")
@click.option("--run", required=True, metavar="RUN", help="The run whose rows were judged.")
@click.option("--key", metavar="COL", help="Column of row keys; else that of the data, or 'key', or rows are matched.")
@click.option("--verdict", metavar="COL", default="verdict", show_default=True, help="Column of verdicts.")
@click.option("--map", "meanings", metavar="VALUE=VERDICT", multiple=True, help="What a word means. Repeatable.")
@click.option("--partial", is_flag=True, help="Take the good lines; else one bad line keeps all out.")
@_analyst_option
@_data_option
@json_option
@click.pass_obj
def import_file(
    app: App, /, file: str, meanings: tuple[str, ...], analyst: str | None, as_json: bool, **options: Any
) -> None:
    """Import verdicts on the rows of a run from FILE: CSV, JSON Lines, JSON or Parquet.

    Lines are about the rows that their keys name. Without a column of keys they are about the rows that have the same
    values in all columns which the file and the data share. 1, true and anomaly mean an anomaly, 0, false and normal a
    false alarm; any other word needs --map. Columns analyst, cause, note, time, asked, probability and token are used
    too. To import a file again changes nothing; a line that was changed supersedes what it said.
    """
    from anomalist.engine.feedback.imports import import_feedback

    who, meant = _who(app, analyst), _meanings(meanings)
    run = options.pop("run")
    with _workspace(app) as workspace:
        found = import_feedback(workspace, run, file, meanings=meant, analyst=who, **options)
    for line in _remarks(found):
        app.notice(f"{found.file}: {line}")
    emit(as_json, {"import": found.to_dict()}, lambda: click.echo(_imported(found)))


@feedback.command()
@click.argument("run", metavar="RUN", required=False)
@_model_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The file to write.")
@json_option
@click.pass_obj
def export(app: App, run: str | None, model: str | None, out: Path | None, as_json: bool) -> None:
    """Write the verdicts that stand to a .csv, .jsonl or .parquet file, or to stdout with --json.

    Without RUN and --model they are those on all data. `anomalist feedback import` reads them again.
    """
    from anomalist.engine.feedback.exports import export_feedback
    from anomalist.engine.feedback.log import as_dict, log_of
    from anomalist.engine.runs.export import check_out

    if out is None and not as_json:
        raise UsageError("say where to: --out FILE, or --json for stdout")
    check_out(out)
    with _workspace(app) as workspace:
        rows = log_of(workspace, run_id=run, model=model)
    if out is None:
        emit(as_json, {"feedback": [as_dict(row) for row in rows]}, lambda: None)
        return
    export_feedback(rows, out)
    told = f"{counted(len(rows), 'verdict')} written to {out}"
    emit(as_json, {"out": out, "verdicts": len(rows)}, lambda: click.echo(told))


@feedback.command("list")
@click.argument("run", metavar="RUN", required=False)
@_model_option
@click.option("--all", "everything", is_flag=True, help="Also what was superseded or taken back.")
@click.option("--disputed", is_flag=True, help="Only rows on which analysts disagree.")
@click.option(
    "-n", "--count", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Lines to show."
)
@json_option
@click.pass_obj
def list_feedback(
    app: App, run: str | None, model: str | None, everything: bool, disputed: bool, count: int, as_json: bool
) -> None:
    """List what was said of the rows of RUN, the newest first; without RUN and --model, of all rows."""
    from anomalist.engine.feedback.log import read_log, tally

    with _workspace(app) as workspace:
        log = read_log(workspace, run_id=run, model=model)
    chosen = [entry for entry in log if (everything or entry.stands) and (entry.disputed or not disputed)]
    shown, counts = chosen[:count], tally(log)

    def human() -> None:
        if not log:
            click.echo("no verdict yet: say one with `anomalist feedback add RUN KEY VERDICT`")
            return
        _print_entries(shown)
        click.echo(_summary(counts, shown=len(shown), chosen=len(chosen)))

    emit(as_json, {"feedback": [entry.to_dict() for entry in shown], "summary": counts}, human)


def _workspace(app: App) -> Workspace:
    from anomalist.engine.workspace import Workspace

    return Workspace.open(app.settings(), app.registry())


def _who(app: App, analyst: str | None) -> str:
    from anomalist.engine.feedback.fields import analyst_name

    return analyst_name(app.settings(analyst=analyst).analyst)


def _meanings(given: Sequence[str]) -> dict[str, Verdict]:
    """What is typed after --map, as words and verdicts."""
    from anomalist.engine.feedback.verdicts import fold, verdict_from

    found: dict[str, Verdict] = {}
    for text in given:
        word, equals, verdict = text.rpartition("=")
        if not equals:
            raise UsageError(f"--map takes VALUE=VERDICT such as fraud=anomaly, got {text!r}")
        try:
            meant = verdict_from(verdict)
        except UsageError as error:
            raise UsageError(f"--map {text}: {error}") from None
        twice = next((other for other in found if fold(other) == fold(word)), None)
        if twice is not None and found[twice] != meant:
            raise UsageError(f"--map says twice what {word!r} means: {found[twice]} and {meant}")
        found[word] = meant
    return found


def _imported(found: Imported) -> str:
    parts = [
        f"{counted(len(found.stored), 'verdict')} imported on rows of run {found.run}",
        *([f"{found.already:,} there already"] if found.already else []),
        *([f"{found.outdated:,} followed by a later one"] if found.outdated else []),
        *([f"{counted(found.blank, found.unit)} without a verdict"] if found.blank else []),
        *([f"{len(found.left_out):,} left out"] if found.left_out else []),
    ]
    return ", ".join(parts)


def _remarks(found: Imported) -> list[str]:
    """What a person should know of an import."""
    lines = [f"left out {found.unit} {left.place}: {left.why}" for left in found.left_out[:_SHOWN]]
    if len(found.left_out) > _SHOWN:
        lines.append(f"left out {counted(len(found.left_out) - _SHOWN, 'more ' + found.unit)}; --json lists all")
    if found.faded:
        lines.append(
            f"{counted(found.faded, found.unit)} of verdicts that were superseded or taken back since: these stay so"
        )
    lines += [f"no {found.unit} holds {word!r}, which --map gives a meaning" for word in found.unused]
    return lines


def _print_entries(entries: Sequence[Entry]) -> None:
    columns = ["entry", "key", "verdict", "state", "analyst", "cause", "note", "asked", "data", "when (UTC)"]
    rows = [
        [
            str(entry.row.id),
            entry.row.key,
            entry.row.verdict,
            entry.state,
            entry.row.analyst,
            entry.row.cause,
            entry.row.note,
            entry.row.asked,
            entry.row.source,
            entry.row.created_at.strftime("%Y-%m-%d %H:%M:%S"),
        ]
        for entry in entries
    ]
    if rows:
        print_table(columns, rows)


def _summary(counts: dict[str, int], *, shown: int, chosen: int) -> str:
    told = (
        f"{counted(counts['verdicts'], 'verdict')} of {counted(counts['analysts'], 'analyst')} on "
        f"{counted(counts['rows'], 'row')}: {counts['anomalies']:,} anomalous, {counts['normal']:,} normal, "
        f"{counts['undecided']:,} undecided; {counts['disputed']:,} disputed"
    )
    return told if shown == chosen else f"{told}; the newest {shown:,} of {chosen:,} are shown"
