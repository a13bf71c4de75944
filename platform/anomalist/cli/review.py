"""`anomalist review`: an analyst judges the rows of a run with single keys."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option
from anomalist.data.words import counted
from anomalist.errors import StoreError, UsageError

if TYPE_CHECKING:
    from anomalist.cli.app import App
    from anomalist.cli.keys import Keys
    from anomalist.cli.review_view import View
    from anomalist.engine.review.review import Review
    from anomalist.store.rows import Verdict

__all__ = ["review"]

_INTERRUPTED = 130

_TEXTS = {
    "c": ("cause", False),
    "C": ("cause", True),
    **dict.fromkeys(("m", "t"), ("note", False)),
    **dict.fromkeys(("M", "T"), ("note", True)),
}
_OTHERS = "suvhq"
_VERDICTS: dict[str, Verdict] = {
    "a": "anomaly",
    "e": "expected",
    "f": "false_alarm",
    "n": "new_normal",
    "?": "unsure",
    "x": "unsure",
}


@click.command()
@click.argument("run", metavar="RUN")
@click.option("-n", "--count", type=click.IntRange(min=1), metavar="N", help="Stop after N verdicts.")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Rank the rows anew after every N questions.",
)
@click.option(
    "--mix",
    metavar="KIND=WEIGHT,...",
    default="top=0.7,uncertain=0.2,random=0.1",
    show_default=True,
    help="How rows are chosen.",
)
@click.option("--disputed", is_flag=True, help="Only rows on which others disagree or are unsure.")
@click.option("--stacker", metavar="NAME[:k=v,...]", default="gp", show_default=True, help="What learns from verdicts.")
@click.option("--analyst", metavar="NAME", help="Who judges; your login name unless set.")
@click.option("--data", metavar="FILE", help="The rows of the run, where they are not where they were.")
@click.option("--seed", type=click.IntRange(min=0), help="Where the random draws start.")
@json_option
@click.pass_obj
def review(app: App, /, run: str, count: int | None, data: str | None, as_json: bool, **options: Any) -> int:
    """Judge the rows of RUN one at a time, with single keys; RUN is an id, its beginning, or 'latest'.

    Each verdict is stored at the stroke of its key, so a session may end at any moment: q leaves, and so does Ctrl-C,
    with exit code 130. After each batch the rows are ranked anew by what was learned. h shows the keys.

    Where stdin is no terminal, each character is a key: printf 'aaf q' | anomalist review latest. After c and m the
    rest of the line is the text.
    """
    from anomalist.cli.keys import keys_of
    from anomalist.cli.review_view import View
    from anomalist.engine.review.questions import ReviewOptions
    from anomalist.engine.review.queue import Mix
    from anomalist.engine.review.review import Review
    from anomalist.engine.workspace import Workspace

    settings = app.settings(seed=options.pop("seed"), analyst=options.pop("analyst"))
    mix = Mix.parse(options.pop("mix"))
    wanted = ReviewOptions(analyst=settings.analyst, seed=settings.seed, mix=mix, **options)
    stages = _Stages(app)
    with Workspace.open(settings, app.registry(), progress=stages) as workspace:
        session = Review.open(workspace, run, wanted, data=data)
        stages.clear()
        for note in session.notes:
            app.notice(note)
        view = View(sys.stderr if as_json else sys.stdout)
        with keys_of(sys.stdin, err=as_json) as keys:
            code = _Desk(session, keys, view, count, stages).work()
        emit(
            as_json,
            {"review": session.summary()},
            lambda: view.summary(session.run.id, session.model, session.progress),
        )
    return code


class _Stages:
    """Says on stderr what takes a while, where that is a terminal; the next line overwrites it."""

    def __init__(self, app: App) -> None:
        self._shown = app.show_progress

    def stage(self, name: str, /) -> None:
        self._write(f"{name} ...")

    def clear(self) -> None:
        """Leave an empty line for what comes next."""
        self._write("")

    def _write(self, text: str) -> None:
        if self._shown:
            click.echo(f"\r\x1b[K{text}\r", nl=False, err=True)

    def members(self, names: list[str], /) -> None:
        """No member is fitted here."""

    def member(self, report: object, /) -> None:
        """No member is fitted here."""


class _Desk:
    """Where keys meet questions."""

    def __init__(self, session: Review, keys: Keys, view: View, count: int | None, stages: _Stages) -> None:
        self._session, self._keys, self._view, self._count, self._stages = session, keys, view, count, stages
        self._remarks: dict[str, str] = {}  # cause and note for the row that is shown
        self._whole = False
        self._pressed = 0

    def work(self) -> int:
        """Ask until there is an end to it, and return the exit code."""
        try:
            while (self._count is None or self._session.progress.answered < self._count) and self._serve():
                pass
        except (KeyboardInterrupt, click.Abort):
            self._forget_remarks()
            return _INTERRUPTED
        return 0

    def _serve(self) -> bool:
        """Show the row that waits and do what one key says; False where the session ends."""
        learned = self._session.progress.learned
        question = self._session.next()
        self._stages.clear()
        progress = self._session.progress
        if progress.learned != learned:
            self._view.say(f"ranked anew by {counted(progress.learned, 'verdict')}")
        if question is None:
            self._view.say("no row is left to ask about")
            return False
        self._keys.forget()
        self._view.question(question, progress, count=self._count, columns=self._session.columns, whole=self._whole)
        while (key := self._keys.key()) is not None:
            self._pressed += 1
            if key == "q":
                self._forget_remarks()
                return False
            if self._press(key):
                return True
        if not self._pressed and not self._keys.interactive:
            raise UsageError("stdin is no terminal and holds no key: review in a terminal, or pipe keys such as 'aafq'")
        self._forget_remarks()
        return False

    def _press(self, key: str) -> bool:
        """Do what a key says; True where a row is to be shown."""
        try:
            if key in _VERDICTS:
                entry = self._session.answer(_VERDICTS[key], **self._remarks)
                self._remarks = {}
                self._view.done(entry.key, _VERDICTS[key])
            elif key == "s":
                self._forget_remarks()
                self._session.skip()
            elif key == "u":
                return self._undo()
            elif key in _TEXTS:
                self._text(*_TEXTS[key])
                return False
            elif key == "v":
                self._whole = not self._whole
            elif key == "h":
                self._view.help()
                return False
            elif self._keys.interactive:
                self._view.say("that key does nothing; h shows what the keys do")
                return False
            else:
                known = " ".join([*_VERDICTS, *_TEXTS, *_OTHERS])
                raise UsageError(f"key {self._pressed} on stdin is {key!r}, which does nothing; there are {known}")
        except StoreError as error:
            if not self._keys.interactive:
                raise
            self._view.say(f"not stored, press the key again: {error}")
            return False
        return True

    def _undo(self) -> bool:
        step = self._session.undo()
        if step is None:
            self._view.say("there is nothing to undo in this session")
            return False
        self._forget_remarks()
        key = step.question.finding.key
        if step.entry is not None:
            kept = {"cause": step.entry.cause, "note": step.entry.note}
            self._remarks = {what: text for what, text in kept.items() if text is not None}
            stay = "stay" if len(self._remarks) > 1 else "stays"
            stays = f"; its {' and '.join(self._remarks)} {stay} for the next verdict" if self._remarks else ""
            self._view.say(f"{key}: taken back{stays}")
        return True

    def _text(self, what: str, last: bool) -> None:
        """Ask for a cause or a note, on the row that is shown or on the one judged before it."""
        text = self._keys.line(f"  {what}{' of the row before' if last else ''}")
        try:
            if not text:
                self._view.say(f"no {what}")
            elif last:
                entry = self._session.amend(**{what: text})
                self._view.say(f"{entry.key}: {what} stored")
            else:
                self._remarks[what] = text
                self._view.say(f"{what} kept for the verdict on this row")
        except UsageError as error:
            if not self._keys.interactive:
                raise
            self._view.say(str(error))

    def _forget_remarks(self) -> None:
        if self._remarks:
            self._view.say(f"the {' and the '.join(self._remarks)} for that row went with it: it has no verdict")
        self._remarks = {}
