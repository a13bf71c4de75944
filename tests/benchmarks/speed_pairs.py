"""Which detector of ours stands beside which of a peer's, with the settings of both.

Both have their defaults, unless the name of a side says otherwise. `rows` of a side is what it fits and scores in a
minute or two on one core: above that the table says that it was left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepod.models import RCA
from deepod.models import DeepSVDD as DeepODSVDD
from pyod.models.alad import ALAD
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.deep_svdd import DeepSVDD
from pyod.models.gmm import GMM
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.mcd import MCD
from pyod.models.ocsvm import OCSVM
from pyod.models.pca import PCA
from pyod.models.so_gaal import SO_GAAL
from pyod.models.vae import VAE as PYOD_VAE
from sklearn.ensemble import IsolationForest as SklearnForest

from anomalist_plugins.autoencoder.detector import Autoencoder
from anomalist_plugins.gan.detector import GAN
from anomalist_plugins.gmm.detector import GaussianMixture
from anomalist_plugins.isolation_forest.detector import IsolationForest
from anomalist_plugins.knn.detector import KNearestNeighbours
from anomalist_plugins.mahalanobis.detector import Mahalanobis
from anomalist_plugins.ocsvm.detector import OneClassSVM
from anomalist_plugins.vae.detector import VAE
from tests.benchmarks.speed_sides import Setup, Side, our_side, peer_side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALL_ROWS = 1 << 62
ELSEWHERE = (
    "SUOD, LSCP and XGBOD beside the default panel: python -m tests.benchmarks.ensembles",
    "the default panel beside the same kinds of detectors of PyOD, each in a process: python -m tests.benchmarks.panel",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One of our sides and its counterpart; `equal` where both must give the same scores."""

    ours: Side
    peer: Side
    equal: bool = False

    @property
    def name(self) -> str:
        return f"{self.ours.name} / {self.peer.name}"


def _deep(make: Callable[..., Any], **fixed: Any) -> Callable[[Setup], Any]:
    """One of our networks."""
    return lambda setup: make(seed=setup.seed, device=setup.device, **fixed)


def _classical(make: Callable[..., Any], **fixed: Any) -> Callable[[Setup], Any]:
    """One of our detectors that draws from a seed."""
    return lambda setup: make(seed=setup.seed, **fixed)


def _trained(make: Callable[..., Any], **fixed: Any) -> Callable[[Setup], Any]:
    """A network of a peer that takes a seed and a device."""
    return lambda setup: make(random_state=setup.seed, device=setup.device, verbose=0, **fixed)


_AUTOENCODER = our_side("autoencoder", _deep(Autoencoder), on_sets=True)
_EIGHT = our_side("autoencoder, 8 seeds", _deep(Autoencoder, members=8))
_VAE = our_side("vae", _deep(VAE), on_sets=True)
_GAN = our_side("gan", _deep(GAN), on_sets=True)
_FOREST = our_side("isolation_forest", _classical(IsolationForest), on_sets=True)
_OCSVM = our_side("ocsvm", _classical(OneClassSVM), on_sets=True)
_EQUAL_OCSVM = our_side(
    "ocsvm, as PyOD's",
    lambda setup: OneClassSVM(nu=0.5, gamma=1 / setup.columns, exact_rows=ALL_ROWS),
    rows=10_000,
)
_KNN = our_side("knn", _classical(KNearestNeighbours), on_sets=True)
_EQUAL_KNN = our_side(
    "knn, as PyOD's",
    _classical(KNearestNeighbours, neighbours=5, trim=0.0, aggregate="max", rows=ALL_ROWS),
    rows=100_000,
)
_GMM = our_side("gmm", _classical(GaussianMixture), on_sets=True)
_MAHALANOBIS = our_side("mahalanobis", _classical(Mahalanobis), on_sets=True)

_PYOD_AUTOENCODER = peer_side("PyOD AutoEncoder", _trained(AutoEncoder), rows=10_000)
_PYOD_VAE = peer_side("PyOD VAE", _trained(PYOD_VAE), rows=10_000)
_SO_GAAL = peer_side("PyOD SO_GAAL", lambda setup: SO_GAAL(), rows=100_000)
_ALAD = peer_side("PyOD ALAD", lambda setup: ALAD(device=setup.device), rows=100_000)
_PYOD_SVDD = peer_side(
    "PyOD DeepSVDD",
    lambda setup: DeepSVDD(n_features=setup.columns, random_state=setup.seed, verbose=0),
    rows=10_000,
)
_RCA = peer_side("DeepOD RCA", _trained(RCA), rows=10_000)
_DEEPOD_SVDD = peer_side("DeepOD DeepSVDD", _trained(DeepODSVDD), rows=10_000)
_IFOREST = peer_side("PyOD IForest", lambda setup: IForest(random_state=setup.seed, n_jobs=setup.threads))
_SKLEARN_FOREST = Side(
    name="scikit-learn IsolationForest",
    make=lambda setup: SklearnForest(random_state=setup.seed, n_jobs=setup.threads),
    score=lambda fitted, values: -fitted.score_samples(values),
)
_PYOD_OCSVM = peer_side("PyOD OCSVM", lambda setup: OCSVM(), rows=10_000)
_PYOD_KNN = peer_side("PyOD KNN", lambda setup: KNN(n_jobs=setup.threads), rows=100_000)
_MCD = peer_side("PyOD MCD", lambda setup: MCD(random_state=setup.seed), rows=100_000)
_PYOD_GMM = peer_side("PyOD GMM", lambda setup: GMM(random_state=setup.seed))
_PCA = peer_side("PyOD PCA", lambda setup: PCA(random_state=setup.seed))

FIT_ONLY = frozenset({_SKLEARN_FOREST.name})
"""Peers that do not score the training rows while they fit."""

PAIRS = (
    Pair(ours=_AUTOENCODER, peer=_PYOD_AUTOENCODER),
    Pair(ours=_EIGHT, peer=_PYOD_AUTOENCODER),
    Pair(ours=_AUTOENCODER, peer=_RCA),
    Pair(ours=_AUTOENCODER, peer=_PYOD_SVDD),
    Pair(ours=_AUTOENCODER, peer=_DEEPOD_SVDD),
    Pair(ours=_VAE, peer=_PYOD_VAE),
    Pair(ours=_GAN, peer=_SO_GAAL),
    Pair(ours=_GAN, peer=_ALAD),
    Pair(ours=_FOREST, peer=_SKLEARN_FOREST),
    Pair(ours=_FOREST, peer=_IFOREST),
    Pair(ours=_EQUAL_OCSVM, peer=_PYOD_OCSVM, equal=True),
    Pair(ours=_OCSVM, peer=_PYOD_OCSVM),
    Pair(ours=_EQUAL_KNN, peer=_PYOD_KNN, equal=True),
    Pair(ours=_KNN, peer=_PYOD_KNN),
    Pair(ours=_MAHALANOBIS, peer=_MCD),
    Pair(ours=_MAHALANOBIS, peer=_PCA),
    Pair(ours=_GMM, peer=_PYOD_GMM),
)


def groups(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Pairs that share a side, put together: their sides take turns, and each runs once a turn."""
    found: list[list[Pair]] = []
    for pair in pairs:
        joined = next((group for group in found if any(_share(pair, other) for other in group)), None)
        if joined is None:
            found.append([pair])
        else:
            joined.append(pair)
    return found


def sides(pairs: Sequence[Pair]) -> list[Side]:
    """Every side of some pairs once, in order."""
    return list({side.name: side for pair in pairs for side in (pair.ours, pair.peer)}.values())


def _share(one: Pair, other: Pair) -> bool:
    return one.ours is other.ours or one.peer is other.peer
