"""The promises that a detector of PyOD does not keep, with the reason, by its name and the check of the kit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXPECTED"]

_SEVERAL = "it takes the columns against each other, and one has no other"
_KERNEL = "its kernel has a width that does not follow the scale of the columns; a run scales them"
_NEAREST = "a new row gets the scores of its nearest training rows, of which those on a rim are no oddities"

_SHAPES = "level and size of a window do not count, and its few shapes take in noise as well as waves of any phase"

EXPECTED: Mapping[str, Mapping[str, str]] = {
    "ALAD": {"polarity": "200 steps on batches of 32 rows, its default, leave it close to where it started"},
    "AutoEncoder": {
        "one-column": "10 passes with batch normalisation, its default, rebuild one column badly everywhere"
    },
    "CD": {
        "one-column": _SEVERAL,
        "many-columns": "a regression of one column on the others needs more rows than columns",
    },
    "FeatureBagging": {"one-column": _SEVERAL},
    "HDBSCAN": {"polarity": _NEAREST},
    "KPCA": {"large": _KERNEL},
    "KShape": {"one-column": _SHAPES},
    "OCSVM": {"large": _KERNEL},
    "ROD": {"one-column": "it rotates three columns at a time, and fills up with zeros where there are fewer"},
    "SAND": {"one-column": _SHAPES},
    "SOD": {"one-column": _SEVERAL},
    "SpectralResidual": {
        "polarity": "it finds single steps that stick out, and the kit's windows far out are noise throughout"
    },
}
