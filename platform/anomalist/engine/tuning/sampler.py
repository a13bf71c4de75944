"""Sampler: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), fed from the record of a study.

Optuna keeps nothing: the runs of the store are the record, and what they say is added to a study in memory. The draws
for a trial start from its number, so that a search that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from anomalist.engine.tuning.space import short
from anomalist.errors import UsageError
from anomalist.plugins.space import OneOf

if TYPE_CHECKING:
    import optuna

    from anomalist.engine.tuning.space import Point, Space
    from anomalist.engine.tuning.trial import Trial

__all__ = ["Asked", "Sampler", "check_installed"]

_BY_ESTIMATE, _AT_RANDOM = 5, 50  # draws of a point that nobody tried, before the space counts as exhausted
_UNPRUNED = 5  # trials that always come to their end, so that there is a median to be below


def check_installed() -> None:
    """Refuse to go on without Optuna.

    Raises:
        UsageError: It is not installed; the message says how to.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UsageError("tuning needs Optuna: pip install 'anomalist[tune]'")


class Asked:
    """Values that are to be tried next.

    Attributes:
        trial: What Optuna calls it.
        point: The values.
    """

    def __init__(self, trial: optuna.Trial, point: Point) -> None:
        self.trial = trial
        self.point = point

    def hopeless(self, step: int, mean: float) -> bool:
        """Whether to give up after this fold: the mean so far is below the median of earlier trials at this fold."""
        self.trial.report(mean, step)
        return self.trial.should_prune()


class Sampler:
    """Says what to try next, by what was found so far; the larger a value the better."""

    def __init__(self, space: Space, seed: int) -> None:
        import optuna

        self._optuna = optuna
        self._seed = seed
        self._space = space
        self._distributions = _distributions(space)
        self._tried = [space.start]
        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would announce a study in memory on stderr
        try:
            self._study = optuna.create_study(
                direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED)
            )
        finally:
            optuna.logging.set_verbosity(level)

    def ask(self, number: int) -> Asked | None:
        """What to try as the trial of this number; None where all that there is was tried.

        The same values would give the same result, so they are drawn again: where all axes are choices, the estimator
        comes back to its favourites.
        """
        samplers = self._optuna.samplers
        for draw in range(_BY_ESTIMATE + _AT_RANDOM):
            sampler = samplers.TPESampler if draw < _BY_ESTIMATE else samplers.RandomSampler
            self._study.sampler = sampler(seed=(self._seed + 7919 * number + 104_729 * draw) % 2**32)
            trial = self._study.ask(self._distributions)
            point = {axis.name: short(trial.params[axis.name], axis) for axis in self._space.axes}
            if point not in self._tried:
                return Asked(trial, point)
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return None

    def again(self, point: Point) -> Asked:
        """The same values as in a trial that is to be tried once more."""
        self._study.enqueue_trial(dict(point))
        return Asked(self._study.ask(self._distributions), point)

    def learn(self, trial: Trial, asked: Asked | None = None) -> None:
        """Take in a trial that has ended: one that was asked for just now, or one of an earlier call.

        What was asked is dropped and what was tried is added, so that both calls leave the same to learn from.
        """
        states = self._optuna.trial.TrialState
        if asked is not None:
            self._study.tell(asked.trial, state=states.FAIL)
        point = trial.point or self._space.start
        if point is None:
            return  # it had the defaults, and those lie outside of the space
        self._tried.append(point)
        self._study.add_trial(
            self._optuna.trial.create_trial(
                state={"done": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[trial.state],
                value=trial.value,
                params=dict(point),
                distributions=self._distributions,
                intermediate_values=dict(enumerate(trial.running_means)),
            )
        )


def _distributions(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for axis in space.axes:
        if isinstance(axis, OneOf):
            found[axis.name] = CategoricalDistribution(axis.choices)
        elif axis.name in space.whole:
            found[axis.name] = IntDistribution(int(axis.low), int(axis.high), log=axis.log)
        else:
            found[axis.name] = FloatDistribution(axis.low, axis.high, log=axis.log)
    return found
