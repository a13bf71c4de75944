"""Queue: which rows an analyst is asked about next, with the probability that each had of being asked.

Each place in a batch is filled by a draw of its own: from the top of the list, from where a verdict would tell most, or
from all rows alike. What comes from the top finds anomalies, but says little of how many there are; the rows drawn at
random do, and the recorded probabilities undo the choice of the others (Farquhar, Gal and Rainforth 2021, "On
statistical bias in active learning", and Kossen et al. 2021, "Active testing").
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anomalist.detector import Bools, Floats, Ints
    from anomalist.engine.feedback.verdicts import Judged
    from anomalist.ensemble.stack import Evidence
    from anomalist.store.rows import Asked

__all__ = ["Mix", "Pick", "alike", "doubt", "draw", "expected_rate"]

_STRENGTH = 20.0  # rows drawn at random that the budget is worth, as a guess at the share of anomalies
_LOWEST, _HIGHEST = 1e-6, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How the places of a batch are filled, as shares that sum to 1.

    >>> Mix.parse("top=3,uncertain=1")
    Mix(top=0.75, uncertain=0.25, random=0.0)

    Attributes:
        top: The row with the highest score.
        uncertain: The row whose verdict would tell most.
        random: Any row, each with the same probability.
    """

    top: float = 0.7
    uncertain: float = 0.2
    random: float = 0.1

    def __post_init__(self) -> None:
        parts = (self.top, self.uncertain, self.random)
        if not all(math.isfinite(part) and part >= 0 for part in parts) or not math.isclose(sum(parts), 1.0):
            raise ParameterError(f"the shares of a mix must be 0 or more and sum to 1, got {parts}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a user typed: `top=0.8,uncertain=0.2,random=0.1`; a kind that is not named gets nothing.

        The numbers are weights: they are divided by their sum.

        Raises:
            ParameterError: A kind is unknown or named twice, or a weight is none.
        """
        known = [field.name for field in fields(cls)]
        weights: dict[str, float] = {}
        for part in text.split(","):
            name, _, value = (word.strip() for word in part.partition("="))
            if name not in known or name in weights:
                what = "twice" if name in weights else "which is unknown"
                raise ParameterError(f"mix {text!r} names {name!r}, {what}; write top=0.7,uncertain=0.2,random=0.1")
            try:
                weights[name] = float(value)
            except ValueError:
                raise ParameterError(f"mix {text!r}: the weight of {name} must be a number, got {value!r}") from None
        total = sum(weights.values())
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights.values()) or not total > 0:
            raise ParameterError(f"mix {text!r}: weights must be 0 or more, and not all 0")
        total = 1.0 if math.isclose(total, 1.0) else total  # what was typed is kept to the last digit
        return cls(**{name: weights.get(name, 0.0) / total for name in known})

    def __str__(self) -> str:
        return ",".join(f"{field.name}={getattr(self, field.name):.3g}" for field in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A row to be asked about.

    Attributes:
        row: Its number.
        asked: The kind of place that it fills.
        probability: That this place, given all earlier ones, was to be filled by this row, by whichever kind: the
            shares of the kinds whose first choice it is, and the share of `random` over the number of rows left. None
            where it was not drawn.
    """

    row: int
    asked: Asked
    probability: float | None


def draw(
    scores: Floats,
    doubts: Floats,
    left: Bools,
    *,
    groups: Ints,
    known: Bools,
    mix: Mix,
    count: int,
    rng: np.random.Generator,
) -> list[Pick]:
    """Draw a batch, one place after the other, each from the rows that are left.

    The kinds `top` and `uncertain` pass over rows that are like one already known or like one in the batch, as long as
    there are others: asking again would tell nothing. `random` passes over none, so that it stays a fair sample.

    Args:
        scores: How anomalous each row is, shape (rows,).
        doubts: How much a verdict on each row would tell, shape (rows,).
        left: The rows that may be asked about, shape (rows,).
        groups: A number for each row, the same for rows that are alike, shape (rows,).
        known: The rows that have a verdict, shape (rows,).
        mix: How often each kind gets a place.
        count: Places to fill; fewer are where fewer rows are left.
        rng: Of all randomness.
    """
    left = left.copy()
    fresh = left & ~np.isin(groups, groups[known])
    picks = []
    for _ in range(min(count, int(left.sum()))):
        among = np.flatnonzero(fresh) if fresh.any() else np.flatnonzero(left)
        rest = np.flatnonzero(left)
        first: dict[Asked, int] = {
            "top": int(among[np.argmax(scores[among])]),
            "uncertain": int(among[np.argmax(doubts[among])]),
            "random": int(rng.choice(rest)),
        }
        shares: dict[Asked, float] = {"top": mix.top, "uncertain": mix.uncertain, "random": mix.random}
        kind = list(first)[int(rng.choice(3, p=list(shares.values())))]
        row = first[kind]
        chosen = sum(shares[other] for other in ("top", "uncertain") if first[other] == row)
        picks.append(Pick(row=row, asked=kind, probability=chosen + mix.random / rest.size))
        left[row] = False
        fresh &= groups != groups[row]
    return picks


def doubt(log_odds: Floats, deviation: Floats | None = None) -> Floats:
    """How much a verdict on each row would tell of its log-odds, in nats, shape (rows,).

    With the standard deviation s of the log-odds it is log(1 + p (1 - p) s^2) / 2, the information that a yes or no
    brings where the log-odds are close to normal (MacKay 1992, "Information-based objective functions"): high where the
    score is near the border and where it may be far off. Without it, s is taken to be 1.
    """
    spread = 1.0 if deviation is None else deviation
    p = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -500.0, 500.0)))
    told: Floats = 0.5 * np.log1p(p * (1.0 - p) * np.square(spread))
    return told


def alike(rows: Evidence) -> Ints:
    """A number for each row, the same for rows that no analyst could tell apart, shape (rows,).

    Rows are alike where their encoded columns are equal and so is their consensus, to a hundredth of a bit: in a series
    equal rows differ by what stands around them.
    """
    seen = np.column_stack([rows.columns, np.round(rows.consensus, 2)]).astype(np.float32) + np.float32(0.0)  # no -0.0
    whole = np.ascontiguousarray(seen).view(np.dtype((np.void, seen.shape[1] * seen.itemsize))).ravel()
    groups: Ints = np.unique(whole, return_inverse=True)[1].ravel()
    return groups


def expected_rate(judged: Iterable[Judged], budget: float, *, rows: int | None = None) -> float:
    """The share of anomalies to be expected among rows as they come, between 1e-6 and 0.5.

    Rows drawn at random are a fair sample of the rows that had no verdict: their share of anomalies, shrunk towards the
    budget as if that were worth 20 such rows. What was found in other ways is no sample, but it is there: where the
    number of rows is known, it is counted and the sample stands for the rest.

    Args:
        judged: What analysts say of single rows; rows without a label do not count.
        budget: The share of rows that is worth a look, the guess before anyone has said anything.
        rows: How many rows the verdicts are about.
    """
    drawn = hits = others = found = 0.0
    for row in judged:
        if row.label is None:
            continue
        if any(verdict.asked == "random" for verdict in row.verdicts):
            drawn, hits = drawn + 1, hits + row.label
        else:
            others, found = others + 1, found + row.label
    rate = (hits + _STRENGTH * budget) / (drawn + _STRENGTH)
    if rows is not None and rows > others:
        rate = (found + (rows - others) * rate) / rows
    return min(max(rate, _LOWEST), _HIGHEST)
