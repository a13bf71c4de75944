"""Model: encoder, members, combiner and threshold in one immutable object that scores a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.data.encode import Encoder
from anomalist.data.windows import Windower
from anomalist.ensemble.calibrate import Calibrator, level
from anomalist.ensemble.member import Member, votes_of
from anomalist.ensemble.reference import Reference
from anomalist.ensemble.stack import Evidence
from anomalist.ensemble.stacked import Stacked
from anomalist.ensemble.threshold import Threshold
from anomalist.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.data.dataset import Dataset
    from anomalist.data.maker import BuildMaker
    from anomalist.data.table import Table
    from anomalist.detector import Bools, Detector, Floats, State
    from anomalist.ensemble.combine import Combiner
    from anomalist.ensemble.stack import Stacker

__all__ = ["Each", "Model", "Scores"]

Each = Callable[[Callable[[Member], Any], Iterable[Member]], Iterable[Any]]
"""Applies a function to each member and yields the results in order: `map`, or something that uses more cores."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """What a model says of some rows.

    Attributes:
        members: The names of the members, in the order of the columns of `surprises`.
        surprises: Bits, shape (rows, members).
        score: Bits, shape (rows,): the surprise of the consensus, or of what was learned from verdicts.
        flagged: Which rows are over the threshold, shape (rows,).
        probability: That an analyst calls the row an anomaly, shape (rows,); None where there were no verdicts to learn
            from.
    """

    members: tuple[str, ...]
    surprises: Floats
    score: Floats
    flagged: Bools
    probability: Floats | None = None

    @property
    def level(self) -> Floats:
        """The score as a number between 0 and 1, shape (rows,)."""
        return level(self.score)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A fitted panel. The score of a row is the same whether it comes alone or among a million.

    Where its features look at other rows, or its members at windows of them, that holds for the rows around a row too:
    they have to come with it.

    Attributes:
        encoder: Table to Dataset, with the features that plugins make first.
        windower: Orders rows and cuts windows; None where the rows have no time.
        members: The fitted detectors.
        combiner: Surprises to one consensus.
        consensus: The calibrator of the consensus, to bits: the score, where nothing was learned from verdicts.
        threshold: From which score on a row is flagged.
        stack: What was learned from verdicts; None where there were none.
        reference: What the training rows were like; None where an earlier version saved the model.
    """

    encoder: Encoder
    windower: Windower | None
    members: tuple[Member, ...]
    combiner: Combiner
    consensus: Calibrator
    threshold: Threshold
    stack: Stacked | None = None
    reference: Reference | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the members."""
        return tuple(member.name for member in self.members)

    @property
    def votes(self) -> Floats:
        """How much each member's voice counts in the consensus, shape (members,)."""
        return votes_of([member.kin for member in self.members])

    def score(self, table: Table, *, each: Each = map) -> Scores:
        """Score the rows of a table.

        Raises:
            SchemaMismatchError: A column that the model was fitted on is missing or has another type.
            DetectorError: A detector failed.
        """
        return self.score_encoded(self.encoder.encode(table), each=each)

    def score_encoded(self, data: Dataset, *, each: Each = map) -> Scores:
        """Score encoded rows."""
        columns = list(each(lambda member: member.surprise(data, self.windower), self.members))
        return self.scores_from(data, np.stack(columns, axis=1))

    def scores_from(self, data: Dataset, surprises: Floats) -> Scores:
        """Put together what the members say of encoded rows, bits of shape (rows, members), and apply the threshold."""
        evidence = self.evidence(data, surprises)
        score, probability = (evidence.consensus, None) if self.stack is None else self.stack.score(evidence)
        return Scores(
            members=self.names,
            surprises=surprises,
            score=score,
            flagged=self.threshold.flags(score),
            probability=probability,
        )

    def evidence(self, data: Dataset, surprises: Floats) -> Evidence:
        """What a stacker sees of encoded rows that the members gave these surprises, bits of shape (rows, members)."""
        consensus = self.consensus.surprise(self.combiner(surprises, self.names, self.votes))
        return Evidence(consensus=consensus, surprises=surprises, columns=data.values)

    def with_budget(self, scores: Floats, budget: float) -> Self:
        """The same model with a threshold that flags at most `budget` of the rows with these scores."""
        return replace(self, threshold=Threshold.for_budget(scores, budget))

    def parts(self) -> dict[str, State]:
        """The whole model as named states: arrays and plain values only."""
        head = {
            "members": [f"member_{index:02d}" for index in range(len(self.members))],
            "combiner": self.combiner.state(),
            "consensus": self.consensus.state(),
            "threshold": self.threshold.state(),
        }
        parts: dict[str, State] = {"model": head, "encoder": self.encoder.state()}
        if self.windower is not None:
            parts["windower"] = self.windower.state()
        if self.stack is not None:
            parts["stack"] = self.stack.state()
        if self.reference is not None:
            parts["reference"] = self.reference.state()
        parts.update(zip(head["members"], (member.state() for member in self.members), strict=True))
        return parts

    @classmethod
    def from_parts(
        cls,
        parts: Mapping[str, State],
        *,
        build: Callable[[str, Mapping[str, Any]], Detector],
        combiner: Callable[[str, Mapping[str, Any]], Combiner],
        stacker: Callable[[str, Mapping[str, Any]], Stacker],
        maker: BuildMaker | None = None,
    ) -> Self:
        """The model that `parts` was taken from.

        `build` makes an unfitted detector, `combiner` a combiner, and `stacker` a stacker that has not learned, each of
        a name and its parameters; `maker` a maker of features, where the model has some.

        Raises:
            ModelFileError: A part is missing.
            PluginError: A maker of features is not there, or cannot read its state.
        """
        try:
            head = parts["model"]
            return cls(
                encoder=Encoder.from_state(parts["encoder"], maker),
                windower=Windower.from_state(parts["windower"]) if "windower" in parts else None,
                members=tuple(Member.from_state(parts[name], build) for name in head["members"]),
                combiner=combiner(head["combiner"]["name"], head["combiner"]["params"]),
                consensus=Calibrator.from_state(head["consensus"]),
                threshold=Threshold.from_state(head["threshold"]),
                stack=Stacked.from_state(parts["stack"], stacker) if "stack" in parts else None,
                reference=Reference.from_state(parts["reference"]) if "reference" in parts else None,
            )
        except KeyError as error:
            raise ModelFileError(f"the model lacks its part {error}; fit it again") from None
