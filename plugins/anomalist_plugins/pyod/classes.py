"""The classes that the state of a PyOD detector may hold objects of, and those that are not worth keeping."""

from __future__ import annotations

import importlib
import types
from typing import Any

from anomalist_plugins.pyod.catalogue import ENTRIES
from anomalist_plugins.pyod.library import library

__all__ = ["CLASSES", "find_class", "is_forgotten", "name_of"]

_SKLEARN = {
    "cluster._kmeans": ("KMeans",),
    "covariance._robust_covariance": ("MinCovDet",),
    "decomposition._pca": ("PCA",),
    "ensemble._iforest": ("IsolationForest",),
    "linear_model._base": ("LinearRegression",),
    "mixture._gaussian_mixture": ("GaussianMixture",),
    "neighbors._kde": ("KernelDensity",),
    "neighbors._lof": ("LocalOutlierFactor",),
    "neighbors._unsupervised": ("NearestNeighbors",),
    "preprocessing._data": ("KernelCenterer", "MinMaxScaler", "RobustScaler", "StandardScaler"),
    "svm._classes": ("OneClassSVM",),
    "tree._classes": ("ExtraTreeRegressor",),
}
_TORCH = {
    "activation": ("ELU", "GELU", "LeakyReLU", "ReLU", "SELU", "Sigmoid", "Softplus", "Softmax", "Tanh"),
    "batchnorm": ("BatchNorm1d",),
    "container": ("ModuleList", "Sequential"),
    "conv": ("Conv1d",),
    "dropout": ("Dropout",),
    "linear": ("Identity", "Linear"),
    "loss": ("MSELoss", "L1Loss", "BCELoss"),
    "normalization": ("LayerNorm",),
    "rnn": ("LSTM",),
}
_PYOD = {
    "models.ae1svm": ("InnerAE1SVM", "RandomFourierFeatures"),
    "models.anogan": ("Discriminator", "Generator", "QueryModel"),
    "models.auto_encoder": ("AutoEncoderModel",),
    "models.deep_svdd": ("InnerDeepSVDD",),
    "models.dif": ("LinearBlock", "MLPnet"),
    "models.kpca": ("PyODKernelPCA",),
    "models.lunar": ("SCORE_MODEL", "WEIGHT_MODEL"),
    "models.ts_anomaly_transformer": (
        "_AnomalyAttention",
        "_AnomalyTransformerLayer",
        "_AnomalyTransformerModel",
    ),
    "models.vae": ("VAEModel",),
    "utils.torch_utility": ("LinearBlock",),
}


def _names(root: str, modules: dict[str, tuple[str, ...]]) -> set[str]:
    return {f"{root}.{module}:{name}" for module, names in modules.items() for name in names}


CLASSES = frozenset(
    _names("sklearn", _SKLEARN)
    | _names("torch.nn.modules", _TORCH)
    | _names("pyod", _PYOD)
    | {"anomalist_plugins.pyod.forecaster:Forecaster"}
    | {f"pyod.models.{entry.module}:{entry.name}" for entry in ENTRIES.values()}
)
"""As `module:name`."""

_FORGOTTEN = (
    ("numpy", ("Generator", "RandomState", "_ArrayFunctionDispatcher", "ufunc")),
    ("torch.optim", ()),
    ("sklearn.cluster._hdbscan", ()),
    ("sklearn.ensemble", ("_IsolationForestPathLengths",)),
    ("torch._C", ("Generator",)),
    ("weakref", ("ReferenceType",)),  # LSTM's, to see whether its weights are still those
)


def name_of(cls: type) -> str:
    """A class as `module:name`."""
    return f"{cls.__module__}:{cls.__qualname__}"


def find_class(name: str) -> type | None:
    """The class of a name; None where the name is not among those allowed."""
    if name not in CLASSES:
        return None
    module, _, attribute = name.partition(":")
    found: Any = library().module(module) if module.startswith("pyod.") else importlib.import_module(module)
    return found.__dict__[attribute]  # type: ignore[no-any-return]  # the names above are of classes


def is_forgotten(value: Any) -> bool:
    """Whether an object is only of use while a detector is fitted: functions, optimizers, generators of numbers."""
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType | type):
        return True
    cls = type(value)
    return any(
        cls.__module__.startswith(module) and (not names or cls.__name__ in names) for module, names in _FORGOTTEN
    )
