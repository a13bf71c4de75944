"""PyOD's detectors of series, given the windows that a run has cut.

PyOD cuts its own windows out of one unbroken series, one step apart, and gives their scores back to the steps. A run
cuts windows for each entity and around gaps, and does the rest itself. So here `fit` and `decision_function` take
windows, shape (windows, length, columns), and give each a score; in between, PyOD's own functions learn and measure.
What it scales by the series that it scores is scaled by the training windows.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.detector import Floats, Ints

__all__ = ["anomaly_transformer", "flat", "kshape", "lstm", "sand", "spectral_residual"]

_FLAT = 1e-10  # as in PyOD: a window that varies less has no shape
_BLOCK = 4096
_ROW_BY_ROW = ("CBLOF", "GMM", "HBOS", "IForest", "INNE", "KDE", "KNN", "LOF", "MCD", "OCSVM", "PCA")
_COVER = 8  # a run starts windows an eighth of their length apart


def kshape(module: Any) -> None:
    """Clusters of the shapes of windows, all distances to a centroid at once."""

    def learn(self: Any, windows: Floats) -> tuple[Floats, Floats]:
        rng = np.random.RandomState(self.random_state)
        centroids, _, distances = clusters(_shapes(windows), self.n_clusters, self.max_iter, rng)
        return centroids, distances

    def clusters(
        shapes: Floats, n_clusters: int, max_iter: int, random_state: np.random.RandomState
    ) -> tuple[Floats, Ints, Floats]:
        """Centroids, and for each shape the number of its nearest and the distance to it."""
        chosen = random_state.choice(len(shapes), n_clusters, replace=False)
        centroids = np.array([module._znormalize(shapes[i]) for i in chosen])
        labels = np.full(len(shapes), -1)
        for _ in range(max_iter):
            distances, shifts = _distances(shapes, centroids)
            before, labels = labels, distances.argmin(axis=1)
            if np.array_equal(labels, before):
                break
            for number in range(n_clusters):
                members = np.flatnonzero(labels == number)
                if members.size:
                    aligned = _shapes(_shifted(shapes[members], -shifts[members, number]))
                    centroids[number] = module._compute_centroid(aligned)
                else:
                    centroids[number] = module._znormalize(shapes[random_state.randint(len(shapes))])
        return centroids, labels, _distances(shapes, centroids)[0].min(axis=1)

    module._kshape = clusters
    _by_column(module.KShape, learn, _nearest)


def sand(module: Any) -> None:
    """The same, the centroids following the windows in their order while it is fitted."""

    def learn(self: Any, windows: Floats) -> tuple[Floats, Floats]:
        distances, centroids = self._streaming_fit_channel(_shapes(windows))
        return centroids, distances

    module.SAND._score_subsequences = staticmethod(
        lambda shapes, centroids: _distances(shapes, centroids)[0].min(axis=1)
    )
    _by_column(module.SAND, learn, _nearest)


def spectral_residual(module: Any) -> None:
    """A window is scored by its most salient step: the mean over its steps is lowest where a single one sticks out."""

    def learn(self: Any, windows: Floats) -> tuple[None, Floats]:
        if windows.shape[1] < self.score_window:
            raise ValueError(f"score_window is {self.score_window}, and a window has {windows.shape[1]} steps")
        return None, measure(self, windows, None)

    def measure(self: Any, windows: Floats, learned: None) -> Floats:  # noqa: ARG001 - it learns nothing of a column
        found = np.empty(len(windows))
        for number, window in enumerate(windows):
            check_deadline()
            found[number] = self._spectral_residual(window, self.score_window).max()
        return found

    _by_column(module.SpectralResidual, learn, measure)


def lstm(module: Any) -> None:
    """Forecasts of the second half of each window, each step from half a window before it.

    Windows overlap: what is learned from are the steps of their last eighths, which is each step of a series once.
    """
    from anomalist_plugins.pyod.forecaster import Forecaster

    def errors(self: Any, windows: Floats, steps: range) -> Floats:
        """How far the forecasts of some steps are off, shape (windows, steps, columns)."""
        found = np.empty((len(windows), len(steps), windows.shape[2]))
        context = windows.shape[1] - windows.shape[1] // 2
        for number, step in enumerate(steps):
            for start in range(0, len(windows), _BLOCK):
                block = windows[start : start + _BLOCK]
                known = self._predict_model(self.model_, block[:, step - context : step])
                found[start : start + _BLOCK, number] = block[:, step] - known
        return found

    def fit(self: Any, windows: Floats) -> Any:
        length, width = windows.shape[1:]
        context, last = length - length // 2, range(length - max(1, length // _COVER), length)
        inputs = np.concatenate([windows[:, step - context : step] for step in last])
        self.model_ = self._train_model(inputs, np.concatenate([windows[:, step] for step in last]), width)
        found = errors(self, windows, last).reshape(-1, width)
        _, self.error_mu_, self.error_cov_inv_ = self._mahalanobis_scores(found)
        self.decision_scores_ = self.decision_function(windows)
        return self

    def decision_function(self: Any, windows: Floats) -> Floats:
        length = windows.shape[1]
        apart = errors(self, windows, range(length - length // 2, length)) - self.error_mu_
        return np.asarray(((apart @ self.error_cov_inv_) * apart).sum(axis=2).mean(axis=1))

    module._LSTMModel = Forecaster
    module.LSTMAD.fit = fit
    module.LSTMAD.decision_function = decision_function


def anomaly_transformer(module: Any) -> None:
    """A window is scored by the mean over its steps."""

    def fit(self: Any, windows: Floats) -> Any:
        device = self._resolve_device()
        self.model_ = module._AnomalyTransformerModel(
            n_channels=windows.shape[2],
            window_size=windows.shape[1],
            d_model=self.d_model,
            n_heads=self.n_heads,
            n_layers=self.n_layers,
            dropout=self.dropout,
        ).to(device)
        self._train(windows, device)
        self.decision_scores_ = self.decision_function(windows)
        return self

    def decision_function(self: Any, windows: Floats) -> Floats:
        rows = module.torch.tensor(windows, dtype=module.torch.float32)
        found = module._score_windows(self.model_, rows, self._resolve_device(), windows.shape[1])
        return np.asarray(np.mean(found, axis=1, dtype=np.float64))

    module.AnomalyTransformer.fit = fit
    module.AnomalyTransformer.decision_function = decision_function


def flat(module: Any) -> None:
    """Windows laid flat, given to a detector of rows; to one that scores each row by itself."""
    theirs = module.TimeSeriesOD.__init__

    def __init__(  # noqa: N807 - it becomes the constructor, whose signature says what the parameters are
        self: Any,
        detector: str = "IForest",
        window_size: int = 50,
        contamination: float = 0.1,
        random_state: int | None = None,
    ) -> None:
        if detector not in _ROW_BY_ROW:
            raise ValueError(f"detector must be one of {', '.join(_ROW_BY_ROW)}, got {detector!r}")
        theirs(self, detector=detector, window_size=window_size, contamination=contamination)
        self.random_state = random_state

    def fit(self: Any, windows: Floats) -> Any:
        from anomalist_plugins.pyod.library import library  # it is what mends this module

        cls = library().find(f"pyod.models.{self.detector.lower()}", self.detector)
        seeded = "random_state" in inspect.signature(cls).parameters
        self.detector_ = cls(**({"random_state": self.random_state} if seeded else {}))
        self.detector_.fit(windows.reshape(len(windows), -1))
        self.decision_scores_ = self.detector_.decision_scores_
        return self

    def decision_function(self: Any, windows: Floats) -> Floats:
        return np.asarray(self.detector_.decision_function(windows.reshape(len(windows), -1)))

    module.TimeSeriesOD.__init__ = __init__
    module.TimeSeriesOD.fit = fit
    module.TimeSeriesOD.decision_function = decision_function


def _by_column(
    cls: Any, learn: Callable[[Any, Floats], tuple[Any, Floats]], measure: Callable[[Any, Floats, Any], Floats]
) -> None:
    """Give a class that takes each column by itself its methods.

    Args:
        cls: The class.
        learn: Takes an object of it and the windows of one column, shape (windows, length); gives what it learned, and
            the score of each.
        measure: Takes an object, the windows of one column and what was learned of it; gives the score of each.
    """

    def together(self: Any, distances: Floats) -> Floats:
        if distances.shape[1] == 1:
            return np.asarray(distances[:, 0])
        scaled = (distances - self.middle_) / self.spread_
        return np.asarray(scaled.max(axis=1) if self.channel_aggregation == "max" else scaled.mean(axis=1))

    def fit(self: Any, windows: Floats) -> Any:
        found = [learn(self, windows[:, :, column]) for column in range(windows.shape[2])]
        self.centroids_ = [learned for learned, _ in found]
        distances = np.stack([each for _, each in found], axis=1)
        spread = distances.std(axis=0)
        self.middle_, self.spread_ = distances.mean(axis=0), np.where(spread > 0, spread, 1.0)
        self.decision_scores_ = together(self, distances)
        return self

    def decision_function(self: Any, windows: Floats) -> Floats:
        found = [measure(self, windows[:, :, column], learned) for column, learned in enumerate(self.centroids_)]
        return together(self, np.stack(found, axis=1))

    cls.fit, cls.decision_function = fit, decision_function


def _nearest(self: Any, windows: Floats, centroids: Floats) -> Floats:  # noqa: ARG001 - as others measure
    """How far the shapes of windows are from the nearest centroid."""
    return np.asarray(_distances(_shapes(windows), centroids)[0].min(axis=1))


def _shapes(windows: Floats) -> Floats:
    """Windows of one column without their level and scale, shape (windows, length)."""
    spread = windows.std(axis=1, keepdims=True)
    centred = windows - windows.mean(axis=1, keepdims=True)
    return np.asarray(np.where(spread < _FLAT, 0.0, centred / np.maximum(spread, _FLAT)))


def _distances(shapes: Floats, centroids: Floats) -> tuple[Floats, Ints]:
    """How unlike each shape is each centroid at the shift at which they are most alike, and that shift.

    Both of shape (windows, centroids); a distance is 0 to 2.
    """
    length = shapes.shape[1]
    size = 1 << (2 * length - 2).bit_length()
    found, shifts = np.empty((len(shapes), len(centroids))), np.zeros((len(shapes), len(centroids)), dtype=np.int64)
    for start in range(0, len(shapes), _BLOCK):
        block = shapes[start : start + _BLOCK]
        spectra, sizes = np.fft.rfft(block, size), np.linalg.norm(block, axis=1)
        for number, centroid in enumerate(centroids):
            check_deadline()
            products = np.fft.irfft(spectra * np.conj(np.fft.rfft(centroid, size)), size)
            products = np.concatenate([products[:, 1 - length :], products[:, :length]], axis=1)
            norm = sizes * np.linalg.norm(centroid)
            best = products.argmax(axis=1)
            likeness = products[np.arange(len(block)), best] / np.maximum(norm, _FLAT)
            rows = slice(start, start + len(block))
            found[rows, number] = np.where(norm < _FLAT, 2.0, np.clip(1.0 - likeness, 0.0, 2.0))
            shifts[rows, number] = np.where(norm < _FLAT, 0, best - (length - 1))
    return found, shifts


def _shifted(shapes: Floats, shifts: Ints) -> Floats:
    """Each shape moved to the right by its shift, with zeros where it came from."""
    place = np.arange(shapes.shape[1]) - shifts[:, None]
    inside = (place >= 0) & (place < shapes.shape[1])
    return np.asarray(np.where(inside, np.take_along_axis(shapes, np.where(inside, place, 0), axis=1), 0.0))
