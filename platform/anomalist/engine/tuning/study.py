"""Study: one detector's trials, one after the other, each a run of the store."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from anomalist.engine.tuning.bench import Clock
from anomalist.engine.tuning.sampler import Sampler
from anomalist.engine.tuning.trial import TRIAL, Trial
from anomalist.errors import DetectorError, DetectorTimeoutError, message_of
from anomalist.store.rows import MemberRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anomalist.data.table import Table
    from anomalist.engine.tuning.bench import Bench
    from anomalist.engine.tuning.judge import Judge
    from anomalist.engine.tuning.sampler import Asked
    from anomalist.engine.tuning.splits import Fold
    from anomalist.engine.tuning.subject import Subject
    from anomalist.engine.tuning.trial import TrialState
    from anomalist.engine.workspace import Workspace

__all__ = ["Ending", "Searched", "Study", "best_of"]

Ending: TypeAlias = Literal["trials", "seconds", "space"]
"""Why a search ended: there were enough trials, the time was over, or all that the space holds was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What came of a search.

    Attributes:
        trials: All trials, by number, those of earlier calls too.
        again: How many of those failed then and were to be tried again.
        seconds: Wall time of the trials of this call.
        ended: Why it ended.
    """

    trials: tuple[Trial, ...]
    again: int
    seconds: float
    ended: Ending


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """What one detector is searched by.

    Attributes:
        workspace: Where trials are stored.
        table: The rows, as the user has them.
        subject: The detector.
        bench: Fits it.
        judge: Says what a trial is worth.
        folds: What it is fitted on and judged by.
        seed: Of all randomness.
        question: A digest of all that the trials depend on.
        study: The run that began the study.
    """

    workspace: Workspace
    table: Table
    subject: Subject
    bench: Bench
    judge: Judge
    folds: tuple[Fold, ...]
    seed: int
    question: str
    study: str

    def search(self, earlier: Sequence[Trial], *, trials: int, seconds: float | None) -> Searched:
        """Go on from earlier trials until there are so many, or the time is over, or all of the space was tried.

        The time runs from the first trial on. The defaults are tried first, and come to their end even where it is over
        by then. A trial of an earlier call that failed within narrower limits than those of today is tried again.
        """
        sampler, found = Sampler(self.subject.space, self.seed), {trial.number: trial for trial in earlier}
        again = {trial.number: trial for trial in earlier if self._again(trial)}
        for trial in earlier:
            if trial.number not in again:
                sampler.learn(trial)
        clock, started = Clock.of(seconds), time.monotonic()
        ended: Ending = "trials"
        for number in (n for n in range(trials) if n not in found or n in again):
            if number and clock.left == 0.0:
                ended = "seconds"
                break
            self._tell(number, trials, found.values())
            asked = None
            if number:
                asked = sampler.again(again[number].point) if number in again else sampler.ask(number)
                if asked is None:
                    ended = "space"
                    break
            new = self._try(number, asked, clock if number else Clock.of(None))
            if new is None:
                ended = "seconds"
                break
            sampler.learn(new, asked)
            found[number] = new
        return Searched(
            trials=tuple(found[number] for number in sorted(found)),
            again=len(again),
            seconds=time.monotonic() - started,
            ended=ended,
        )

    def _again(self, trial: Trial) -> bool:
        return trial.state == "failed" and self.bench.limits.wider(trial.limits)

    def _tell(self, number: int, trials: int, found: Iterable[Trial]) -> None:
        best = best_of(found)
        so_far = "" if best is None else f", best so far {best.value:.3f}"
        self.workspace.progress.stage(f"{self.subject.name}: trial {number + 1} of {trials}{so_far}")

    def _try(self, number: int, asked: Asked | None, clock: Clock) -> Trial | None:
        """One trial; None where the time of the search was over before it was."""
        point = {} if asked is None else asked.point
        line = self.subject.line(point)
        limits = self.bench.limits
        params = Trial.params(self.study, self.question, number, line, point, limits=limits)
        store, started = self.workspace.store, time.monotonic()
        with self.workspace.running("evaluate", self.table, params=params, seed=self.seed) as run_id:
            values: list[float] = []
            state: TrialState = "done"
            error: DetectorError | None = None
            for i, fold in enumerate(self.folds):
                try:
                    answers = self.bench.scores(line, fold.fit, self.judge.papers(i), clock)
                    values.append(self.judge.value(i, answers))
                except DetectorError as caught:
                    state, error = "failed", caught
                    break
                hopeless = asked is not None and asked.hopeless(i, sum(values) / len(values))
                if hopeless and i + 1 < len(self.folds):
                    state = "pruned"
                    break
            seconds = time.monotonic() - started
            late = isinstance(error, DetectorTimeoutError)
            if late and clock.left == 0.0:  # it may not have taken too long: it had no more time than was left
                store.cancel_run(run_id, "the time of the search was over")
                return None
            why = None if error is None else message_of(error)
            note = (f"given up after {len(values)} of {len(self.folds)} folds: below the median of earlier trials",)
            name = self.subject.detector
            member = MemberRow(
                name=name,
                detector=name,
                package=self.bench.registry.package(name),
                params={**self.subject.fixed, **point},
                status="done" if error is None else "timed_out" if late else "failed",
                seconds=seconds,
                error=why,
                notes=note if state == "pruned" else (),
            )
            if why is not None:
                store.fail_run(run_id, why, members=[member])
            else:
                results = {TRIAL: {"state": state, "folds": values, "judged_by": self.judge.name}}
                store.commit_run(run_id, status="done", members=[member], results=results)
        return Trial(
            number=number,
            point=point,
            line=line,
            state=state,
            folds=tuple(values),
            seconds=seconds,
            run=run_id,
            limits=limits,
            error=why,
        )


def best_of(trials: Iterable[Trial]) -> Trial | None:
    """The best of those that came to their end, the earliest among equals; None where there is none."""
    done = [trial for trial in trials if trial.state == "done" and trial.value is not None]
    return max(done, key=lambda trial: trial.value or 0.0, default=None)
