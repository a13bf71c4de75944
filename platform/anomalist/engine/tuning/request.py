"""What a search is asked to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

from anomalist.detector import check_parameter
from anomalist.errors import UsageError
from anomalist.plugins.space import parse_space

if TYPE_CHECKING:
    from anomalist.config import Settings

__all__ = ["Metric", "TuneOptions"]

Metric: TypeAlias = Literal["average_precision", "roc_auc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions:
    """How to search.

    Attributes:
        detectors: Detectors as users type them; a parameter that is given is kept as it is.
        space: What is searched, as `--space` takes it, in place of what the detector declares; None for that.
        unsupervised: Whether trials are judged without labels; where there are labels they judge the result alone.
        panel: Whose consensus judges trials without labels.
        metric: What trials are judged by with labels, and the result wherever there are labels.
        trials: At most so many for each detector, those of earlier calls included; the first has the defaults.
        rows: Of more rows than this the search sees a sample; of rows with a time the latest.
        seconds: Wall time for the trials of all detectors, each of which gets an equal share and what others left;
            reading, encoding and comparing are no part of it, and the defaults are tried even where it is over. None
            for no limit.
        timeout: Seconds that one fit may take; None for no limit.
        memory: Bytes that one fit may take, where detectors are isolated; None for no limit of ours.
        fresh: Whether to begin anew although an earlier call left trials.
        features: Makers of features as users type them.
        seed: Of all randomness.
        device: Where deep detectors train.
    """

    detectors: tuple[str, ...] = ("autoencoder",)
    space: str | None = None
    unsupervised: bool = False
    panel: str = "default"
    metric: Metric = "average_precision"
    trials: int = 30
    rows: int = 50_000
    seconds: float | None = None
    timeout: float | None = None
    memory: int | None = None
    fresh: bool = False
    features: tuple[str, ...] = ()
    seed: int = 0
    device: str = "auto"

    @classmethod
    def of(cls, settings: Settings, **given: Any) -> Self:
        """What was asked for, and what the settings say of the rest.

        Raises:
            UsageError: A panel was named, and labels judge; or what was asked for cannot be.
        """
        if not given["unsupervised"] and settings.origins["panel"].startswith("flag "):
            raise UsageError(
                "a panel says whose consensus judges where no labels do: search unsupervised, or name none"
            )
        memory = settings.memory if settings.isolate else None
        shared = {name: getattr(settings, name) for name in ("panel", "timeout", "seed", "device")}
        return cls(**given, **shared, memory=memory)

    def __post_init__(self) -> None:
        known = get_args(Metric)
        check_parameter(self.metric in known, "metric", self.metric, f"one of {', '.join(known)}")
        check_parameter(self.trials >= 2, "trials", self.trials, "a whole number of at least 2")
        check_parameter(self.rows >= 100, "rows", self.rows, "a whole number of at least 100")
        for name in ("seconds", "timeout"):
            value = getattr(self, name)
            check_parameter(value is None or 0 < value < math.inf, name, value, "a number of seconds above 0")
        if not self.detectors:
            raise UsageError("a search needs a detector: name one")
        for line in {line for line in self.detectors if self.detectors.count(line) > 1}:
            raise UsageError(f"detector {line} is named twice; once is enough")
        if self.space is not None and len(self.detectors) > 1:
            raise UsageError("a space is for one detector: name one")
        if self.space is not None:
            parse_space([self.space])  # what is wrong with it is said before any row is read
