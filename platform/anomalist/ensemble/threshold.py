"""Threshold: from which score on a row is flagged. A policy, stored with the model, never a guess inside a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from anomalist.detector import check_parameter
from anomalist.errors import DataError

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats, Ints, State

__all__ = ["Policy", "Threshold", "check_held_out", "check_policy"]

Policy = Literal["budget", "fpr", "labels", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Flags a row whose score is at least `value`.

    Attributes:
        policy: How the value was found: `budget`, `fpr`, `labels`, or `none` (nothing is flagged).
        parameter: What the user asked for: the budget, the false-positive rate, or the beta of F-beta; None for `none`.
        value: The lowest score that is flagged, in bits; None where nothing can be.
    """

    policy: Policy
    parameter: float | None = None
    value: float | None = None

    @classmethod
    def none(cls) -> Self:
        """Scores only: nothing is flagged."""
        return cls(policy="none")

    @classmethod
    def for_budget(cls, scores: Floats, budget: float) -> Self:
        """Flag at most `budget` of these rows: a share when below 1, a number of rows from 1 on.

        Rows that tie at the border are all left out: a budget is what an analyst has time for. A share is rounded up to
        one row.

        Raises:
            ParameterError: The budget is not positive.
        """
        check_policy("budget", budget)
        allowed = max(1, int(round(budget * scores.size, 6))) if budget < 1 else int(budget)
        if allowed >= scores.size:
            return cls(policy="budget", parameter=budget, value=float(scores.min()))
        ordered = np.sort(scores)[::-1]
        above = ordered[:allowed][ordered[:allowed] > ordered[allowed]]
        value = 0.5 * (above[-1] + ordered[allowed]) if above.size else np.nextafter(ordered[0], np.inf)
        return cls(policy="budget", parameter=budget, value=float(value))

    @classmethod
    def for_rate(cls, held_out: Floats, rate: float) -> Self:
        """Flag normal rows with at most this probability, by split conformal prediction on rows not trained on.

        The value is the score that at most `rate` of all future rows like the held-out ones exceed, with the usual
        correction for their number (Laxhammar and Falkman 2010; Bates et al. 2023). It needs at least 1 / rate rows.

        Raises:
            ParameterError: The rate is not between 0 and 1.
            DataError: There are too few rows to promise that rate.
        """
        check_policy("fpr", rate)
        check_held_out(held_out.size, rate)
        value = np.nextafter(np.sort(held_out)[_rank(held_out.size, rate) - 1], np.inf)
        return cls(policy="fpr", parameter=rate, value=float(value))

    @classmethod
    def for_labels(cls, scores: Floats, labels: Ints, beta: float = 1.0) -> Self:
        """Flag from the score that gives the best F-beta on rows with known labels, 1 an anomaly and 0 not.

        Raises:
            ParameterError: Beta is not positive.
            DataError: One of the two labels is missing.
        """
        check_policy("labels", beta)
        positives = int(labels.sum())
        if not 0 < positives < labels.size:
            raise DataError(
                f"a threshold from labels needs both kinds of row, got {positives} anomalies among {labels.size} rows"
            )
        order = np.argsort(-scores, kind="stable")
        hits = np.cumsum(labels[order])
        flagged = np.arange(1, labels.size + 1)
        last_of_tie = np.append(np.diff(scores[order]) != 0, True)
        quality = np.where(last_of_tie, (1 + beta**2) * hits / (flagged + beta**2 * positives), -1.0)
        return cls(policy="labels", parameter=beta, value=float(scores[order][int(np.argmax(quality))]))

    def flags(self, scores: Floats) -> Bools:
        """Which of these scores, shape (rows,), are flagged."""
        if self.value is None:
            return np.zeros(scores.shape, dtype=np.bool_)
        flagged: Bools = scores >= self.value
        return flagged

    def state(self) -> State:
        """Plain values that `from_state` needs."""
        return {"policy": self.policy, "parameter": self.parameter, "value": self.value}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The threshold that `state` was taken from."""
        return cls(policy=state["policy"], parameter=state["parameter"], value=state["value"])


def check_policy(policy: Policy, parameter: float) -> None:
    """Refuse a parameter that its policy cannot use, before anything is fitted.

    Raises:
        ParameterError: The budget or the beta is not positive, or the rate is not between 0 and 1.
    """
    positive = bool(np.isfinite(parameter)) and parameter > 0
    if policy == "budget":
        check_parameter(positive, "budget", parameter, "a share such as 1% or a number of rows such as 50")
    elif policy == "fpr":
        check_parameter(0 < parameter < 1, "fpr", parameter, "a probability between 0 and 1")
    elif policy == "labels":
        check_parameter(positive, "beta", parameter, "a positive number")


def check_held_out(rows: int, rate: float) -> None:
    """Refuse to promise a false-positive rate on fewer held-out rows than it takes.

    Raises:
        DataError: There are too few.
    """
    if _rank(rows, rate) > rows:
        needed = int(np.ceil(1 / rate)) - 1
        raise DataError(
            f"a false-positive rate of {rate:g} needs at least {needed:,} held-out rows, got {rows:,}; "
            "ask for a higher rate or use --budget"
        )


def _rank(rows: int, rate: float) -> int:
    """Which of so many held-out scores, in ascending order and counted from 1, normal rows exceed at that rate."""
    return int(np.ceil((rows + 1) * (1 - rate)))
