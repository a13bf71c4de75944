"""The peers of the ensembles benchmark: PyOD's detectors of the kinds in the default panel, alone and under SUOD; LSCP.

All have PyOD's defaults and see standardised columns. SUOD runs in one process. Its scheduling over processes is
off: with one there is nothing to schedule, and it would fit a model of costs and write it into the installed package.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from tests.benchmarks import timing
from tests.benchmarks.sets import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anomalist.detector import Floats

__all__ = ["LSCP", "SUOD", "at_most", "fit_and_score", "makers", "quiet", "score_rows"]

SUOD = "PyOD SUOD"
LSCP = "PyOD LSCP"
_BLOCK = 10_000  # rows scored at once: LSCP keeps a list of 600 neighbours for each


def makers(seed: int) -> dict[str, Callable[[], Any]]:
    """What builds each peer, by name; the singles first."""
    from pyod.models import lscp, suod
    from pyod.models.auto_encoder import AutoEncoder
    from pyod.models.gmm import GMM
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.lof import LOF
    from pyod.models.mcd import MCD
    from pyod.models.ocsvm import OCSVM
    from pyod.models.so_gaal import SO_GAAL
    from pyod.models.vae import VAE

    singles: dict[str, Callable[[], Any]] = {
        "PyOD AutoEncoder": lambda: AutoEncoder(random_state=seed, verbose=0),
        "PyOD VAE": lambda: VAE(random_state=seed, verbose=0),
        "PyOD SO_GAAL": SO_GAAL,
        "PyOD IForest": lambda: IForest(random_state=seed),
        "PyOD OCSVM": OCSVM,
        "PyOD KNN": KNN,
        "PyOD GMM": lambda: GMM(random_state=seed),
        "PyOD MCD": lambda: MCD(random_state=seed),
    }

    def panel() -> Any:
        kinds = [make() for name, make in singles.items() if name != "PyOD MCD"]  # our default panel has none
        return suod.SUOD(kinds, n_jobs=1, bps_flag=False)

    def selection() -> Any:
        return lscp.LSCP([LOF(n_neighbors=k) for k in range(10, 55, 5)], random_state=seed)

    return {**singles, SUOD: panel, LSCP: selection}


@contextlib.contextmanager
def quiet(seed: int) -> Iterator[None]:
    """Without the peers' own warnings and prints, and with the global seeds that some of them draw from."""
    import torch

    np.random.seed(seed)  # noqa: NPY002  what SUOD's projections draw from
    torch.manual_seed(seed)  # what SO_GAAL draws from
    with timing.quiet():
        yield


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Stop what takes more CPU seconds than that.

    Raises:
        TimeoutError: It did, and Python got to say so: not within one call of a library.
    """

    def stop(*_: object) -> None:
        raise TimeoutError(f"took more than {seconds:g} CPU seconds")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def fit_and_score(make: Callable[[], Any], values: Floats, *, fitted_rows: int, seed: int) -> tuple[Floats, float]:
    """Fit on a random sample of at most so many rows, and score all; scores and CPU seconds.

    Rows that are equal are scored once: the sets of many rows hold few different ones.
    """
    sample = np.random.default_rng(seed).permutation(len(values))[:fitted_rows]
    started = cpu_seconds()
    scaled = StandardScaler().fit_transform(values)
    with quiet(seed):
        detector = make().fit(scaled[sample])
        distinct, where = np.unique(scaled, axis=0, return_inverse=True)
        scores = score_rows(detector, distinct)[where.ravel()]
    return np.nan_to_num(scores), cpu_seconds() - started


def score_rows(detector: Any, values: Floats) -> Floats:
    """Scores, block after block."""
    blocks = [values[first : first + _BLOCK] for first in range(0, len(values), _BLOCK)]
    scores: Floats = np.concatenate([detector.decision_function(block) for block in blocks])
    return scores
