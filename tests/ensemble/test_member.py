"""Members: what a detector sees of the rows, and what it must give back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.data.encode import Encoder
from anomalist.data.windows import Windower
from anomalist.ensemble.member import Member, raw_scores, training_view, view_of, votes_of
from anomalist.errors import DetectorError
from tests.ensemble.samples import Additive, Shape, build, payments, series, tiny_model


class Broken(Additive):
    """Returns what it was told to."""

    def __init__(self, returned: object) -> None:
        super().__init__()
        self.returned = returned

    def score(self, data: Dataset) -> object:
        return self.returned


DATA = Dataset.from_array(np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (np.ones(3), r"one number for each of 4 rows, got shape \(3,\)"),
        (np.ones((4, 1)), r"got shape \(4, 1\)"),
        (1.0, r"got shape \(\)"),
        (np.array([1, 2, np.nan, 4]), r"got nan in row 2 \(1 in all\)"),
        (np.array([-np.inf, 2, np.inf, 4]), r"got -inf in row 0 \(2 in all\)"),
    ],
)
def test_a_detector_must_give_one_finite_number_a_row(returned: object, says: str) -> None:
    with pytest.raises(DetectorError, match=says):
        raw_scores(Broken(returned), view_of("rows", DATA, None))


def test_any_numbers_become_float64() -> None:
    for returned in ([1, 2, 3, 4], np.arange(4, dtype=np.float32), np.arange(4)):
        assert raw_scores(Broken(returned), view_of("rows", DATA, None)).dtype == np.float64


def test_of_very_many_windows_a_sample_is_trained_on_and_it_is_said() -> None:
    data = replace(Dataset.from_array(np.zeros((20_100, 1))), time=np.arange(20_100.0))
    windower = Windower.fit(data, length=4)
    some, said = training_view("statistics", data, windower, seed=0)
    assert len(some) == 20_000
    assert said == ("trained on 20,000 of 20,097 windows, drawn at random",)
    assert training_view("statistics", data.take(slice(20_000)), windower, seed=0)[1] == ()


def test_each_view_has_its_shape_and_comes_back_to_the_rows() -> None:
    table = series()
    data = Encoder.fit(table).encode(table)
    windower = Windower.fit(data)
    windows = windower.windows(data)
    shapes = {
        "rows": (1200, 2),
        "windows": (len(windows), windower.length, 2),
        "statistics": (len(windows), 20),
    }
    for view, shape in shapes.items():
        assert training_view(view, data, windower, seed=0)[0].values.shape == shape
        units = view_of(view, data, windower)
        assert sum(len(block) for block in units.blocks()) == shape[0]
        scores = raw_scores(Shape(), units)
        assert scores.shape == (1200,)
        if view != "rows":
            assert 130 < scores.argmax() < 180
        chosen = np.zeros(1200, dtype=bool)
        chosen[155] = True
        covering = units.covering(chosen)
        assert covering.shape == shape[:1]
        assert covering.sum() in ((1,) if view == "rows" else (8, 9))  # windows that overlap by seven eighths


@pytest.mark.parametrize("view", ["windows", "statistics"])
def test_windows_need_an_order(view: str) -> None:
    for look in (lambda: view_of(view, DATA, None), lambda: training_view(view, DATA, None, seed=0)):
        with pytest.raises(DetectorError, match="needs rows in order; name the column of times with --time"):
            look()


def test_a_member_survives_its_state() -> None:
    table = payments()
    model = tiny_model(table)
    member = model.members[0]
    again = Member.from_state(member.state(), build)
    data = model.encoder.encode(table)
    np.testing.assert_array_equal(again.surprise(data, None), member.surprise(data, None))
    assert (again.name, again.detector_name, again.params, again.view, again.notes) == (
        member.name,
        member.detector_name,
        member.params,
        member.view,
        member.notes,
    )
    assert (member.surprise(data, None) == member.calibrator.surprise(member.raw(data, None))).all()


def test_members_of_one_kin_share_a_vote() -> None:
    assert votes_of(["", "deep", "deep", "", "tree"]).tolist() == [1.0, 0.5, 0.5, 1.0, 1.0]
    assert votes_of([]).size == 0
    table = payments()
    member = replace(tiny_model(table).members[0], kin="deep")
    assert Member.from_state(member.state(), build).kin == "deep"
    model = tiny_model(table, ["additive", "honest", "additive"])
    kindred = replace(
        model, members=tuple(replace(m, kin=kin) for m, kin in zip(model.members, ["a", "", "a"], strict=True))
    )
    assert kindred.votes.tolist() == [0.5, 1.0, 0.5]
