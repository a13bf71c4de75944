"""Model: one object that scores a table, and comes back the same from its parts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anomalist.data.table import Table
from anomalist.ensemble.model import Model
from anomalist.errors import ModelFileError, SchemaMismatchError
from anomalist.store.artifacts import load_model, save_model
from tests.ensemble.samples import build, combiner, payments, series, stacker, tiny_model
from tests.helpers import environment

OTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from anomalist.ensemble.model import Model
from anomalist.store.artifacts import load_model
from tests.ensemble.samples import build, combiner, payments, series, stacker

root, name, kind = sys.argv[1:]
model = Model.from_parts(load_model(Path(root), name)[1], build=build, combiner=combiner, stacker=stacker)
np.save(Path(root) / "scores.npy", model.score({"payments": payments, "series": series}[kind]()).score)
"""


def plain(value: object) -> bool:
    """Whether something is an array of numbers or a value that JSON knows, all the way down."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "bifu"
    if isinstance(value, dict):
        return all(isinstance(name, str) for name in value) and all(map(plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(plain, value))
    return value is None or isinstance(value, (bool, int, float, str, np.number))


def test_a_row_has_its_score_alone_in_any_company_and_in_any_order() -> None:
    table = payments()
    model = tiny_model(table, ["additive", "honest"])
    scores = model.score(table)
    assert scores.surprises.shape == (400, 2)
    assert scores.members == model.names == ("additive", "honest")
    assert scores.flagged.sum() == 3
    assert scores.flagged[[7, 200]].all()
    np.testing.assert_allclose(scores.level, 1 - 2**-scores.score)
    order = np.random.default_rng(0).permutation(400)
    mixed = model.score(table.take(order))
    np.testing.assert_allclose(mixed.score, scores.score[order], rtol=1e-12)
    for row in (0, 7, 100):
        alone = model.score(table.take(np.array([row])))
        assert alone.score[0] == pytest.approx(scores.score[row], rel=1e-12)
        assert alone.flagged[0] == scores.flagged[row]


def test_columns_are_found_by_name() -> None:
    table = payments()
    model = tiny_model(table)
    frame = table.frame
    turned = Table.from_frame(frame.select(reversed(frame.columns)), key="id")
    np.testing.assert_array_equal(model.score(turned).score, model.score(table).score)
    with pytest.raises(SchemaMismatchError, match="column 'weight' is missing"):
        model.score(Table.from_frame(frame.drop("weight"), key="id"))


@pytest.mark.parametrize(("kind", "view"), [("payments", "rows"), ("series", "windows"), ("series", "statistics")])
def test_another_process_gives_equal_scores(tmp_path: Path, kind: str, view: str) -> None:
    table = {"payments": payments, "series": series}[kind]()
    model = tiny_model(table, ["additive", "honest"], view)
    name = save_model(tmp_path, {"kind": kind}, model.parts())
    subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(tmp_path), name, kind],
        check=True,
        env=environment(PYTHONPATH=str(Path(__file__).parents[2]), OMP_NUM_THREADS="1"),
    )
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), model.score(table).score)


def test_the_parts_are_arrays_and_plain_values() -> None:
    for model in (tiny_model(payments()), tiny_model(series(), view="windows")):
        parts = model.parts()
        assert {"model", "encoder", "member_00"} <= set(parts)
        assert all(plain(dict(part)) for part in parts.values())
        json.dumps(parts["model"]["members"])


def test_files_hold_no_pickle(tmp_path: Path) -> None:
    name = save_model(tmp_path, {}, tiny_model(series(), view="windows").parts())
    files = list((tmp_path / name).iterdir())
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    for path in files:
        content = path.read_bytes()
        assert not content.startswith((b"\x80", b"PK"))
        if path.suffix == ".json":
            json.loads(content)


def test_the_same_parts_make_the_same_model(tmp_path: Path) -> None:
    table = payments()
    model = tiny_model(table)
    name = save_model(tmp_path, {"a": 1}, model.parts())
    again = Model.from_parts(load_model(tmp_path, name)[1], build=build, combiner=combiner, stacker=stacker)
    assert save_model(tmp_path, {"a": 1}, again.parts()) == name
    assert again.threshold == model.threshold
    assert dict(again.encoder.typical) == dict(model.encoder.typical)


@pytest.mark.parametrize("part", ["model", "encoder", "member_00"])
def test_a_missing_part_is_named(part: str) -> None:
    parts = tiny_model(payments()).parts()
    del parts[part]
    with pytest.raises(ModelFileError, match=f"lacks its part '{part}'"):
        Model.from_parts(parts, build=build, combiner=combiner, stacker=stacker)


def test_a_budget_moves_the_threshold_and_nothing_else() -> None:
    table = payments()
    model = tiny_model(table)
    scores = model.score(table)
    wide = model.with_budget(scores.score, 50)
    assert wide.score(table).flagged.sum() == 50
    np.testing.assert_array_equal(wide.score(table).score, scores.score)
    assert model.score(table).flagged.sum() == 3


def test_every_way_to_run_over_the_members_gives_the_same() -> None:
    table = payments()
    model = tiny_model(table, ["additive", "honest"])
    backwards = lambda function, members: reversed([function(m) for m in reversed(list(members))])  # noqa: E731 - short
    np.testing.assert_array_equal(model.score(table, each=backwards).surprises, model.score(table).surprises)
