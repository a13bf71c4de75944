"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

from anomalist.detector import check_parameter
from anomalist.ensemble.threshold import check_policy
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.ensemble.threshold import Policy

__all__ = ["Members", "RetrainOptions", "RunOptions", "ThresholdRequest"]

Members: TypeAlias = Literal["reuse", "refit", "warm-start"]
"""What becomes of the members of a model that is retrained: kept, fitted anew, or fitted on from what they learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRequest:
    """From which score on rows are to be flagged.

    Attributes:
        policy: How to find the threshold.
        parameter: The budget (a share below 1, else a number of rows), the false-positive rate, or the beta of F-beta.
    """

    policy: Policy = "budget"
    parameter: float = 0.01

    def __post_init__(self) -> None:
        check_policy(self.policy, self.parameter)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to fit a panel.

    Attributes:
        panel: The panel to fit, where no detectors are named.
        detectors: Detectors as users type them: a name, or a name with parameters such as `knn:neighbours=5`.
        features: Makers of features as users type them: a name, or a name with parameters such as `velocity:window=1h`.
        combiner: The combiner as users type it: a name, or a name with parameters such as `weighted:knn=2`.
        threshold: From which score on rows are to be flagged.
        seed: Of all randomness.
        device: Where deep detectors train: `auto`, `cpu`, `cuda`, `mps`.
        clean: The rows are known to be normal: detectors learn from every one of them.
        top: At least so many of the most anomalous rows are explained, flagged or not.
    """

    panel: str = "default"
    detectors: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    combiner: str = "upper_half"
    threshold: ThresholdRequest = ThresholdRequest()
    seed: int = 0
    device: str = "auto"
    clean: bool = False
    top: int = 10

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The options that `to_dict` described."""
        threshold = ThresholdRequest(**values["threshold"])
        several = {name: tuple(values.get(name, ())) for name in ("detectors", "features")}
        return cls(**{**values, **several, "threshold": threshold})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainOptions:
    """How to make the next version of a model.

    Attributes:
        members: What becomes of its members.
        stacker: What learns from verdicts, as users type it: a name, or a name with parameters such as `gp:local=4`.
        promote: Whether the new version becomes the champion; None leaves it to the comparison.
        budget: Another budget for the threshold; None keeps the policy of the model.
        seed: Of all randomness; None keeps that of the model. Where members are kept it is that of learning alone.
        device: Where deep detectors train; None as before.
        clean: Whether the rows that members are fitted on are known to be normal; None as before.
        top: At least so many of the most anomalous rows are explained, flagged or not.
    """

    members: Members = "reuse"
    stacker: str = "gp"
    promote: bool | None = None
    budget: float | None = None
    seed: int | None = None
    device: str | None = None
    clean: bool | None = None
    top: int = 10

    def __post_init__(self) -> None:
        known = get_args(Members)
        check_parameter(self.members in known, "members", self.members, f"one of {', '.join(known)}")
        if self.clean is not None and self.members == "reuse":
            raise UsageError("members that are kept are fitted on no rows, clean or not: say refit or warm-start")

    def on(self, options: RunOptions) -> RunOptions:
        """The options of an earlier run with what is to change; members that are kept were fitted with their seed."""
        return replace(
            options,
            threshold=options.threshold if self.budget is None else ThresholdRequest(parameter=self.budget),
            seed=options.seed if self.seed is None or self.members == "reuse" else self.seed,
            device=options.device if self.device is None else self.device,
            clean=options.clean if self.clean is None else self.clean,
            top=self.top,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
