"""Tune: search for better parameters of detectors, each trial a run, and say what the best of them brought."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anomalist
from anomalist.data.words import counted
from anomalist.engine.tuning.bench import Clock
from anomalist.engine.tuning.ground import Known, prepared
from anomalist.engine.tuning.judge import TRUST
from anomalist.engine.tuning.sampler import check_installed
from anomalist.engine.tuning.study import Study, best_of
from anomalist.engine.tuning.subject import Subject
from anomalist.engine.tuning.trial import Trial
from anomalist.engine.tuning.verdict import ruled
from anomalist.errors import DetectorError, RunError, message_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from anomalist.data.table import Table
    from anomalist.engine.tuning.ground import Ground
    from anomalist.engine.tuning.request import TuneOptions
    from anomalist.engine.tuning.study import Ending
    from anomalist.engine.tuning.verdict import Verdict
    from anomalist.engine.workspace import Workspace
    from anomalist.plugins.registry import Registry
    from anomalist.store.rows import RunRow

__all__ = ["TUNE", "Tuned", "TunedDetector", "tune"]

_SERIES = "neighbouring rows of a series are alike: the intervals of the comparison are narrower than they should be"

TUNE = "tune"
"""Where a run's parameters and results say that it is a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedDetector:
    """What the search found for one detector.

    Attributes:
        name: The detector.
        trials: All trials, by number, those of earlier calls too.
        resumed: How many of them are of earlier calls.
        again: How many of those failed within narrower limits, and were to be tried again.
        seconds: Wall time of the trials of this call.
        wanted: How many trials were asked for.
        ended: Why the search ended.
        defaults: The detector as it is without a search, as `--detector` takes it.
        best: The best of those that came to their end.
        verdict: Whether it is better than the defaults, by labels that no trial saw; None where that is not known.
        reason: What it comes to, in one line.
    """

    name: str
    trials: tuple[Trial, ...]
    resumed: int
    again: int
    seconds: float
    wanted: int
    ended: Ending
    defaults: str
    best: Trial
    verdict: Verdict | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        states = [trial.state for trial in self.trials]
        return {
            "detector": self.name,
            "line": self.best.line,
            "defaults": self.defaults,
            "counts": {state: states.count(state) for state in ("done", "pruned", "failed")},
            "wanted": self.wanted,
            "ended": self.ended,
            "seconds": self.seconds,
            "resumed": self.resumed,
            "again": self.again,
            "trials": [trial.to_dict() for trial in self.trials],
            "best": self.best.to_dict(),
            "comparison": None if self.verdict is None else self.verdict.to_dict(),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A search that has ended and is stored.

    Attributes:
        run: Its run.
        judged_by: The metric, or `consensus` where trials were judged without labels.
        detectors: What was found for each detector, in the order in which they were named.
    """

    run: RunRow
    judged_by: str
    detectors: tuple[TunedDetector, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what `--json` prints."""
        found = [detector.to_dict() for detector in self.detectors]
        return {"run": self.run.id, "judged_by": self.judged_by, "detectors": found, "notes": list(self.run.notes)}


def tune(
    workspace: Workspace,
    table: Table,
    options: TuneOptions,
    *,
    positive: Collection[str] | None = None,
    origin: Mapping[str, Any] | None = None,
) -> Tuned:
    """Search for better parameters; the same call goes on where an earlier one was interrupted.

    Detectors are fitted without labels, on two thirds of the rows that are searched on, and judged by the other third,
    in turn. With labels a last three tenths of the rows are kept from all trials, and the best one is compared on them
    with the defaults: what a search says of its own best trial is always too good.

    Args:
        workspace: Where.
        table: The rows.
        options: How to search.
        positive: The label values that mean an anomaly; found when not given.
        origin: How the table was read, plain values; stored with the run.

    Raises:
        UsageError: Optuna is not installed, or the request cannot be met; nothing is stored.
        DataError: The rows cannot be used, or too few of them have labels.
        RunError: Not one trial of a detector came to its end.
    """
    check_installed()
    known = Known.of(table, options, positive)
    subjects = [Subject.of(workspace.registry, text, options.space) for text in options.detectors]
    workspace.progress.stage("encoding")
    ground = prepared(workspace, known, options)
    for subject in subjects:
        ground.bench.seat(subject.line(None))  # what cannot be used on these rows is refused before a run begins
    asked = _asked(options, origin or {}, positive, workspace.registry)
    about = {TUNE: asked, "origin": dict(origin or {})}
    with workspace.running("evaluate", table, params=about, seed=options.seed) as run_id:
        search = _Search(workspace=workspace, table=table, ground=ground, options=options, asked=asked, run_id=run_id)
        found, left = list[TunedDetector](), options.seconds
        for i, subject in enumerate(subjects):
            found.append(search.tuned(subject, None if left is None else left / (len(subjects) - i)))
            left = None if left is None else max(0.0, left - found[-1].seconds)
        trust = (TRUST,) if options.unsupervised else ()
        series = ground.bench.series
        if ground.last is not None and series is not None and series.is_series:
            trust = (*trust, _SERIES)
        report = {"judged_by": ground.judge.name, "detectors": [one.to_dict() for one in found]}
        run = workspace.store.commit_run(run_id, status="done", results={TUNE: report}, notes=(*known.notes, *trust))
    return Tuned(run=run, judged_by=ground.judge.name, detectors=tuple(found))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """What the searches for all detectors share."""

    workspace: Workspace
    table: Table
    ground: Ground
    options: TuneOptions
    asked: Mapping[str, Any]
    run_id: str

    def tuned(self, subject: Subject, seconds: float | None) -> TunedDetector:
        """Search for one detector, within so much time."""
        question = _question(self.table, subject, self.asked)
        study, earlier = self.run_id, list[Trial]()
        if not self.options.fresh:
            study, earlier = _earlier(self.workspace, question, self.run_id)
        searched = Study(
            workspace=self.workspace,
            table=self.table,
            subject=subject,
            bench=self.ground.bench,
            judge=self.ground.judge,
            folds=self.ground.folds,
            seed=self.options.seed,
            question=question,
            study=study,
        ).search(earlier, trials=self.options.trials, seconds=seconds)
        best = best_of(searched.trials)
        if best is None:
            why = next(trial.error for trial in searched.trials if trial.error)
            raise RunError(f"{subject.name}: no trial came to its end: {why}")
        verdict, reason = self._said(subject, best, searched.trials)
        return TunedDetector(
            name=subject.name,
            trials=searched.trials,
            resumed=len(earlier),
            again=searched.again,
            seconds=searched.seconds,
            wanted=self.options.trials,
            ended=searched.ended,
            defaults=subject.line(None),
            best=best,
            verdict=verdict,
            reason=reason,
        )

    def _said(self, subject: Subject, best: Trial, trials: Sequence[Trial]) -> tuple[Verdict | None, str]:
        """What the best trial is worth, in one line, and by labels where there are any."""
        nothing = f"nothing was better than the defaults in {counted(len(trials), 'trial')}"
        if self.ground.last is None:
            return None, nothing if best.number == 0 else _without_labels(best, trials)
        self.workspace.progress.stage(f"{subject.name}: comparing with the defaults")
        try:
            verdict = self._compared(subject, best)
        except DetectorError as error:
            return None, f"not compared with the defaults on rows that no trial saw: {message_of(error)}"
        return verdict, nothing if best.number == 0 else verdict.reason

    def _compared(self, subject: Subject, best: Trial) -> Verdict:
        """The defaults and the best trial, fitted on all rows that were searched on and judged by those held out."""
        ground = self.ground
        assert ground.last is not None
        paper, start = ground.bench.data.take(ground.last.judge), subject.line(None)
        scores = {
            line: ground.bench.scores(line, ground.last.fit, (paper,), Clock.of(None))[0][ground.labelled]
            for line in {start, best.line}
        }
        return ruled(ground.truth, scores[start], scores[best.line], self.options.metric, seed=self.options.seed)


def _without_labels(best: Trial, trials: Sequence[Trial]) -> str:
    start = next((trial.value for trial in trials if trial.number == 0), None)
    beside = "" if start is None else f" against {start:.3f} of the defaults"
    return f"{best.value:.3f}{beside} by agreement and separation; whether it finds more anomalies is not known"


def _earlier(workspace: Workspace, question: str, run_id: str) -> tuple[str, list[Trial]]:
    """The study that the last call which asked the same began, and its trials; a new one where there is none."""
    runs = workspace.store.trials(question)
    if not runs:
        return run_id, []
    study = runs[-1].params["trial"]["study"]
    found: dict[int, Trial] = {}
    for run in runs:
        trial = Trial.from_run(run)
        if trial is not None and run.params["trial"]["study"] == study:
            found[trial.number] = trial  # the newest: what had failed may have been tried again
    return study, [found[number] for number in sorted(found)]


def _asked(
    options: TuneOptions, origin: Mapping[str, Any], positive: Collection[str] | None, registry: Registry
) -> dict[str, Any]:
    """All that trials depend on, but for the rows and the detector; how many of them there may be is no part of it."""
    panel = options.panel if options.unsupervised else ""
    packages = {registry.feature_package(registry.parse(text)[0]) for text in options.features}
    if options.unsupervised:
        packages |= {registry.package(spec.name) for spec in registry.panel(panel)}
    how = {"metric": options.metric, "unsupervised": options.unsupervised, "panel": panel, "rows": options.rows}
    read = {name: value for name, value in origin.items() if name not in ("location", "format", "query")}
    return {
        **how,
        "detectors": list(options.detectors),
        "space": options.space,
        "features": list(options.features),
        "seed": options.seed,
        "device": options.device,
        "positive": None if positive is None else sorted(positive),
        "columns": read,
        "version": anomalist.__version__,
        "packages": {package: registry.manager.version_of(package) for package in sorted(packages)},
    }


def _question(table: Table, subject: Subject, asked: Mapping[str, Any]) -> str:
    about = {name: value for name, value in asked.items() if name not in ("detectors", "space")}
    detector = {
        "name": subject.name,
        "version": subject.version,
        "fixed": dict(subject.fixed),
        "space": [axis.text for axis in subject.space.axes],
    }
    depends = {"table": table.fingerprint, "detector": detector, "asked": about}
    text = json.dumps(depends, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
