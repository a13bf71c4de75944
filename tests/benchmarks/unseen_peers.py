"""What a user of PyOD would do with a table: make its columns numbers, and take a detector with its defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from polars import selectors
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.benchmarks.ensembles_peers import SUOD, at_most, quiet, score_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.detector import Floats

__all__ = ["matrices", "peers"]

_LEVELS = 20  # of a category at most, the rarest of more together


def matrices(train: pl.DataFrame, judged: pl.DataFrame) -> tuple[Floats, Floats]:
    """Standardised numbers, missing ones the median, and a column for each level of a category; constants are left out.

    Dates are numbers of days.
    """
    train, judged = (part.with_columns(selectors.date().to_physical()) for part in (train, judged))
    numbers = [name for name, kind in train.schema.items() if kind.is_numeric() and train[name].n_unique() > 1]
    texts = train.select(selectors.string()).columns
    steps = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("texts", OneHotEncoder(handle_unknown="ignore", max_categories=_LEVELS, sparse_output=False), texts),
        ]
    )
    both = [part.with_columns(pl.col(numbers).cast(pl.Float64)).fill_nan(None).to_pandas() for part in (train, judged)]
    return np.asarray(steps.fit_transform(both[0]), np.float64), np.asarray(steps.transform(both[1]), np.float64)


def peers(train: Floats, judged: Floats, *, seed: int, seconds: float) -> tuple[dict[str, Floats], dict[str, str]]:
    """Scores of each peer, and why those have none that raised or took more CPU seconds."""
    found, failed = {}, {}
    for name, make in _makers(seed).items():
        try:
            with quiet(seed), at_most(seconds):
                found[name] = np.nan_to_num(score_rows(make().fit(train), judged))
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is its failure
            failed[name] = f"{type(error).__name__}: {error}"
    return found, failed


def _makers(seed: int) -> dict[str, Callable[[], Any]]:
    from pyod.models import suod
    from pyod.models.copod import COPOD
    from pyod.models.ecod import ECOD
    from pyod.models.gmm import GMM
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.lof import LOF

    return {
        "PyOD IForest": lambda: IForest(random_state=seed),
        "PyOD KNN": KNN,
        "PyOD ECOD": ECOD,
        "PyOD GMM": lambda: GMM(random_state=seed),
        "PyOD LOF": LOF,
        "PyOD COPOD": COPOD,
        SUOD: lambda: suod.SUOD(n_jobs=1, bps_flag=False),
    }
