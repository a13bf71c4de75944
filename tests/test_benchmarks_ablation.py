"""The benchmark of ablation takes away what it says, puts together what the engine would, and can fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from anomalist.data.dataset import Dataset
from anomalist.engine.fitting.panel import seats
from anomalist.engine.fitting.plan import make_plan
from anomalist.engine.fitting.request import RunOptions
from anomalist.plugins.registry import Registry
from tests.benchmarks import ablation
from tests.benchmarks.ablation_panels import Panel, Split
from tests.benchmarks.ablation_parts import AS_IT_IS, CLEAN, HINDSIGHT, choices, clean, members, variants
from tests.benchmarks.ablation_report import Report, averaged
from tests.benchmarks.sets import fit_plan
from tests.benchmarks.speed_data import make_rows
from tests.benchmarks.tabular import measures

if TYPE_CHECKING:
    from pathlib import Path

CHEAP = ("gmm", "knn", "isolation_forest", "ocsvm")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def made(tmp_path: Path) -> Path:
    rows = make_rows(160, 3)
    np.savez(tmp_path / "made.npz", X=rows.score, y=rows.labels)
    return tmp_path / "made.npz"


def engine(split: Split, registry: Registry, *detectors: str) -> tuple[float, float]:
    return measures(
        split.labels, fit_plan(make_plan(split.train, RunOptions(detectors=detectors), registry)).scores.score
    )


def test_what_is_put_together_is_what_the_engine_gives(made: Path, registry: Registry) -> None:
    split = Split.whole(made)
    panel = Panel.fit(split, RunOptions(detectors=CHEAP), registry)
    assert panel.consensus() == pytest.approx(engine(split, registry, *CHEAP))
    table = members(panel, "Members")["Members"]
    assert list(table) == [AS_IT_IS, HINDSIGHT, *CHEAP]
    assert table["gmm"]["panel"] == pytest.approx(engine(split, registry, *CHEAP[1:]))
    assert table["gmm"]["member"] == pytest.approx(engine(split, registry, "gmm"))
    assert table[HINDSIGHT]["member"][0] == max(table[name]["member"][0] for name in CHEAP)
    joined = Panel.fit(split, RunOptions(detectors=CHEAP[1:]), registry).joined("gmm", panel.surprises[:, 0])
    assert joined == pytest.approx(panel.consensus())


def test_members_with_other_parameters_take_the_place_of_those_with_the_defaults(
    made: Path, registry: Registry
) -> None:
    split = Split.whole(made)
    panel = Panel.fit(split, RunOptions(detectors=CHEAP), registry, variants)
    tables = choices(panel)
    changed, held = tables["What members do"]["trim=0: gmm"], "gmm:trim=0,clouds=3"
    assert changed["member"] == pytest.approx(engine(split, registry, held))
    assert changed["panel"] == pytest.approx(engine(split, registry, held, *CHEAP[1:]))
    assert "trim=0: isolation_forest" not in tables["What members do"]
    same = tables["How scores are put on one scale"]["bits, by ranks up to 25% of the rows"]
    assert same["panel"] == same["panel was"] == panel.consensus()
    assert tables["How they are combined"]["combiner mean"]["panel"] == panel.consensus(combiner="mean")


def test_networks_lose_what_is_typical_of_each_column(made: Path, registry: Registry) -> None:
    panel = Panel.fit(Split.whole(made), RunOptions(detectors=("vae:max_steps=30", *CHEAP[:2])), registry)
    table = choices(panel)["What members do"]
    assert table["one typical error for all columns: vae"]["member"] != panel.alone(panel.surprises[:, 0])
    assert not any(line.endswith((": gmm", ": knn")) for line in table)


def test_each_change_of_the_default_panel_is_one_that_its_member_takes(registry: Registry) -> None:
    panel = {seat.name: seat for seat in seats(registry, panel="default")}
    for (change, name), text in variants(list(panel.values())).items():
        detector_name, given = registry.parse(text)
        assert detector_name == name
        key, _, value = change.partition("=")
        built = registry.built(name, given).params
        assert built[key] == float(value)
        assert built[key] != panel[name].params[key]


def test_knn_without_trimming_looks_no_closer(registry: Registry) -> None:
    few, many = (Dataset.from_array(np.random.default_rng(0).normal(size=(rows, 2))) for rows in (10, 3_000))
    (text,) = variants(seats(registry, panel="default", chosen=["knn"])).values()
    for one in ("knn", text):
        name, given = registry.parse(one)
        assert any("instead of 20" in note for note in registry.build(name, given).fit(few).notes)
        assert any("(rows=2600)" in note for note in registry.build(name, given).fit(many).notes)


def test_gmm_without_trimming_has_no_more_clouds(registry: Registry) -> None:
    few = Dataset.from_array(np.random.default_rng(0).normal(size=(20, 1)))
    (text,) = variants(seats(registry, panel="default", chosen=["gmm"])).values()
    for one in ("gmm", text):
        assert any("2 instead of 3 clouds" in note for note in registry.build(*registry.parse(one)).fit(few).notes)


def test_normal_rows_alone_are_trained_on(made: Path, registry: Registry) -> None:
    split = Split.halved(made)
    with np.load(made) as arrays:
        normal = arrays["X"][arrays["y"] == 0]
        anomalies = int(arrays["y"].sum())
    assert np.array_equal(split.train.frame.to_numpy(), normal[: len(normal) // 2])
    assert split.labels.sum() == anomalies
    assert len(split.judged) == len(split.labels) == len(normal) - len(normal) // 2 + anomalies
    told, untold = (Panel.fit(split, RunOptions(detectors=CHEAP, clean=said), registry) for said in (True, False))
    tables = clean(told, untold, "Half")
    table = tables["Half: members"]
    assert table[CLEAN] == {"panel was": untold.consensus(), "panel": told.consensus()}
    assert table["isolation_forest"]["member"] == table["isolation_forest"]["member was"]
    assert table["knn"]["member"] != table["knn"]["member was"]
    same = tables["Half: how scores are put on one scale"]["bits, by ranks up to 75% of the rows"]
    assert same["panel"] == told.consensus()


def test_the_command_prints_tables_and_writes_every_figure(made: Path, tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    options = ["--data", str(made.parent), "--part", "members", "--markdown", "--json", str(written)]
    result = CliRunner().invoke(ablation.main, options)
    assert result.exit_code == 0, result.output
    table = json.loads(written.read_text())["All rows"]["made"]["Members"]
    auc, _ = table["knn"]["member"]
    assert f"| knn | {auc:.3f} |" in result.output
    assert "autoencoder, gan, vae" in table
    assert table["mahalanobis, added"]["panel was"] == table[AS_IT_IS]["panel"]
    assert CliRunner().invoke(ablation.main, ["--part", "members"]).exit_code == 2


def test_what_is_not_worth_it_misses_its_target() -> None:
    good, bad, best = (0.9, 0.5), (0.8, 0.6), (0.95, 0.7)
    table = {
        AS_IT_IS: {"panel": good},
        HINDSIGHT: {"member": best},
        "knn": {"member": bad, "panel": bad, "panel was": good},
    }
    trimmed = {"trim=0: all": {"panel was": good, "panel": bad}}
    told = {CLEAN: {"panel was": bad, "panel": good}}
    figures = averaged([{"Members": table, "What members do": trimmed, "Half: members": told}] * 2)
    report = Report(sets={"one": figures, "two": figures})
    assert [target.met for target in report.targets()] == [True, False] * 3
    assert "0.800 (-0.100)" in report.tables(markdown=False)
    assert "| knn | 0.800 | 0.600 | 0.800 (-0.100) | 0.600 (+0.100) | 0 / 2 | 2 / 0 |" in report.tables(markdown=True)
