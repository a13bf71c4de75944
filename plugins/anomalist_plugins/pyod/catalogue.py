"""What of PyOD is offered; plain data, so that listing imports no PyOD."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Family, View

__all__ = ["ENTRIES", "Entry", "Scoring"]

Scoring: TypeAlias = Literal["rows", "blocks", "beside", "columns"]
"""How rows are given to PyOD: `rows`, all at once; `blocks`, blocks of one size, because the last digits of a matrix
product depend on its size; `beside`, each beside the same reference rows, because PyOD scores rows against each other
only; `columns`, each column to a model of its own."""

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One detector of PyOD.

    Attributes:
        name: The name of its class, which is also what users type after `pyod:`.
        module: The module of `pyod.models` that it is in.
        summary: What it finds, one sentence.
        family: The kind of method.
        eats: Whether it gets rows, or windows of a series.
        scoring: How rows are given to it.
        torch: It computes with torch.
        draws: It draws random numbers, so that it has a seed.
        left_out: Its parameters that cannot be written as plain values, or make no sense here, beside those of all.
        defaults: Defaults of ours in place of PyOD's.
        limits: Parameters that may not exceed the number of rows less a number, which they are lowered to.
        distinct: It is fitted on the distinct rows only, because it cannot tell apart rows that are the same.
        kin: What it shares with detectors that err alike.
        factory: A class of our own that does the same, in place of PyOD's.
    """

    name: str
    module: str
    summary: str
    family: Family = "classical"
    eats: View = "rows"
    scoring: Scoring = "rows"
    torch: bool = False
    draws: bool = False
    left_out: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    limits: Mapping[str, int] = field(default_factory=lambda: _NONE)
    distinct: bool = False
    kin: str = ""
    factory: str = ""


def _less(**limits: int) -> Mapping[str, int]:
    return MappingProxyType(limits)


_ALL: tuple[Entry, ...] = (
    Entry(
        name="ABOD",
        module="abod",
        summary="Rows that see their neighbours under similar angles.",
        distinct=True,
        limits=_less(n_neighbors=1),
    ),
    Entry(
        name="AE1SVM",
        module="ae1svm",
        summary="Rows that an autoencoder with a one-class margin on its code rebuilds badly.",
        family="deep",
        scoring="blocks",
        torch=True,
        draws=True,
        kin="reconstruction",
    ),
    Entry(
        name="ALAD",
        module="alad",
        summary="Rows whose reconstruction the discriminator of a bidirectional GAN tells from the row.",
        family="deep",
        scoring="blocks",
        torch=True,
        draws=True,
        kin="reconstruction",
    ),
    Entry(
        name="AnoGAN",
        module="anogan",
        summary="Rows unlike the likeness that a GAN has arrived at; slow, as it searches once for every training row.",
        family="deep",
        torch=True,
        draws=True,
        kin="reconstruction",
    ),
    Entry(
        name="AnomalyTransformer",
        module="ts_anomaly_transformer",
        summary="Windows that a transformer rebuilds badly where its steps attend to their neighbours; very slow.",
        family="deep",
        eats="windows",
        scoring="blocks",
        torch=True,
        draws=True,
        kin="reconstruction",
    ),
    Entry(
        name="AutoEncoder",
        module="auto_encoder",
        summary="Rows that an autoencoder, as PyOD trains it, rebuilds badly.",
        family="deep",
        scoring="blocks",
        torch=True,
        draws=True,
        kin="reconstruction",
    ),
    Entry(
        name="CBLOF",
        module="cblof",
        summary="Rows far from the nearest large cluster.",
        draws=True,
        left_out=frozenset({"clustering_estimator"}),
        limits=_less(n_clusters=1),
    ),
    Entry(
        name="CD",
        module="cd",
        summary="Rows with much influence on regressions of each column on the others.",
        family="statistical",
        scoring="beside",
        left_out=frozenset({"model"}),
    ),
    Entry(
        name="COF",
        module="cof",
        summary="Rows that are less well connected to their neighbours than those are; slow.",
        scoring="beside",
        left_out=frozenset({"method"}),
        limits=_less(n_neighbors=2),
    ),
    Entry(
        name="COPOD",
        module="copod",
        summary="Rows in the tails of many columns, by empirical copulas.",
        family="statistical",
        factory="anomalist_plugins.pyod.tails:COPOD",
    ),
    Entry(
        name="DeepSVDD",
        module="deep_svdd",
        summary="Rows that a network maps far from the centre of all others.",
        family="deep",
        scoring="blocks",
        torch=True,
        draws=True,
        left_out=frozenset({"n_features", "c"}),
    ),
    Entry(
        name="DIF",
        module="dif",
        summary="Rows that are easy to isolate after random networks have bent the space.",
        family="deep",
        scoring="blocks",
        torch=True,
        draws=True,
        limits=_less(max_samples=0),
    ),
    Entry(
        name="ECOD",
        module="ecod",
        summary="Rows in the tails of many columns, by empirical distribution functions.",
        family="statistical",
        factory="anomalist_plugins.pyod.tails:ECOD",
    ),
    Entry(
        name="FeatureBagging",
        module="feature_bagging",
        summary="Rows with a high local outlier factor in random subsets of the columns.",
        draws=True,
        left_out=frozenset({"base_estimator", "estimator_params"}),
    ),
    Entry(
        name="GMM",
        module="gmm",
        summary="Rows of low density under a mixture of Gaussians.",
        family="statistical",
        draws=True,
        left_out=frozenset({"weights_init", "means_init", "precisions_init"}),
        limits=_less(n_components=0),
    ),
    Entry(
        name="HBOS",
        module="hbos",
        summary="Rows in low bars of the histograms of many columns.",
        family="statistical",
    ),
    Entry(
        name="HDBSCAN",
        module="hdbscan",
        summary="Rows that belong to no cluster of density; tells little where the data are one cloud.",
        limits=_less(min_cluster_size=0, min_samples=0),
    ),
    Entry(
        name="IForest",
        module="iforest",
        summary="Rows that random splits isolate early.",
        draws=True,
        limits=_less(max_samples=0),
    ),
    Entry(
        name="INNE",
        module="inne",
        summary="Rows outside of, or on the rim of, balls around random samples.",
        draws=True,
        limits=_less(max_samples=0),
    ),
    Entry(
        name="KDE",
        module="kde",
        summary="Rows of low density by a kernel estimate.",
        family="statistical",
    ),
    Entry(
        name="KNN",
        module="knn",
        summary="Rows far from their nearest neighbours, as PyOD counts them.",
        limits=_less(n_neighbors=1),
    ),
    Entry(
        name="KPCA",
        module="kpca",
        summary="Rows that the first kernel principal components rebuild badly; cubic in the rows.",
        scoring="blocks",
        draws=True,
        left_out=frozenset({"remove_zero_eig"}),
        defaults=MappingProxyType({"n_components": 5}),
        limits=_less(n_components=1, subset_size=0),
        kin="reconstruction",
    ),
    Entry(
        name="KShape",
        module="ts_kshape",
        summary="Windows unlike the shapes, whatever their level, scale and shift, that most windows have.",
        eats="windows",
        draws=True,
        limits=_less(n_clusters=0),
    ),
    Entry(
        name="LMDD",
        module="lmdd",
        summary="Rows that add most to the spread of the numbers of all columns; very slow.",
        family="statistical",
        scoring="beside",
    ),
    Entry(
        name="LOCI",
        module="loci",
        summary="Rows around which it is emptier than around their neighbours, at some radius.",
        scoring="beside",
    ),
    Entry(
        name="LODA",
        module="loda",
        summary="Rows in low bars of histograms of random projections.",
        family="statistical",
        draws=True,
        scoring="blocks",
    ),
    Entry(
        name="LOF",
        module="lof",
        summary="Rows in sparser places than their neighbours.",
        limits=_less(n_neighbors=1),
    ),
    Entry(
        name="LSTMAD",
        module="ts_lstm",
        summary="Windows with steps that a recurrent network, as PyOD trains it, does not forecast; slow.",
        family="deep",
        eats="windows",
        scoring="blocks",
        torch=True,
        draws=True,
    ),
    Entry(
        name="LUNAR",
        module="lunar",
        summary="Rows whose distances to their neighbours a network tells from those of made-up anomalies.",
        family="deep",
        scoring="blocks",
        torch=True,
        draws=True,
        left_out=frozenset({"scaler"}),
    ),
    Entry(
        name="MAD",
        module="mad",
        summary="Rows of which one column is far from its median, in median absolute deviations.",
        family="statistical",
        scoring="columns",
        left_out=frozenset({"threshold"}),
    ),
    Entry(
        name="MCD",
        module="mcd",
        summary="Rows far from the centre by a robust covariance, the minimum covariance determinant.",
        family="statistical",
        draws=True,
        left_out=frozenset({"store_precision"}),
    ),
    Entry(
        name="OCSVM",
        module="ocsvm",
        summary="Rows outside of the boundary of a one-class support vector machine; quadratic in the rows.",
    ),
    Entry(
        name="PCA",
        module="pca",
        summary="Rows far along principal components, most of all along those of little variance.",
        family="statistical",
        draws=True,
        limits=_less(n_components=0),
    ),
    Entry(
        name="QMCD",
        module="qmcd",
        summary="Rows that disturb the uniformity of the data; quadratic in the rows.",
        family="statistical",
    ),
    Entry(
        name="ROD",
        module="rod",
        summary="Rows far out when every three columns are rotated; cubic in the columns, slow.",
        family="statistical",
        left_out=frozenset({"parallel_execution"}),
    ),
    Entry(
        name="Sampling",
        module="sampling",
        summary="Rows far from a small random sample.",
        draws=True,
        limits=_less(subset_size=0),
    ),
    Entry(
        name="SAND",
        module="ts_sand",
        summary="Windows unlike the shapes of those before them, which are followed as they change.",
        eats="windows",
        draws=True,
        limits=_less(n_clusters=0),
    ),
    Entry(
        name="SOD",
        module="sod",
        summary="Rows far from their neighbours in the columns in which those agree; slow.",
        scoring="beside",
        limits=_less(n_neighbors=1, ref_set=2),
    ),
    Entry(
        name="SOS",
        module="sos",
        summary="Rows that few others have an affinity to; slow.",
        family="statistical",
        scoring="beside",
        distinct=True,
    ),
    Entry(
        name="SpectralResidual",
        module="ts_spectral_residual",
        summary="Windows with a step that sticks out of their spectrum, such as a spike.",
        family="statistical",
        eats="windows",
    ),
    Entry(
        name="TimeSeriesOD",
        module="ts_od",
        summary="Windows that a detector of rows, such as an isolation forest, finds odd when they are laid flat.",
        eats="windows",
        draws=True,
    ),
    Entry(
        name="VAE",
        module="vae",
        summary="Rows that a variational autoencoder, as PyOD trains it, rebuilds badly.",
        family="deep",
        scoring="blocks",
        torch=True,
        draws=True,
        kin="reconstruction",
    ),
)

ENTRIES: Mapping[str, Entry] = MappingProxyType({entry.name: entry for entry in _ALL})
"""What is offered, by name."""
