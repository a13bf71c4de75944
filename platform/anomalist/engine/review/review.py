"""Review: an analyst goes through the rows of a run, one at a time, and what is said of them ranks the rest anew.

There is no terminal in here: `Review` asks and is answered, and each answer is stored before the next question.
"""

from __future__ import annotations

import uuid
from collections import deque
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.engine.feedback.fields import analyst_name, check_text
from anomalist.engine.feedback.recording import say, take_back
from anomalist.engine.feedback.verdicts import settle
from anomalist.engine.review.neighbours import nearest, usual_distance
from anomalist.engine.review.questions import Progress, Question, ReviewOptions, Step
from anomalist.engine.review.queue import Pick, alike, draw
from anomalist.engine.review.ranking import Ranker
from anomalist.engine.runs.scored import ScoredRun
from anomalist.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Bools
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import FeedbackRow, Verdict

__all__ = ["Review"]


class Review:
    """One session of one analyst over the rows of a run.

    Ask with `next`, tell with `answer`, `skip` or `undo`. A verdict is stored before the method returns, so that a
    session may end at any moment. After each batch the rows are ranked anew by all verdicts that stand, also those of
    others.

    Attributes:
        run: The run.
        model: The name of its model, all of whose verdicts teach.
        analyst: Who judges.
        options: How the session goes.
        columns: The source columns to show to whoever judges, the most useful first.
    """

    def __init__(self, workspace: Workspace, scored: ScoredRun, options: ReviewOptions) -> None:
        self.run, self.model, self.columns = scored.run, scored.name, scored.columns
        self.options, self.analyst = options, analyst_name(options.analyst)
        self._workspace, self._scored = workspace, scored
        self._ranker = Ranker.of(workspace, scored, stacker=options.stacker, seed=options.seed)
        self._groups = alike(self._ranker.evidence)
        self._twins = np.bincount(self._groups) - 1
        self._usual = usual_distance(self._ranker.evidence.columns)
        self._rng = np.random.default_rng([options.seed, workspace.store.feedback_position()])
        self._waiting: deque[Question] = deque()
        self._current: Question | None = None
        self._tokens: dict[tuple[str | None, ...], str] = {}  # by what was to be said of the row that waits
        self._steps: list[Step] = []
        self._learn()

    @classmethod
    def open(
        cls, workspace: Workspace, run_id: str, options: ReviewOptions | None = None, *, data: str | None = None
    ) -> Self:
        """Begin a session over the rows of a scored run, of any kind.

        Args:
            workspace: Where.
            run_id: The run.
            options: How the session goes.
            data: The rows of the run, where they are not where they were.

        Raises:
            UnknownNameError: There is no such run or stacker, or the run has no scores or no model.
            DataError: The rows cannot be read, or are not those of the run.
            UsageError: The run does not know where its rows are, or the analyst has no name.
        """
        return cls(workspace, ScoredRun.open(workspace, run_id, data=data), options or ReviewOptions())

    def next(self) -> Question | None:
        """The question that waits for an answer, the same until it has one; None when no row is left to ask about."""
        if self._current is None:
            if not self._waiting:
                self._waiting.extend(self._draw())
            if self._waiting:
                self._show(self._waiting.popleft())
        return self._current

    def answer(self, verdict: Verdict, *, cause: str | None = None, note: str | None = None) -> FeedbackRow:
        """Store a verdict on the row that was asked about.

        Raises:
            UsageError: Nothing was asked, or a text holds control characters.
            StoreError: The verdict was not stored; it may be given again.
        """
        question = self._asked()
        token = self._tokens.setdefault((verdict, cause, note), uuid.uuid4().hex)
        entry = self._say(question, verdict, cause, note, token)
        self._steps.append(Step(question=question, entry=entry))
        self._current = None
        return entry

    def skip(self) -> None:
        """Leave the row that was asked about; this session does not come back to it."""
        self._steps.append(Step(question=self._asked(), entry=None))
        self._current = None

    def amend(self, *, cause: str | None = None, note: str | None = None) -> FeedbackRow:
        """Give the last verdict of this session a cause or a note, in place of what it had.

        Raises:
            UsageError: There is no verdict yet, or a text holds control characters.
        """
        at = max((i for i, step in enumerate(self._steps) if step.entry is not None), default=None)
        last = None if at is None else self._steps[at].entry
        if at is None or last is None or last.verdict is None:
            raise UsageError("no verdict was given in this session yet")
        question = self._steps[at].question
        cause, note = check_text("cause", cause) or last.cause, check_text("note", note) or last.note
        entry = self._say(question, last.verdict, cause, note, uuid.uuid4().hex)
        self._steps[at] = Step(question=question, entry=entry)
        return entry

    def undo(self) -> Step | None:
        """Take back what was done last, in whichever batch, and ask about that row again; None when nothing was done.

        Raises:
            StoreError: The verdict still stands; it may be tried again.
        """
        if not self._steps:
            return None
        step = self._steps[-1]
        if step.entry is not None:
            with suppress(UnknownNameError):  # it was taken back elsewhere meanwhile
                self._hear(take_back(self._workspace, self.run.id, step.entry.key, analyst=self.analyst)[0])
        self._steps.pop()
        if self._current is not None:
            self._waiting.appendleft(self._current)
        if step.entry is not None and step.entry.id <= self._learned_to:
            self._waiting.clear()  # these were chosen by what was learned from a slip
        self._show(step.question)
        return step

    @property
    def notes(self) -> tuple[str, ...]:
        """Which verdicts on other data of the model could not be learned from and why, one line each."""
        return tuple(self._ranker.elsewhere.notes) if self._ranker.elsewhere is not None else ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done in this session and stands, the oldest first."""
        return tuple(self._steps)

    @property
    def progress(self) -> Progress:
        """How far the session is."""
        return Progress.of(
            self._steps,
            flagged_left=int((self._scored.scores.flagged & ~self._known()).sum()),
            learned=self._ranking.learned,
            rate=self._ranking.rate,
        )

    def summary(self) -> dict[str, Any]:
        """The session as plain values."""
        return {
            "run": self.run.id,
            "model": self.model,
            "analyst": self.analyst,
            "stacker": self.options.stacker,
            "mix": asdict(self.options.mix),
            **asdict(self.progress),
            "answers": [step.to_dict() for step in self._steps if step.entry is not None],
        }

    def _learn(self) -> None:
        """Rank the rows by all verdicts that stand by now, whoever gave them."""
        store = self._workspace.store
        self._learned_to = store.feedback_position()
        self._log = store.feedback(model=self.model)
        self._judged = settle(self._log)
        self._ranking = self._ranker.rank(self._judged)

    def _hear(self, entry: FeedbackRow) -> None:
        """Know of an entry of this session at once; the ranking learns of it after the batch."""
        self._log.append(entry)
        self._judged = settle(self._log)

    def _known(self) -> Bools:
        """The rows of this run on which a verdict stands, shape (rows,)."""
        known = np.zeros(len(self._scored.table), dtype=np.bool_)
        known[list(self._ranker.rows_of(self._judged).values())] = True
        return known

    def _draw(self) -> list[Question]:
        """The questions of the next batch."""
        if self._steps:
            self._workspace.progress.stage("learning")
            self._learn()
        done = [step.question.finding.row for step in self._steps]
        if self.options.disputed:
            return self._questions(self._disputed(done))
        known = self._known()
        left = ~known
        left[done] = False
        picks = draw(
            self._ranking.log_odds,
            self._ranking.doubts,
            left,
            groups=self._groups,
            known=known,
            mix=self.options.mix,
            count=self.options.batch,
            rng=self._rng,
        )
        return self._questions(picks)

    def _disputed(self, done: Sequence[int]) -> list[Pick]:
        """The rows on which others disagree or are unsure, the most anomalous first."""
        open_ones = [
            one
            for one in self._judged
            if one.state != "agreed" and self.analyst not in {verdict.analyst for verdict in one.verdicts}
        ]
        rows = [row for row in self._ranker.rows_of(open_ones).values() if row not in done]
        rows.sort(key=lambda row: -self._ranking.log_odds[row])
        return [Pick(row=row, asked="search", probability=None) for row in rows[: self.options.batch]]

    def _questions(self, picks: Sequence[Pick]) -> list[Question]:
        """Rows with all that is known of them."""
        found = self._scored.findings(self._workspace, [pick.row for pick in picks])
        return [
            Question(
                finding=finding,
                rank=rank,
                probability=self._ranking.probability(pick.row) if self._ranking.learned else finding.probability,
                asked=pick.asked,
                chance=pick.probability,
                twins=int(self._twins[self._groups[pick.row]]),
            )
            for pick, (rank, finding) in zip(picks, found, strict=True)
        ]

    def _show(self, question: Question) -> None:
        """Make a question the one that waits, with what is known by now of the rows around it."""
        finding = question.finding
        said = [
            one for one in self._judged if (one.fingerprint, one.key) == (self.run.dataset.fingerprint, finding.key)
        ]
        judged, known = self._ranker.evidence_of(self._judged)
        others = [i for i, one in enumerate(judged) if one not in said]
        near = nearest(
            self._ranker.evidence.columns[finding.row],
            known.columns[others],
            [judged[i] for i in others],
            usual=self._usual,
        )
        self._current = replace(question, near=near, said=said[0].verdicts if said else ())
        self._tokens = {}

    def _asked(self) -> Question:
        if self._current is None:
            raise UsageError("no row was asked about; ask for the next one first")
        return self._current

    def _say(
        self, question: Question, verdict: Verdict, cause: str | None, note: str | None, token: str
    ) -> FeedbackRow:
        entry = say(
            self._workspace,
            self.run,
            question.finding.key,
            verdict,
            analyst=self.analyst,
            values=question.finding.values,
            cause=cause,
            note=note,
            asked=question.asked,
            probability=question.chance,
            token=token,
        )
        self._hear(entry)
        return entry
