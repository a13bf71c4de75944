"""Labelled tables that no default was chosen on: classes as anomalies, made anomalies, embeddings and mixed columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn import datasets

from anomalist.data.table import Table
from tests.benchmarks.unseen_made import KINDS, made

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from anomalist.detector import Floats, Ints

__all__ = ["Case", "Halves", "with_files", "without_files"]

CLASSES, EMBEDDINGS, MIXED = "one class", "embeddings", "mixed columns"
_RATE = 0.05
_LEAST = 5  # anomalies
_SAY_THE_LABEL = {"TWF", "HDF", "PWF", "OSF", "RNF", "attack"}  # kinds of failures and of attacks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Halves:
    """Rows to train on and rows to judge, which may be the same; the labels of the latter."""

    train: Table
    judged: Table
    labels: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A labelled table.

    Attributes:
        name: Which one.
        group: Its kind.
        frame: The columns, as a file would hold them.
        labels: 1 for an anomaly, shape (rows,).
    """

    name: str
    group: str
    frame: pl.DataFrame
    labels: Ints

    def at_most(self, rows: int, seed: int) -> Case:
        """The same with a random sample of its rows, if it has more."""
        if len(self.labels) <= rows:
            return self
        kept = np.sort(np.random.default_rng(seed).choice(len(self.labels), rows, replace=False))
        return Case(name=self.name, group=self.group, frame=self.frame[kept], labels=self.labels[kept])

    def whole(self) -> Halves:
        """Trained on all rows, anomalies among them, and judged by the same rows."""
        table = Table.from_frame(self.frame, source=self.name)
        return Halves(train=table, judged=table, labels=self.labels)

    def normals(self, seed: int) -> Halves:
        """Trained on a random half of the normal rows, and judged by all others."""
        normal = np.flatnonzero(self.labels == 0)
        chosen = np.zeros(len(self.labels), dtype=np.bool_)
        chosen[np.random.default_rng(seed).permutation(normal)[: len(normal) // 2]] = True
        train = Table.from_frame(self.frame.filter(chosen), source=self.name)
        judged = Table.from_frame(self.frame.filter(~chosen), source=self.name, like=train.reading)
        return Halves(train=train, judged=judged, labels=self.labels[~chosen])


def without_files(seed: int, only: Sequence[str] = ()) -> Iterator[Case]:
    """Tables that scikit-learn ships, each class in turn as the anomaly, and with anomalies that are made.

    Where `only` is given, those whose name holds a part of it.
    """
    shipped = {
        "iris": datasets.load_iris(return_X_y=True),
        "breast cancer": datasets.load_breast_cancer(return_X_y=True),
        "digits": datasets.load_digits(return_X_y=True),
    }
    for name, (values, classes) in shipped.items():
        for one in np.unique(classes):
            if _wanted(f"{name} {one}", only):
                yield _as_anomaly(f"{name} {one}", values, classes == one, seed)
    benign = shipped["breast cancer"][1] == 1
    bases = {
        "diabetes": datasets.load_diabetes(return_X_y=True, scaled=False)[0],
        "benign": shipped["breast cancer"][0][benign],
        "digits": shipped["digits"][0],
    }
    for name, values in bases.items():
        for kind in KINDS:
            if not _wanted(f"{kind} in {name}", only):
                continue
            rows = max(_LEAST, round(_RATE / (1.0 - _RATE) * len(values)))
            strange = made(kind, values, rows, np.random.default_rng(seed))
            labels = np.repeat([0, 1], [len(values), rows])
            yield _shuffled(f"{kind} in {name}", f"made, {kind}", np.vstack([values, strange]), labels, seed)


def with_files(data: Path, only: Sequence[str] = ()) -> Iterator[Case]:
    """Those in a folder: `embeddings/*.npz` with `X` and `y`, and `raw/*.csv.gz` as `raw/README.json` describes them.

    The description says for each file which column is the label and which of its values mean an anomaly, and which
    columns name a row; those without a label are left out, and so are columns that tell kinds of anomalies apart.
    """
    for path in sorted((data / "embeddings").glob("*.npz")):
        if not _wanted(path.stem, only):
            continue
        with np.load(path) as arrays:
            values, labels = np.asarray(arrays["X"], dtype=np.float32), np.asarray(arrays["y"]).astype(int).ravel()
        yield Case(name=path.stem, group=EMBEDDINGS, frame=_framed(values), labels=labels)
    described = data / "raw" / "README.json"
    for name, about in json.loads(described.read_text()).items() if described.exists() else ():
        if about["label"] is not None and _wanted(name, only):
            yield _mixed(data / about["file"], name, about)


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(part in name for part in only)


def _mixed(path: Path, name: str, about: dict[str, Any]) -> Case:
    frame = pl.read_csv(path, infer_schema_length=None, try_parse_dates=True)
    labels = frame[about["label"]].cast(pl.String).is_in(about["positive"]).to_numpy().astype(int)
    left_out = {about["label"], *about["id_columns"], *_SAY_THE_LABEL}
    return Case(name=name, group=MIXED, frame=frame.drop(left_out & set(frame.columns)), labels=labels)


def _as_anomaly(name: str, values: Floats, strange: Any, seed: int) -> Case:
    """All rows of the other classes, and so few of the strange one that they are a share of `_RATE`."""
    normal, others = np.flatnonzero(~strange), np.flatnonzero(strange)
    count = min(len(others), max(_LEAST, round(_RATE / (1.0 - _RATE) * len(normal))))
    chosen = np.concatenate([normal, np.random.default_rng(seed).choice(others, count, replace=False)])
    return _shuffled(name, CLASSES, values[chosen], strange[chosen].astype(int), seed)


def _shuffled(name: str, group: str, values: Floats, labels: Ints, seed: int) -> Case:
    order = np.random.default_rng(seed).permutation(len(labels))
    return Case(name=name, group=group, frame=_framed(values[order]), labels=labels[order])


def _framed(values: Floats) -> pl.DataFrame:
    """Columns as a file would hold them: whole numbers are of an integer type."""
    return pl.DataFrame(
        {
            f"x{i}": column.astype(np.int64 if (np.mod(column, 1.0) == 0).all() else np.float64)
            for i, column in enumerate(values.T)
        }
    )
