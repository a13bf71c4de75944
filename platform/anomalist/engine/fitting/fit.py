"""Fit a panel on a table: the members side by side, then one scale, one consensus and a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.data.series import check_series
from anomalist.data.windows import Windower
from anomalist.engine.fitting.panel import Seat, arranged
from anomalist.engine.fitting.plan import held_out_rows
from anomalist.engine.fitting.report import MemberReport, MemberStatus, blamed
from anomalist.engine.fitting.warm import warm_started
from anomalist.ensemble.calibrate import Calibrator
from anomalist.ensemble.member import Member, raw_scores, training_view, view_of, votes_of
from anomalist.ensemble.model import Model, Scores
from anomalist.ensemble.reference import Reference
from anomalist.ensemble.sanity import check_direction, checked_notes
from anomalist.ensemble.threshold import Threshold
from anomalist.errors import DetectorError, DetectorTimeoutError, RunError
from anomalist.store.state import join_state, split_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.data.series import SeriesCheck
    from anomalist.detector import Detector, Floats, Ints
    from anomalist.engine.evaluation.labels import Labels
    from anomalist.engine.execution.executor import Executor, Outcome
    from anomalist.engine.fitting.plan import Plan
    from anomalist.engine.fitting.request import ThresholdRequest
    from anomalist.engine.progress import Progress

__all__ = ["Earlier", "Fitted", "fit", "threshold_of", "training_rows"]

_BODY = 0.25  # above this share of the rows a member tells them apart by how far out they are, not by rank alone
_CLEAN_BODY = 0.75  # normal rows have earned their ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted model, what it says of the rows that it was fitted on, and how each detector fared."""

    model: Model
    scores: Scores
    reports: tuple[MemberReport, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A model whose members a fit goes on from, and what to call it, such as `payments:3`."""

    model: Model
    reference: str


def fit(plan: Plan, *, executor: Executor, progress: Progress, earlier: Earlier | None = None) -> Fitted:
    """Fit the panel of a plan on its rows and score them.

    Where there is an `earlier` model, detectors that can go on from its members do; each notes whether it did.

    Raises:
        RunError: No detector could be fitted.
    """
    data = plan.data
    series = check_series(data) if data.time is not None else None
    windower = Windower.fit(data) if data.time is not None else None
    panel = [arranged(seat, series) for seat in plan.panel]
    training = training_rows(data, plan.threshold, plan.seed)
    fitting = _Fitting(plan=plan, training=training, windower=windower, earlier=earlier)
    reports, members, surprises = _fit_members(panel, fitting, executor, progress)
    progress.stage("combining")
    names = tuple(member.name for member in members)
    combiner = plan.combiner.among(names)
    raw = combiner(surprises, names, votes_of([member.kin for member in members]))
    consensus = Calibrator.fit(raw[training])
    score = consensus.surprise(raw)
    threshold = threshold_of(score, plan.threshold, training=training, labels=plan.labels)
    scores = Scores(members=names, surprises=surprises, score=score, flagged=threshold.flags(score))
    model = Model(
        encoder=plan.encoder,
        windower=windower,
        members=tuple(members),
        combiner=combiner,
        consensus=consensus,
        threshold=threshold,
        reference=Reference.fit(plan.encoder, plan.table, data, scores),
    )
    order = () if windower is None or series is None else (_about_series(series, windower),)
    notes = (*plan.encoder.notes(plan.table), *order)
    return Fitted(model=model, scores=scores, reports=tuple(reports), notes=notes)


def _about_series(series: SeriesCheck, windower: Windower) -> str:
    """What was made of rows that have a time, in one line."""
    if series.is_series:
        return f"the rows are a series, seen through windows of {windower.length} rows: {series.reason}"
    return f"the rows have a time but are no series, so detectors of rows see them one by one: {series.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitting:
    """What every member is fitted on."""

    plan: Plan
    training: Ints | slice
    windower: Windower | None
    earlier: Earlier | None

    def member(self, seat: Seat) -> tuple[Member, Floats]:
        """Fit one detector; give the member and its surprise of every row."""
        assert seat.detector is not None
        data = self.plan.data
        train, drawn = training_view(seat.view, data.take(self.training), self.windower, seed=self.plan.seed)
        detector, start = self._trained(seat, seat.detector, train)
        # What cannot be saved is this detector's failure, not the run's; and what was checked is what will be saved.
        kept = join_state(*split_state(detector.state(), seat.name))
        raw = raw_scores(detector, view_of(seat.view, data, self.windower))
        check_direction(detector, train, raw[self.training], seed=self.plan.seed)
        calibrator = Calibrator.fit(raw[self.training], body=_CLEAN_BODY if self.plan.clean else _BODY)
        member = Member(
            name=seat.name,
            detector_name=seat.detector_name,
            params=seat.params,
            detector=detector,
            calibrator=calibrator,
            view=seat.view,
            kin=seat.kin,
            notes=(*drawn, *checked_notes(detector), *start),
            package=seat.package,
            kept=kept,
        )
        return member, calibrator.surprise(raw)

    def _trained(self, seat: Seat, detector: Detector, train: Dataset) -> tuple[Detector, tuple[str, ...]]:
        """Fit a detector, or let it go on from the earlier model; what is to be said of its start goes with it."""
        if self.earlier is None:
            return _itself(detector, detector.fit(train), "fit"), ()
        start = warm_started(self.earlier.model, self.earlier.reference, seat, self.plan.encoder)
        if start.detector is None:
            return _itself(detector, detector.fit(train), "fit"), (start.note,)
        return _itself(start.detector, start.detector.update(train), "update"), (start.note,)


def _itself(detector: Detector, returned: object, method: str) -> Detector:
    """The detector, which its method must have returned."""
    if returned is not detector:
        raise DetectorError(
            f"{method} must return the detector itself, got {type(returned).__name__}; end it with return self"
        )
    return detector


def _fit_members(
    panel: Sequence[Seat], fitting: _Fitting, executor: Executor, progress: Progress
) -> tuple[list[MemberReport], list[Member], Floats]:
    """Fit all seats that can take part; reports in the order of the panel, and those that are done."""
    reports: dict[str, MemberReport] = {}
    fitted: dict[str, tuple[Member, Floats]] = {}
    for seat in panel:
        if seat.obstacle is not None:
            status: MemberStatus = "skipped" if seat.skipped else "failed"
            why = seat.obstacle if seat.skipped else blamed(seat, seat.obstacle)
            reports[seat.name] = MemberReport(seat=seat, status=status, error=why)
    able = [seat for seat in panel if seat.obstacle is None]
    progress.members([seat.name for seat in able])
    for outcome in executor.outcomes(fitting.member, able):
        report = _report(outcome)
        reports[report.seat.name] = report
        if outcome.result is not None:
            fitted[report.seat.name] = outcome.result
        progress.member(report)
    if not fitted:
        why = "; ".join(f"{seat.name}: {reports[seat.name].error}" for seat in panel)
        raise RunError(f"no detector could be fitted: {why or 'the panel is empty'}")
    done = [fitted[seat.name] for seat in panel if seat.name in fitted]
    surprises = np.stack([surprise for _, surprise in done], axis=1)
    return [reports[seat.name] for seat in panel], [member for member, _ in done], surprises


def _report(outcome: Outcome[Seat, tuple[Member, Floats]]) -> MemberReport:
    seat, error = outcome.item, outcome.error
    if outcome.result is not None:
        return MemberReport(seat=seat, status="done", seconds=outcome.seconds, notes=outcome.result[0].notes)
    status: MemberStatus = "timed_out" if isinstance(error, DetectorTimeoutError) else "failed"
    return MemberReport(seat=seat, status=status, seconds=outcome.seconds, error=blamed(seat, error))


def training_rows(data: Dataset, request: ThresholdRequest, seed: int) -> Ints | slice:
    """All rows; or, where a false-positive rate is to be promised, all but a held-out fifth: the latest where timed."""
    if request.policy != "fpr":
        return slice(None)
    order = (
        np.random.default_rng(seed).permutation(len(data))
        if data.time is None
        else np.argsort(data.time, kind="stable")
    )
    kept: Ints = np.sort(order[: len(data) - held_out_rows(len(data))])
    return kept


def threshold_of(
    score: Floats, request: ThresholdRequest, *, training: Ints | slice, labels: Labels | None
) -> Threshold:
    """The threshold that was asked for, from the scores of all rows.

    Args:
        score: Bits, shape (rows,).
        request: The policy.
        training: The rows that were trained on, as `training_rows` gave them.
        labels: What is known of the rows; without them a threshold from labels flags nothing.
    """
    if request.policy == "budget":
        return Threshold.for_budget(score, request.parameter)
    if request.policy == "fpr":
        held_out = np.ones(score.size, dtype=np.bool_)
        held_out[training] = False
        return Threshold.for_rate(score[held_out], request.parameter)
    if request.policy == "labels" and labels is not None:
        return Threshold.for_labels(score[labels.rows], labels.values, request.parameter)
    return Threshold.none()
