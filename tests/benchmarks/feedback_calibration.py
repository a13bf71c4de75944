"""How far probabilities are from shares: ours, and what PyOD's detectors give as theirs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tests.benchmarks.feedback_peers import sample

if TYPE_CHECKING:
    from anomalist.detector import Floats
    from tests.benchmarks.feedback_peers import Halves

__all__ = ["METHODS", "calibration_error", "pyod_errors"]

METHODS = ("linear", "unify")  # of predict_proba; the first is its default
_BINS = 15


def calibration_error(labels: Floats, probabilities: Floats) -> float:
    """Expected calibration error in 15 bins of equal width (Naeini, Cooper and Hauskrecht 2015)."""
    bins = np.minimum((probabilities * _BINS).astype(np.intp), _BINS - 1)
    gaps = np.bincount(bins, weights=probabilities - labels, minlength=_BINS)
    return float(np.abs(gaps).sum() / labels.size)


def pyod_errors(halves: Halves, labels: Floats) -> dict[tuple[str, str], float]:
    """Calibration error on the unseen rows by PyOD's detector and method; labels are those of the unseen rows.

    The detectors correspond to members of our panel and have PyOD's defaults. MCD is left out where a set has more
    columns than half its rows: no covariance of full rank is left to find, and the search for one takes hours.
    """
    errors = {}
    rows = sample(halves)
    for name, maker in _makers(halves.seed).items():
        if name == "MCD" and 2 * rows.shape[1] > rows.shape[0]:
            continue
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")  # the peers' own warnings are not what is measured
            torch.manual_seed(halves.seed)  # ALAD takes no seed; nothing else runs in this process
            detector = maker().fit(rows)
            for method in METHODS:
                probabilities = detector.predict_proba(halves.unseen, method=method)[:, 1]
                errors[name, method] = calibration_error(labels, probabilities)
    return errors


def _makers(seed: int) -> dict[str, Any]:
    from pyod.models.alad import ALAD
    from pyod.models.auto_encoder import AutoEncoder
    from pyod.models.gmm import GMM
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.mcd import MCD
    from pyod.models.ocsvm import OCSVM
    from pyod.models.vae import VAE

    return {
        "AutoEncoder": lambda: AutoEncoder(random_state=seed, verbose=0),
        "VAE": lambda: VAE(random_state=seed, verbose=0),
        "ALAD": ALAD,
        "IForest": lambda: IForest(random_state=seed),
        "OCSVM": OCSVM,
        "KNN": KNN,
        "GMM": lambda: GMM(random_state=seed),
        "MCD": lambda: MCD(random_state=seed),
    }
