"""Gp: a Gaussian process around the consensus, the stacker that learns from the first verdict on.

The log-odds of a row are those of the consensus plus a smooth function that is zero until verdicts bend it. With no
verdicts it ranks rows as the consensus does; far from all verdicts it still does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.detector import check_parameter
from anomalist.ensemble.stack import Evidence, log_odds_at_rate
from anomalist.ensemble.stackers.kernel import Kernel
from anomalist.ensemble.stackers.laplace import Posterior
from anomalist.ensemble.stackers.relevance import median_distance, relevance
from anomalist.ensemble.stackers.views import Views
from anomalist.errors import NotFittedError

if TYPE_CHECKING:
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Lesson

__all__ = ["Gp"]

_BACKGROUND = 20_000  # rows as they come that scales, ranks and the expected share are measured on
_NATS = float(np.log(2.0))
_BEYOND = 0.25


@dataclass(slots=True)
class Gp:
    """Learns a Gaussian process over rows, with the consensus as its prior mean.

    Its covariance is the sum of a constant, a slope on the consensus, a linear kernel on the members' surprises, a
    linear kernel on the encoded columns, and a local kernel on the columns' ranks in which the columns count that set
    the anomalies found so far apart. Verdicts are yes-or-no observations; some rows as they come enter as weak evidence
    that most rows are no anomalies. Inference is by Laplace's approximation (Rasmussen and Williams 2006, chapter 3).
    Learning from anomalies that analysts name, with an unsupervised score to start from, goes back to Das et al. 2016,
    "Incorporating expert feedback into active anomaly discovery".

    Its cost grows with the cube of the verdicts; of more than `most` a sample is used, and `boosting` may then be
    better.

    Attributes:
        anchor: How many nats of log-odds go with a nat of surprise of the consensus: how much it is trusted.
        trusted: Up to how many bits; of more a quarter counts, since the most surprising rows are often false alarms.
        constant: Prior variance of the level.
        slope: Prior variance of the weight of the consensus.
        members: Prior variance of what the members' surprises add.
        columns: Prior variance of what the columns add, each for itself.
        local: Prior variance of what neighbourhoods add.
        length: How far a neighbourhood reaches, in median distances between rows.
        weak: How many rows as they come count as weak evidence of no anomaly.
        weight: How much each of them counts, where a verdict counts 1.
        share: The share of anomalies that it expects among the rows that it learns of.
        most: Of more verdicts than that a sample is used.
    """

    anchor: float = 1.5
    trusted: float = 8.5
    constant: float = 1.0
    slope: float = 0.25
    members: float = 1.0
    columns: float = 1.0
    local: float = 8.0
    length: float = 0.7
    weak: int = 300
    weight: float = 0.05
    share: float = 0.05
    most: int = 1_000

    _fitted: _Fitted | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("constant", "slope", "members", "columns", "local"):
            check_parameter(0 <= getattr(self, name) < np.inf, name, getattr(self, name), "a variance of 0 or more")
        for name in ("anchor", "trusted", "length"):
            check_parameter(0 < getattr(self, name) < np.inf, name, getattr(self, name), "a positive number")
        check_parameter(self.weak >= 0, "weak", self.weak, "a whole number of 0 or more")
        check_parameter(0 < self.weight <= 1, "weight", self.weight, "a number above 0 and up to 1")
        check_parameter(0 < self.share < 1, "share", self.share, "a number between 0 and 1")
        check_parameter(self.most >= 10, "most", self.most, "a whole number of at least 10")

    def fit(self, lesson: Lesson, /) -> Self:
        """Learn from judged rows; from none it takes the consensus as it is."""
        rng = np.random.default_rng(lesson.seed)
        order = rng.permutation(len(lesson.background))
        background = lesson.background.take(np.sort(order[:_BACKGROUND]))
        judged, labels = _sample(lesson, self.most, rng)
        weak = lesson.background.take(np.sort(order[: self.weak])).unlike(judged)  # a row as it comes may be judged
        rows = judged.followed_by(weak)
        observed = np.concatenate([labels, np.zeros(len(weak))])
        weights = np.concatenate([np.ones(labels.size), np.full(len(weak), self.weight)])
        views = Views.fit(background)
        offset = log_odds_at_rate(self._prior(background.consensus), self.share)
        view = views(background)
        relevant = relevance(views(judged.take(labels == 1)).ranks, view.ranks)
        scale = self.length**2 * median_distance(view.ranks * np.sqrt(relevant), rng)
        kernel = self._kernel(views, rows, relevant, scale)
        # Without a verdict the weak evidence must not bend the consensus either.
        if labels.size:
            mean = offset + self._prior(rows.consensus)
            posterior = Posterior.fit(kernel.of_its_rows(), mean, observed, weights)
        else:
            posterior = Posterior.known(kernel.of_its_rows(), np.zeros(len(rows)), np.zeros(len(rows)))
        self._fitted = _Fitted(kernel=kernel, posterior=posterior, offset=offset)
        return self

    def log_odds(self, rows: Evidence, /) -> Floats:
        """Log-odds of an anomaly, shape (rows,): the consensus and what the verdicts moved.

        Raises:
            NotFittedError: It has not learned yet.
        """
        fitted = self._ready()
        found = np.empty(len(rows))
        for part, view in fitted.kernel.blocks(rows):
            moved = fitted.kernel.with_its_rows(view) @ fitted.posterior.alpha
            found[part] = fitted.offset + self._prior(view.consensus) + moved
        return found

    def deviation(self, rows: Evidence, /) -> Floats:
        """Posterior standard deviation of the log-odds, shape (rows,).

        Raises:
            NotFittedError: It has not learned yet.
        """
        fitted = self._ready()
        found = np.empty(len(rows))
        for part, view in fitted.kernel.blocks(rows):
            covariance = fitted.kernel.with_its_rows(view)
            found[part] = fitted.posterior.variance(fitted.kernel.variance(view), covariance)
        return np.sqrt(found)

    def moved(self, rows: Evidence, /) -> tuple[Floats, Floats]:
        """By how many nats each member and each column moved the log-odds away from the consensus.

        Shapes (rows, members) and (rows, columns). The linear parts are exact. The local part of a column is what it
        falls by when the column is put at its median. What moves all rows alike, and the weight of the consensus as a
        whole, are no one's.

        Raises:
            NotFittedError: It has not learned yet.
        """
        fitted = self._ready()
        kernel, alpha = fitted.kernel, fitted.posterior.alpha
        of_members, of_columns = kernel.linear_weights(alpha)
        members, columns = np.empty(rows.surprises.shape), np.empty(rows.columns.shape)
        for part, view in kernel.blocks(rows):
            members[part] = view.members * of_members
            columns[part] = view.columns * of_columns + kernel.local_parts(view, alpha)
        return members, columns

    def state(self) -> State:
        """Arrays and plain values that `restore` needs."""
        fitted = self._ready()
        kernel, rows = fitted.kernel, fitted.kernel.rows
        return {
            "offset": fitted.offset,
            "views": kernel.views.state(),
            "consensus": rows.consensus,
            "surprises": rows.surprises,
            "columns": rows.columns,
            "relevant": kernel.relevant,
            "scale": kernel.scale,
            "alpha": fitted.posterior.alpha,
            "root": fitted.posterior.root,
        }

    def restore(self, state: State, /) -> Self:
        """Become the fitted stacker that `state` was taken from."""
        views = Views.from_state(state["views"])
        rows = Evidence(**{name: state[name] for name in ("consensus", "surprises", "columns")})
        kernel = self._kernel(views, rows, state["relevant"], float(state["scale"]))
        posterior = Posterior.known(kernel.of_its_rows(), state["alpha"], state["root"])
        self._fitted = _Fitted(kernel=kernel, posterior=posterior, offset=float(state["offset"]))
        return self

    def _kernel(self, views: Views, rows: Evidence, relevant: Floats, scale: float) -> Kernel:
        return Kernel(
            constant=self.constant,
            slope=self.slope,
            members=self.members,
            columns=self.columns,
            local=self.local,
            scale=scale,
            views=views,
            rows=rows,
            seen=views(rows),
            relevant=relevant,
        )

    def _prior(self, bits: Floats) -> Floats:
        """Log-odds by the consensus alone, but for the level: they rise with it everywhere."""
        counted = np.minimum(bits, self.trusted) + _BEYOND * np.maximum(bits - self.trusted, 0.0)
        nats: Floats = self.anchor * _NATS * counted
        return nats

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise NotFittedError("the gp stacker has not learned yet; call fit first")
        return self._fitted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fitted:
    """What was learned, and the log-odds of a row whose consensus has no bits."""

    kernel: Kernel
    posterior: Posterior
    offset: float


def _sample(lesson: Lesson, most: int, rng: np.random.Generator) -> tuple[Evidence, Floats]:
    """The judged rows; of too many a sample, at most half of it anomalies where there are other rows to fill it."""
    labels = lesson.labels
    if labels.size <= most:
        return lesson.judged, labels
    yes, no = (rng.permutation(np.flatnonzero(labels == label)) for label in (1, 0))
    anomalies = min(yes.size, max(most // 2, most - no.size))
    chosen = np.sort(np.concatenate([yes[:anomalies], no[: most - anomalies]]))
    return lesson.judged.take(chosen), labels[chosen]
