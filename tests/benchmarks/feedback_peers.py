"""The peers of the feedback benchmark: AADForest and PineForest of coniferest, and XGBOD of PyOD.

Each learns from the rows that are on top of its own ranking, batch after batch, with its package's defaults (of
AADForest, other strengths of the prior did worse). Columns are standardised on the half that is fitted.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats, Ints
    from tests.benchmarks.feedback_course import Learner

__all__ = ["FITTED_ROWS", "XGBOD", "Halves", "peers", "sample", "standardised"]

FITTED_ROWS = 10_000  # PyOD's detectors are fitted on a sample of larger sets, and score all rows
XGBOD = ("XGBOD, unlabelled = normal", "XGBOD, labelled rows only")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Halves:
    """Standardised columns, shape (rows, columns), of the rows to judge and of the unseen rows."""

    columns: Floats
    unseen: Floats
    seed: int


def standardised(fitted: Floats, unseen: Floats, *, seed: int) -> Halves:
    """Both halves with the mean and deviation of the first, without columns that are constant there."""
    varying: Bools = fitted.max(axis=0) > fitted.min(axis=0)
    scaler = StandardScaler().fit(fitted[:, varying].astype(np.float64))
    columns, others = (scaler.transform(half[:, varying].astype(np.float64)) for half in (fitted, unseen))
    return Halves(columns=columns, unseen=others, seed=seed)


def sample(halves: Halves) -> Floats:
    """The rows to judge, or `FITTED_ROWS` of them where there are more."""
    if len(halves.columns) <= FITTED_ROWS:
        return halves.columns
    return halves.columns[np.random.default_rng(halves.seed).permutation(len(halves.columns))[:FITTED_ROWS]]


def peers(halves: Halves) -> dict[str, Learner]:
    """Every peer by name, before it has learned of any verdict."""
    from coniferest.aadforest import AADForest
    from coniferest.pineforest import PineForest

    second_stage = _SecondStage.of(halves)
    return {
        "AADForest": _Forest(halves, AADForest(n_jobs=1, random_seed=halves.seed)),
        "PineForest": _Forest(halves, PineForest(n_jobs=1, random_seed=halves.seed)),
        XGBOD[0]: _Xgbod(second_stage, unlabelled_is_normal=True),
        XGBOD[1]: _Xgbod(second_stage, unlabelled_is_normal=False),
    }


def _top(scores: Floats, judged: Ints, count: int) -> Ints:
    """The highest rows without a verdict."""
    left = np.ones(scores.size, dtype=np.bool_)
    left[judged] = False
    order = np.argsort(-scores, kind="stable")
    rows: Ints = order[left[order]][:count]
    return rows


class _Forest:
    """A forest of coniferest."""

    def __init__(self, halves: Halves, model: Any) -> None:
        self._halves, self._model = halves, model.fit(halves.columns)

    def learn(self, rows: Ints, labels: Floats) -> None:
        columns = self._halves.columns
        if rows.size:
            self._model.fit_known(columns, columns[rows], np.where(labels == 1, -1, 1))
        self._judged, self._scores = rows, -self._model.score_samples(columns)

    def ask(self, count: int) -> Ints:
        return _top(self._scores, self._judged, count)

    def unseen(self) -> Floats:
        scores: Floats = -self._model.score_samples(self._halves.unseen)
        return scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _SecondStage:
    """What XGBOD boosts over: the columns and the scores of its 41 detectors, of both halves; and its classifier.

    The detectors learn without labels, so they are fitted once, on all rows to judge. With a label for every row,
    boosting anew over their scores is what `XGBOD.fit` does; with a few labels, `XGBOD.fit` would have to fit the
    detectors too on those few rows, so this way it gets more than it would by itself.

    Attributes:
        order: The mean of the detectors' standardised scores, of the rows to judge. It ranks where XGBOD cannot yet,
            before it knows both an anomaly and a normal row, and where its scores tie.
        unseen_order: The same of the unseen rows.
    """

    features: Floats
    unseen_features: Floats
    order: Floats
    unseen_order: Floats
    classifier: Any

    @classmethod
    def of(cls, halves: Halves) -> _SecondStage:
        from pyod.models import xgbod

        rows = sample(halves)
        one_anomaly = np.zeros(len(rows))
        one_anomaly[0] = 1  # it refuses to fit a single class
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # XGBOD passes a parameter that xgboost no longer knows
            model = xgbod.XGBOD(random_state=halves.seed).fit(rows, one_anomaly)

            def scores(columns: Floats) -> Floats:
                distinct, where = np.unique(columns, axis=0, return_inverse=True)
                found: Floats = model._generate_new_features(distinct)[
                    where.ravel()
                ]  # decision_function without its end
                return found

            fitted = model.X_train_add_ if rows is halves.columns else scores(halves.columns)
            unseen = scores(halves.unseen)
        mean, deviation = fitted.mean(axis=0), fitted.std(axis=0) + 1e-12
        return cls(
            features=np.concatenate((halves.columns, fitted), axis=1),
            unseen_features=np.concatenate((halves.unseen, unseen), axis=1),
            order=((fitted - mean) / deviation).mean(axis=1),
            unseen_order=((unseen - mean) / deviation).mean(axis=1),
            classifier=model.clf_,
        )


class _Xgbod:
    """XGBOD, told of all rows, those without a verdict as normal, or of the rows with a verdict alone."""

    def __init__(self, stage: _SecondStage, *, unlabelled_is_normal: bool) -> None:
        self._stage, self._unlabelled_is_normal = stage, unlabelled_is_normal
        self._fitted: Any = None

    def learn(self, rows: Ints, labels: Floats) -> None:
        stage = self._stage
        self._judged, self._scores = rows, stage.order
        if not labels.any() or (labels.all() and not self._unlabelled_is_normal):
            return
        features, answers = stage.features[rows], labels
        if self._unlabelled_is_normal:
            features, answers = stage.features, np.zeros(len(stage.features))
            answers[rows] = labels
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as above
            self._fitted = clone(stage.classifier).fit(features, answers)
        self._scores = self._ranked(stage.features, stage.order)

    def ask(self, count: int) -> Ints:
        return _top(self._scores, self._judged, count)

    def unseen(self) -> Floats:
        if self._fitted is None:
            return self._stage.unseen_order
        return self._ranked(self._stage.unseen_features, self._stage.unseen_order)

    def _ranked(self, features: Floats, order: Floats) -> Floats:
        """Places from 0 up by the probability, ties by the order, shape (rows,)."""
        places = np.empty(order.size)
        places[np.lexsort((order, self._fitted.predict_proba(features)[:, 1]))] = np.arange(order.size)
        return places
