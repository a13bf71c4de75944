"""Features of plugins through every use-case: kept with the model; a broken one stops a run in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import anomalist
from anomalist.engine.execution.executor import Threads
from anomalist.engine.feedback.imports import import_feedback
from anomalist.engine.feedback.lessons import evidence_of_judged, settled
from anomalist.engine.feedback.recording import judge
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.models import files as model_files
from anomalist.engine.monitoring.monitor import watch
from anomalist.engine.review.questions import ReviewOptions
from anomalist.engine.review.review import Review
from anomalist.engine.runs.look import look
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.engine.runs.sources import Source
from anomalist.engine.workspace import Workspace
from anomalist.errors import AnomalistError, ParameterError, PluginError, SchemaMismatchError, UnknownNameError
from anomalist.plugins.registry import Registry
from anomalist.store.repository import Store
from tests.engine.looping import asked, next_version, payments, verdicts
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anomalist.data.table import Table
    from anomalist.engine.runs.result import RunResult
    from anomalist.ensemble.model import Model

FEATURES = '''
import time
from dataclasses import dataclass, field
import numpy as np
import polars as pl
from anomalist.detector import FeatureSpec, check_deadline, hookimpl

@dataclass
class Step:
    """How far a row is from the row before, in mean steps of training.

    Attributes:
        column: The column of numbers.
        power: What the step is raised to.
    """
    column: str = "amount"
    power: float = 1.0

    def fit(self, table):
        self.mean = self._steps(table).mean()
        return self

    def _steps(self, table):
        return table.frame[self.column].diff().abs().fill_null(0.0)

    def transform(self, table):
        return pl.DataFrame({f"{self.column}_step": (self._steps(table) / self.mean) ** self.power})

    def state(self):
        return {"mean": np.array([self.mean])}

    def restore(self, state):
        self.mean = float(state["mean"][0])
        return self

class Raises(Step):
    def transform(self, table):
        raise RuntimeError("out of\\nluck")

class Unreadable(ValueError):
    def __str__(self):
        raise RuntimeError

class Mute(Step):
    def fit(self, table):
        raise Unreadable

class Exits(Step):
    def fit(self, table):
        raise SystemExit(7)

class Interrupts(Step):
    def fit(self, table):
        raise KeyboardInterrupt

class Dawdles(Step):
    def fit(self, table):
        for _ in range(100):
            time.sleep(0.02)
            check_deadline()

class Hangs(Step):
    def transform(self, table):
        time.sleep(2)

class Seeds(Step):
    def transform(self, table):
        np.random.seed(107)
        return super().transform(table)

class NotPlain(Step):
    def state(self):
        return {"mean": object()}

class Forgets(Step):
    def restore(self, state):
        raise KeyError("what was it")

class Picky(Step):
    def __init__(self):
        raise ValueError("not today")

class NoMaker:
    pass

@dataclass
class HalfMaker:
    def fit(self, table):
        return self

@hookimpl
def anomalist_features():
    classes = [
        Step, Raises, Mute, Exits, Interrupts, Dawdles, Hangs, Seeds, NotPlain, Forgets, Picky, NoMaker, HalfMaker,
    ]
    specs = [
        FeatureSpec(name=c.__name__.lower(), summary="A maker.", factory=f"{__name__}:{c.__name__}") for c in classes
    ]
    return [*specs, FeatureSpec(name="lost", summary="Not there.", factory="no.such.module:Maker")]
'''

DETECTORS = ("distance", "explaining:power=1")
ODD = 123


@pytest.fixture
def making(tmp_path: Path, registry: Registry) -> Iterator[Workspace]:
    """A workspace with the makers above."""
    install_plugin(tmp_path / "site", "steps", FEATURES, version="1.4")
    with Workspace(
        store=Store.open(data_home=tmp_path),
        registry=Registry.load(),
        models=tmp_path / "models",
        executor=Threads(timeout=0.3),
    ) as opened:
        yield opened


def stepping(rows: int = 400, *, seed: int = 0) -> pl.DataFrame:
    """Payments sorted by height but for one, which no column shows by itself."""
    frame = payments(rows, seed=seed).sort("height")
    return frame.with_columns(pl.Series("id", [f"r{i}" for i in range(rows)]), odd=odd_heights(frame["height"]))


def odd_heights(heights: pl.Series) -> pl.Series:
    values = heights.to_list()
    values[ODD] = values[-20]
    return pl.Series(values)


def made(workspace: Workspace, path: Path, *features: str, frame: pl.DataFrame | None = None) -> RunResult:
    """Fit the model `m` on a file."""
    (stepping() if frame is None else frame).write_csv(path)
    source = Source(location=str(path), key="id", ignore=("height",))
    options = RunOptions(detectors=DETECTORS, features=features or ("step:column=odd",))
    return run(workspace, source.read(workspace.registry), options, name="m", origin=source.to_dict())


def read(workspace: Workspace, path: Path, model: Model, frame: pl.DataFrame | None = None) -> Table:
    """A file as the rows of a model were read."""
    if frame is not None:
        frame.write_csv(path)
    return Source(location=str(path), like=model.encoder.reading).read(workspace.registry)


def test_a_reason_names_the_feature_with_its_value_and_the_typical_one(making: Workspace, tmp_path: Path) -> None:
    result = made(making, tmp_path / "m.csv")
    first = result.findings[0]
    assert first.row in (ODD, ODD + 1)
    reason = first.reasons[0]
    assert reason.column == "odd_step"
    assert reason.actual == first.values["odd_step"] > 20 * reason.typical
    assert str(reason).startswith("odd_step ")
    kept = making.store.top(result.row.id, 1)[0].record
    assert kept is not None
    assert kept.reasons[0]["column"] == "odd_step"
    assert kept.values["odd_step"] == reason.actual
    ordinary = look(making, result.row.id, result.table.keys[250])
    assert ordinary.values["odd_step"] == pytest.approx(
        making.load("m")[0].encoder.widened(result.table).frame["odd_step"][250]
    )
    review = Review.open(making, result.row.id, ReviewOptions(analyst="ann"))
    question = review.next()
    assert question is not None
    assert question.finding.reasons[0].column == "odd_step"
    assert "odd_step" in review.columns
    assert review.columns[0] == "id"


def test_the_data_stay_those_of_the_user(making: Workspace, tmp_path: Path) -> None:
    with_them = made(making, tmp_path / "m.csv")
    without = run(making, with_them.table, RunOptions(detectors=DETECTORS), name="plain")
    assert with_them.row.dataset == without.row.dataset
    assert with_them.table.keys.equals(without.table.keys)
    assert "odd_step" not in with_them.row.dataset.columns
    assert with_them.to_dict()["run"]["columns"] == 6


def test_a_stored_model_makes_the_features_of_new_rows(making: Workspace, tmp_path: Path) -> None:
    result = made(making, tmp_path / "m.csv", "step:column=odd,power=0.5")
    model, row = making.load("m")
    assert row.details["features"] == [
        {
            "name": "step",
            "package": "steps",
            "version": "1.4",
            "params": {"column": "odd", "power": 0.5},
            "columns": ["odd_step"],
        }
    ]
    assert "odd_step" in row.details["columns"]
    again = score(making, read(making, tmp_path / "m.csv", model), model, row)
    np.testing.assert_array_equal(again.scores.score, result.scores.score)
    assert again.findings[0].reasons == result.findings[0].reasons
    assert "odd_step" not in " ".join(again.row.notes)
    pair = result.table.take(slice(ODD - 1, ODD + 1))
    assert model.score(pair).score[1] == result.scores.score[ODD]
    assert model.score(pair.take(slice(1, 2))).score[0] < result.scores.score[ODD]  # alone it has no row before
    with pytest.raises(SchemaMismatchError, match=r"features 'step' of steps 1.4 failed.* lacks 'odd'"):
        model.score(read(making, tmp_path / "less.csv", model, stepping().drop("odd")))


@pytest.mark.parametrize("members", ["reuse", "refit", "warm-start"])
def test_the_next_version_keeps_them(making: Workspace, tmp_path: Path, members: str) -> None:
    result = made(making, tmp_path / "m.csv")
    verdicts(making, result.table, asked(making, result.row.id, 30))
    after = next_version(making, members=members, promote=True)
    model, row = making.load("m")
    assert row.version == 2
    assert [one["columns"] for one in row.details["features"]] == [["odd_step"]]
    assert "odd_step" in [reason.column for finding in after.result.findings for reason in finding.reasons]
    np.testing.assert_array_equal(model.score(read(making, tmp_path / "m.csv", model)).score, after.result.scores.score)
    assert next_version(making, members="refit").result.model.encoder.features.names == ("odd_step",)


def test_drift_is_seen_in_them(making: Workspace, tmp_path: Path) -> None:
    made(making, tmp_path / "m.csv")
    model, row = making.load("m")
    same = watch(making, read(making, tmp_path / "m.csv", model), model, row)
    assert not same.found
    shuffled = stepping().with_columns(odd=pl.col("odd").shuffle(seed=1))
    drift = watch(making, read(making, tmp_path / "other.csv", model, shuffled), model, row)
    assert [column.column for column in drift.columns if column.why] == ["odd_step"]


def test_verdicts_keep_what_was_made_and_teach_without_the_rows_around(making: Workspace, tmp_path: Path) -> None:
    result = made(making, tmp_path / "m.csv")
    run_id = result.row.id
    near, far = result.table.keys[ODD], asked(making, run_id, 1, offset=300)[0]
    judge(making, run_id, near, "anomaly", analyst="ann")
    judge(making, run_id, far, "false_alarm", analyst="ann")  # not among the records: its file is read again
    (tmp_path / "said.csv").write_text(f"id,verdict\n{asked(making, run_id, 1, offset=310)[0]},0\n")
    import_feedback(making, run_id, str(tmp_path / "said.csv"), key="id", analyst="ann")
    model, _ = making.load("m")
    judged = settled(making, "m")
    assert all("odd_step" in one.values for one in judged)
    other = read(making, tmp_path / "new.csv", model, stepping(seed=1))
    scores = model.score(other)
    known = evidence_of_judged(model, judged, other, model.encoder.encode(other), scores.surprises)
    assert known.notes == ()
    places = {key: row for row, key in enumerate(result.table.keys)}
    rows = [places[one.key] for one in judged]
    np.testing.assert_allclose(known.evidence.consensus, result.scores.score[rows], rtol=1e-6)


def test_verdicts_from_before_there_were_features_are_left_out_and_said(making: Workspace, tmp_path: Path) -> None:
    plain = run(making, made(making, tmp_path / "m.csv").table, RunOptions(detectors=DETECTORS), name="m")
    verdicts(making, plain.table, asked(making, plain.row.id, 5))
    model, _ = making.load("m")
    other = read(making, tmp_path / "new.csv", model, stepping(seed=1))
    known = evidence_of_judged(
        model, settled(making, "m"), other, model.encoder.encode(other), model.score(other).surprises
    )
    assert known.rows.size == 0
    (note,) = known.notes
    assert note.startswith("left out: 5 judged rows of ")
    assert note.endswith("column 'odd_step', which features of the model make, was not stored with them")


@pytest.mark.parametrize(
    ("features", "error", "says"),
    [
        ("raises", PluginError, "features 'raises' of steps 1.4 failed: RuntimeError: out of luck"),
        ("mute", PluginError, "features 'mute' of steps 1.4 failed: Unreadable: its message cannot be read"),
        ("exits", PluginError, "features 'exits' of steps 1.4 failed: SystemExit: 7"),
        ("interrupts", PluginError, "features 'interrupts' of steps 1.4 failed: KeyboardInterrupt"),
        ("seeds", PluginError, "features 'seeds' of steps 1.4 failed: changed numpy's global random state"),
        ("dawdles", PluginError, "features 'dawdles' of steps 1.4 failed: "),
        ("notplain", PluginError, "features 'notplain' of steps 1.4: "),
        ("step:column=nothing", PluginError, "features 'step' of steps 1.4 failed: ColumnNotFoundError: "),
        ("picky", PluginError, "features 'picky' of steps failed to build: ValueError: not today"),
        ("nomaker", PluginError, "features 'nomaker' of steps: "),
        ("halfmaker", PluginError, "features 'halfmaker' of steps needs fit, transform, state and restore"),
        ("lost", PluginError, "'lost' of steps cannot be imported: ModuleNotFoundError"),
        ("step:colum=odd", ParameterError, "step has no parameter 'colum'; did you mean 'column'?"),
        ("step:power=much", ParameterError, "step: power must be float, got 'much'"),
        ("stepp", UnknownNameError, "no maker of features is called 'stepp'; did you mean 'step'?"),
        ("hangs", PluginError, "features 'hangs' of steps 1.4 failed: did not finish within 0.3 seconds"),
    ],
)
def test_a_broken_one_stops_the_run_before_anything_is_stored(
    making: Workspace, tmp_path: Path, features: str, error: type[AnomalistError], says: str
) -> None:
    with pytest.raises(error) as caught:
        made(making, tmp_path / "m.csv", features)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert making.store.runs() == []
    assert not making.models.exists()


def test_a_model_whose_package_is_gone_or_blocked_or_has_changed_says_what_it_needs(
    making: Workspace, tmp_path: Path, registry: Registry
) -> None:
    result = made(making, tmp_path / "m.csv")
    folder = making.find("m").hash

    def load(others: Registry) -> Any:
        return model_files.load(making.models, folder, others)

    with pytest.raises(
        PluginError,
        match=r"^the model needs features 'step' of steps 1\.4, and it is not installed: pip install steps$",
    ):
        load(registry)
    with pytest.raises(PluginError, match=r"features 'step' of steps 1\.4, and plugin 'plugin' is blocked"):
        load(Registry.load({"steps"}))
    assert (
        judge(
            Workspace(store=making.store, registry=registry, models=making.models),
            result.row.id,
            "r300",
            "unsure",
            analyst="ann",
        ).values["id"]
        == "r300"
    )
    made(making, tmp_path / "m.csv", "forgets:column=odd")
    with pytest.raises(
        PluginError, match=r"^features 'forgets' of steps 1\.4 cannot read what version 1\.4 saved: KeyError"
    ):
        making.load("m:2")


def test_a_model_finds_its_maker_when_another_package_brings_one_of_the_name(making: Workspace, tmp_path: Path) -> None:
    result = made(making, tmp_path / "m.csv")
    install_plugin(tmp_path / "site", "rivals", FEATURES)
    model = model_files.load(making.models, making.find("m").hash, Registry.load())
    assert [(maker.name, maker.package) for maker in model.encoder.features.makers] == [("step", "steps")]
    np.testing.assert_array_equal(model.score(result.table).score, result.scores.score)


def test_the_options_of_a_run_from_before_there_were_features_are_read() -> None:
    options = RunOptions(detectors=DETECTORS, features=("step",))
    assert RunOptions.from_dict(options.to_dict()) == options
    before = {name: value for name, value in options.to_dict().items() if name != "features"}
    assert RunOptions.from_dict(before).features == ()


def test_from_python(making: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    found = anomalist.run(
        stepping(), key="id", ignore="height", features="step:column=odd", detectors=DETECTORS, name="m"
    )
    assert "odd_step" in found.top(1)["why"][0]
    assert found.explain("r5").values.keys() >= {"odd_step", "odd"}
    found.judge("r5", 0)
    assert anomalist.score(stepping(), "m").scores["score"].equals(found.scores["score"])
    moved = anomalist.monitor("m", stepping().with_columns(odd=pl.col("odd").shuffle(seed=1))).columns
    assert moved.filter("moved")["column"].to_list() == ["odd_step"]
