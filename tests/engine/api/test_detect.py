"""The Python interface: what a notebook does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import anomalist
from anomalist import Run, Table
from anomalist.errors import ConfigError, DataError, ParameterError, UnknownNameError, UsageError
from anomalist.store.repository import Store
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.plugins.registry import Registry

DETECTORS = ["distance", "explaining:power=1"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry) -> Path:
    """An empty data folder, and the detectors of the tests."""
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def made(frame: pl.DataFrame) -> Run:
    return anomalist.run(frame, key="id", label="fraud", detectors=DETECTORS, budget=3, name="m")


def test_a_run_from_a_frame(made: Run, home: Path) -> None:
    assert (made.status, made.model_name) == ("done", "m:1")
    assert made.members["detector"].to_list() == ["distance", "explaining"]
    assert made.members.columns == ["detector", "status", "seconds", "error", "notes"]
    assert made.scores.columns == ["key", "score", "level", "flagged", "distance", "explaining"]
    assert made.scores["key"].to_list() == [f"r{i}" for i in range(300)]
    assert set(made.flagged["key"]) == {"r7", "r42", "r100"}
    assert made.flagged["score"].is_sorted(descending=True)
    assert repr(made) == f"<anomalist run {made.id}: done, 300 rows, 3 flagged, model m:1>"
    with Store.open(data_home=home) as store:
        assert store.run(made.id).flagged == 3
        assert store.run("latest").id == made.id


def test_the_top_rows_come_with_their_reasons_in_words(made: Run) -> None:
    top = made.top(3)
    assert top.columns == ["key", "row", "score", "level", "flagged", "why"]
    assert set(top["key"]) == {"r7", "r42", "r100"}
    why = dict(zip(top["key"], top["why"], strict=True))
    assert why["r7"].startswith("amount 500 (typically 49.")
    assert why["r100"].startswith("city Rome (typically ")
    more = made.top(40)  # more than were explained when the run was made
    assert len(more) == 40
    assert more["score"].is_sorted(descending=True)
    assert all(more["why"].str.len_chars() > 0)
    assert len(made.top(1_000)) == 300


def test_any_row_can_be_explained(made: Run) -> None:
    finding = made.explain("r7")
    assert (finding.row, finding.flagged, finding.reasons[0].column) == (7, True, "amount")
    ordinary = made.explain("r11")
    assert (ordinary.row, ordinary.flagged, ordinary.values["id"]) == (11, False, "r11")
    assert ordinary.score == made.scores["score"][11]
    with pytest.raises(UnknownNameError, match="no row with the key 'r300'"):
        made.explain("r300")


def test_a_run_is_evaluated_against_its_labels_or_others(made: Run, frame: pl.DataFrame) -> None:
    found = made.evaluate()
    assert (found["rows"], found["anomalies"], found["flagged"]) == (300, 3, 3)
    assert found["ensemble"]["roc_auc"] == found["ensemble"]["f1"] == 1.0
    assert set(found["members"]) == {"distance", "explaining"}
    other = anomalist.run(frame, key="id", ignore=["fraud"], detectors=["distance"])
    assert other.evaluate("fraud")["ensemble"]["recall"] == 1.0
    assert made.evaluate("city", positive=["Rome"])["anomalies"] == 1
    with pytest.raises(DataError, match="no column was named as the label"):
        other.evaluate()
    with pytest.raises(DataError, match="'city' has 4 values"):
        made.evaluate("city")


def test_what_goes_in_does_not_change_what_comes_out(frame: pl.DataFrame, tmp_path: Path, made: Run) -> None:
    pandas = pytest.importorskip("pandas")
    frame.write_csv(tmp_path / "a.csv")
    table = Table.from_frame(frame, key="id", label="fraud")
    options = {"detectors": DETECTORS, "budget": 3}
    for data in (pandas.DataFrame(frame.to_dict(as_series=False)), tmp_path / "a.csv", str(tmp_path / "a.csv")):
        same = anomalist.run(data, key="id", label="fraud", **options)
        np.testing.assert_allclose(same.scores["score"], made.scores["score"], atol=1e-9)
        assert same.scores["key"].equals(made.scores["key"])
    assert anomalist.run(table, **options).scores.equals(made.scores)
    with pytest.raises(UsageError, match="a Table has its roles already"):
        anomalist.run(table, key="id", **options)
    with pytest.raises(DataError, match="DataFrame is needed, got list"):
        anomalist.run([[1.0]], **options)


def test_the_same_seed_gives_the_same_run(frame: pl.DataFrame) -> None:
    first, second = (anomalist.run(frame, key="id", detectors=["isolation_forest:trees=10"], seed=5) for _ in range(2))
    assert first.scores.equals(second.scores)
    assert first.id != second.id
    assert first.model_name == "frame:1"
    assert second.model_name == "frame:2"


def test_new_rows_are_scored_by_a_model_of_the_store(made: Run, frame: pl.DataFrame) -> None:
    again = anomalist.score(frame, "m")
    assert (again.model_name, again.status) == ("m:1", "done")
    assert again.scores["key"].equals(made.scores["key"])  # the key column is known from the model
    np.testing.assert_allclose(again.scores["score"], made.scores["score"], atol=1e-9)
    alone = anomalist.score(frame[7:8], made.model_name)
    assert alone.scores["score"][0] == pytest.approx(made.scores["score"][7])
    assert alone.flagged["key"].to_list() == ["r7"]
    assert anomalist.score(frame, "m@champion", budget="10%").flagged.height == 30
    assert anomalist.score(frame, "m", label="fraud").result.evaluation["ensemble"]["roc_auc"] == 1.0
    assert anomalist.score(frame, "m").result.evaluation == made.result.evaluation  # so is the column of its labels
    assert anomalist.score(frame.drop("fraud"), "m").result.evaluation is None
    with pytest.raises(UnknownNameError, match="no model 'nobody'"):
        anomalist.score(frame, "nobody")
    with pytest.raises(UsageError, match=r"such as that of run\.model_name, got a Model$"):
        anomalist.score(frame, made.model)  # type: ignore[arg-type]  # what a user might take for the name


def test_settings_come_from_the_environment_and_the_file(
    frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anomalist.toml").write_text('seed = 3\nbudget = "5%"\nstore = "other.db"\n')
    monkeypatch.setenv("ANOMALIST_SEED", "4")
    result = anomalist.run(frame, key="id", detectors=["distance"]).result
    assert result.row.seed == 4
    assert result.scores.flagged.sum() == 15
    assert (tmp_path / "other.db").exists()
    assert anomalist.run(frame, key="id", detectors=["distance"], seed=5).result.row.seed == 5
    monkeypatch.setenv("ANOMALIST_BUDGET", "much")
    with pytest.raises(ConfigError, match="environment ANOMALIST_BUDGET"):
        anomalist.run(frame)


def test_wrong_arguments_are_refused(frame: pl.DataFrame, home: Path) -> None:
    with pytest.raises(UsageError, match="budget, fpr and f_beta exclude each other"):
        anomalist.run(frame, budget=5, fpr=0.1)
    with pytest.raises(ParameterError, match="fpr must be a probability"):
        anomalist.run(frame, fpr=1.5)
    with pytest.raises(ConfigError, match="budget must be"):
        anomalist.run(frame, budget=0)
    with pytest.raises(UsageError, match="a model name holds only letters"):
        anomalist.run(frame, name="my model")
    with pytest.raises(DataError, match="no column 'ids'"):
        anomalist.run(frame, key="ids")
    with Store.open(data_home=home) as store:
        assert store.runs() == []


def test_positive_labels_and_roles_are_taken(frame: pl.DataFrame) -> None:
    text = frame.with_columns(fraud=pl.Series(["bad" if flag else "good" for flag in frame["fraud"]]))
    found = anomalist.run(text, key="id", label="fraud", positive=["good"], detectors=["distance"])
    assert found.evaluate(positive=["good"])["anomalies"] == found.evaluate()["anomalies"] == 297
    assert found.result.evaluation is not None
    assert found.result.evaluation["anomalies"] == 297
    roles = anomalist.run(frame, roles={"id": "key", "weight": "ignored", "fraud": "label"}, detectors=["distance"])
    assert dict(roles.model.encoder.left_out).keys() == {"id", "weight", "fraud"}


def test_a_single_name_is_meant_whole(frame: pl.DataFrame) -> None:
    made = anomalist.run(frame, key="id", label="fraud", positive="1", detectors="distance", ignore="amount")
    assert made.members["detector"].to_list() == ["distance"]
    assert "amount" in made.model.encoder.left_out
    assert made.evaluate(positive="0")["anomalies"] == len(frame) - made.evaluate()["anomalies"]


def test_the_dictionary_is_what_the_command_line_prints(made: Run) -> None:
    found = made.to_dict()
    assert set(found) == {"run", "top", "evaluation"}
    assert found["run"]["id"] == made.id
    assert len(found["top"]) == 10


def test_a_threshold_from_labels_and_what_was_noted(frame: pl.DataFrame) -> None:
    run = anomalist.run(frame.with_columns(same=pl.lit("x")), key="id", label="fraud", detectors="distance", f_beta=1.0)
    assert run.flagged["key"].sort().to_list() == ["r100", "r42", "r7"]
    assert any("'same' is left out" in note for note in run.notes)
    with pytest.raises(UsageError, match="the labels that mean an anomaly need their column"):
        anomalist.run(frame, key="id", detectors="distance", positive="1")
    calm = anomalist.score(frame.head(5), run.model_name, label="fraud", positive="1")
    assert calm.result.evaluation is None
    assert any("never holds '1'" in note for note in calm.notes)


def test_detectors_in_processes_of_their_own_find_the_same(frame: pl.DataFrame) -> None:
    chosen = ["mahalanobis", "knn"]
    here = anomalist.run(frame, key="id", label="fraud", detectors=chosen, name="here")
    apart = anomalist.run(
        frame, key="id", label="fraud", detectors=chosen, name="apart", isolate=True, memory="1G", threads=1
    )
    assert apart.scores.equals(here.scores)
    again = anomalist.score(frame, "apart", key="id", isolate=True, threads=1)
    assert again.scores["score"].equals(here.scores["score"])
    with pytest.raises(ConfigError, match="memory: it limits the processes of detectors"):
        anomalist.score(frame, "apart", key="id", memory="1G")


def test_a_plugin_that_is_broken_is_logged(
    frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install_plugin(tmp_path, "broken-pkg", "1 / 0", entry="broken")
    monkeypatch.syspath_prepend(tmp_path)
    assert anomalist.run(frame, key="id", label="fraud", detectors=["mahalanobis"]).status == "done"
    assert "plugin 'broken' of broken-pkg 1.0 is left out: ZeroDivisionError: division by zero" in caplog.text
