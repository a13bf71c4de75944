"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from anomalist.ensemble.threshold import check_policy

if TYPE_CHECKING:
    from anomalist.ensemble.threshold import Policy

__all__ = ["RunOptions", "ThresholdRequest"]


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
        combiner: The combiner as users type it: a name, or a name with parameters such as `weighted:knn=2`.
        threshold: From which score on rows are to be flagged.
        seed: Of all randomness.
        device: Where deep detectors train: `auto`, `cpu`, `cuda`, `mps`.
        top: At least so many of the most anomalous rows are explained, flagged or not.
    """

    panel: str = "default"
    detectors: tuple[str, ...] = ()
    combiner: str = "upper_half"
    threshold: ThresholdRequest = ThresholdRequest()
    seed: int = 0
    device: str = "auto"
    top: int = 10

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
