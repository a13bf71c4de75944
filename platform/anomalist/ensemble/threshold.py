"""Threshold: from which score on a row is flagged. A policy, stored with the model, never a guess inside a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from anomalist.detector import check_parameter
from anomalist.errors import DataError

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats, Ints, State

__all__ = ["Policy", "Threshold"]

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
        check_parameter(
            bool(np.isfinite(budget)) and budget > 0,
            "budget",
            budget,
            "a share such as 1% or a number of rows such as 50",
        )
        allowed = max(1, int(budget * scores.size)) if budget < 1 else int(budget)
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
        check_parameter(0 < rate < 1, "fpr", rate, "a probability between 0 and 1")
        rank = int(np.ceil((held_out.size + 1) * (1 - rate)))
        if rank > held_out.size:
            needed = int(np.ceil(1 / rate)) - 1
            raise DataError(
                f"a false-positive rate of {rate:g} needs at least {needed:,} held-out rows, got {held_out.size:,}; "
                "ask for a higher rate or use --budget"
            )
        value = np.nextafter(np.sort(held_out)[rank - 1], np.inf)
        return cls(policy="fpr", parameter=rate, value=float(value))

    @classmethod
    def for_labels(cls, scores: Floats, labels: Ints, beta: float = 1.0) -> Self:
        """Flag from the score that gives the best F-beta on rows with known labels, 1 an anomaly and 0 not.

        Raises:
            ParameterError: Beta is not positive.
            DataError: One of the two labels is missing.
        """
        check_parameter(bool(np.isfinite(beta)) and beta > 0, "beta", beta, "a positive number")
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
