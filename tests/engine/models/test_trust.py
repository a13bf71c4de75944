"""A model with a pickle in it is read only where the user trusts it; until then nothing in it is executed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import anomalist
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.engine.workspace import Workspace
from anomalist.errors import ModelFileError
from anomalist.plugins.registry import Registry
from anomalist.store.repository import Store
from tests.cli.samples import payments, type_in
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from anomalist.data.table import Table

PICKLING = """
import pickle
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from anomalist import DetectorSpec, hookimpl

@dataclass
class Pickling:
    trace: str = ""

    def fit(self, data):
        self.centre = data.values.mean(axis=0)
        return self

    def score(self, data):
        return np.square(data.values - self.centre).sum(axis=1).astype(float)

    def state(self):
        return {"pickle": np.frombuffer(pickle.dumps((self.centre, Bomb(self.trace))), dtype=np.uint8)}

    def restore(self, state):
        self.centre, _ = pickle.loads(state["pickle"].tobytes())
        return self

class Bomb:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (Path(self.trace),)

@hookimpl
def anomalist_detectors():
    factory = __name__ + ":Pickling"
    return [DetectorSpec(name="pickling", summary="A detector.", factory=factory, family="other", pickles=True)]
"""


@pytest.fixture
def pickling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace that knows a detector whose state is a pickle that touches a file when it is read."""
    site = tmp_path / "site"
    site.mkdir()
    install_plugin(site, "acme", PICKLING)
    monkeypatch.syspath_prepend(site)
    with Workspace(
        store=Store.open(data_home=tmp_path), registry=Registry.load(), models=tmp_path / "models"
    ) as opened:
        yield opened


REFUSED = (
    r"^m:1: its detector 'pickling' of acme is saved as a pickle, which can execute code when it is read; where you "
    r"trust who made the model, add --trust-pickle, or in Python trust_pickle=True$"
)


def test_a_pickle_is_read_only_where_it_is_trusted(pickling: Workspace, table: Table, tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    options = RunOptions(detectors=("knn", f"pickling:trace={trace}"))
    made = run(pickling, table, options, name="m")
    line = "member pickling of acme is saved as a pickle: the model can be read only with --trust-pickle"
    assert line in made.row.notes
    (manifest,) = pickling.models.glob("*/manifest.json")
    assert json.loads(manifest.read_text())["model"]["pickles"] == {"knn": False, "pickling": True}
    assert not trace.exists()
    with pytest.raises(ModelFileError, match=REFUSED):
        pickling.load("m")
    assert not trace.exists()
    trusting = replace(pickling, trust_pickle=True)
    again = score(trusting, table, *trusting.load("m"))
    assert trace.exists()
    assert again.scores.score == pytest.approx(made.scores.score)


def test_trust_is_a_setting_and_an_argument(
    pickling: Workspace, frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path))
    trace = tmp_path / "executed"
    anomalist.run(frame, key="id", name="m", detectors=[f"pickling:trace={trace}"])
    with pytest.raises(ModelFileError, match=REFUSED):
        anomalist.score(frame, "m", key="id")
    assert not trace.exists()
    assert anomalist.score(frame, "m", key="id", trust_pickle=True).flagged.height > 0
    assert trace.exists()
    monkeypatch.setenv("ANOMALIST_TRUST_PICKLE", "1")
    assert not anomalist.monitor("m", frame, key="id").found


def test_trust_is_a_flag(pickling: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    trace = tmp_path / "executed"
    (tmp_path / "payments.csv").write_text(payments())
    made = type_in(f"run payments.csv --key id --label fraud --name m --detector pickling:trace={trace} --json")
    assert made.code == 0
    assert any("can be read only with --trust-pickle" in note for note in json.loads(made.out)["run"]["notes"])
    refused = type_in("score payments.csv --model m")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("error: m:1: its detector 'pickling' of acme is saved as a pickle")
    assert not trace.exists()
    assert type_in("score payments.csv --model m --trust-pickle --quiet").code == 0
    assert trace.exists()
