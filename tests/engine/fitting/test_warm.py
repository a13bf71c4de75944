"""Where a fit can start from what an earlier model has learned, and why where it cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.encode import Encoder
from anomalist.data.series import check_series
from anomalist.data.table import Table
from anomalist.data.windows import Windower
from anomalist.engine.fitting.panel import Seat, arranged, seats
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.fitting.warm import continued_encoder, warm_started
from anomalist.engine.runs.run import run
from anomalist.ensemble.member import training_view
from anomalist.errors import ModelFileError

if TYPE_CHECKING:
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model

AUTOENCODER = "autoencoder:max_steps=20"
RNN = "rnn:hidden=8,max_steps=20"


def fitted(workspace: Workspace, table: Table, *detectors: str) -> Model:
    run(workspace, table, RunOptions(detectors=detectors, top=1), name="payments")
    return workspace.load("payments")[0]


def seat(workspace: Workspace, text: str, *, seed: int = 0) -> Seat:
    (found,) = seats(workspace.registry, panel="default", chosen=(text,), seed=seed)
    return found


def warm(workspace: Workspace, model: Model, text: str, table: Table, *, seed: int = 0) -> Any:
    return warm_started(model, "payments:1", seat(workspace, text, seed=seed), Encoder.fit(table))


@pytest.fixture
def wider(frame: pl.DataFrame) -> Table:
    """The table without `weight`, with `height` and a city more."""
    city = frame["city"].to_list()
    city[:20] = ["Sion"] * 20
    height = np.random.default_rng(1).normal(170, 10, len(frame))
    changed = frame.drop("weight").with_columns(height=height, city=pl.Series(city))
    return Table.from_frame(changed, key="id", label="fraud")


def test_the_same_columns_continue_from_a_copy(workspace: Workspace, table: Table) -> None:
    model = fitted(workspace, table, AUTOENCODER)
    data, (member,) = model.encoder.encode(table), model.members
    before = member.detector.score(data)
    start = warm(workspace, model, AUTOENCODER, table, seed=7)
    width = len(model.encoder.columns)
    assert start.note == f"continues from payments:1 (all {width} columns known)"
    np.testing.assert_array_equal(start.detector.score(data), before)
    assert not np.array_equal(start.detector.update(data.take(slice(0, 100))).score(data), before)
    np.testing.assert_array_equal(member.detector.score(data), before)


def test_shared_columns_are_carried_over(workspace: Workspace, table: Table, wider: Table) -> None:
    model = fitted(workspace, table, AUTOENCODER)
    start, encoder = warm(workspace, model, AUTOENCODER, wider), Encoder.fit(wider)
    assert [c for c in encoder.columns if c not in model.encoder.columns] == ["city=Sion", "height"]
    width = len(encoder.columns)
    assert start.note == (f"continues from payments:1 ({width - 2} of {width} columns known, 1 gone)")
    data = encoder.encode(wider)
    scores = start.detector.update(data).score(data)
    assert scores.shape == (len(wider),)
    assert np.isfinite(scores).all()
    old, new = (detector.state()["centre"] for detector in (model.members[0].detector, start.detector))
    for place, column in enumerate(encoder.columns):
        if column in model.encoder.columns:
            assert new[place] == old[model.encoder.columns.index(column)]


def test_a_column_of_the_same_name_and_another_origin_is_another_column(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    amount, city = rng.normal(size=100), rng.choice(["Bern", "Chur"], 100, p=[0.4, 0.6]).tolist()
    old = Table.from_frame(pl.DataFrame({"amount": amount, "city": city}))
    new = Table.from_frame(pl.DataFrame({"amount": amount, "city=Bern": rng.normal(size=100)}))
    assert Encoder.fit(old).columns == Encoder.fit(new).columns == ("amount", "city=Bern")
    start = warm(workspace, fitted(workspace, old, AUTOENCODER), AUTOENCODER, new)
    assert start.note == "continues from payments:1 (1 of 2 columns known, 1 gone)"


def test_numbers_that_turn_out_to_be_codes_keep_what_is_known_of_them(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    shares = rng.gamma(0.5, size=40)

    def table(rows: int) -> Table:
        shop = rng.choice(np.arange(40) * 7, rows, p=shares / shares.sum())
        return Table.from_frame(pl.DataFrame({"shop": shop, "x": rng.normal(size=rows)}))

    few, many = table(90), table(900)
    assert Encoder.fit(few).columns == ("shop", "x")
    start = warm(workspace, fitted(workspace, few, AUTOENCODER), AUTOENCODER, many)
    assert start.note == "continues from payments:1 (2 of 3 columns known)"
    data = Encoder.fit(many).encode(many)
    assert data.columns == ("shop", "shop:rarity", "x")
    assert np.isfinite(start.detector.update(data).score(data)).all()
    again = table(800)
    old, new = Encoder.fit(many), Encoder.fit(again)
    assert continued_encoder(old, new, again).coders[0] is old.coders[0]


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ("distance", "distance", "fitted anew, it cannot continue"),
        ("distance", AUTOENCODER, "fitted anew, payments:1 has no such member"),
        (AUTOENCODER, "autoencoder:max_steps=20,latent=1", "fitted anew, payments:1 has it with latent=None and not 1"),
        ("autoencoder:max_steps=9", AUTOENCODER, "fitted anew, payments:1 has it with max_steps=9 and not 20"),
    ],
)
def test_what_cannot_continue_says_why(workspace: Workspace, table: Table, before: str, now: str, reason: str) -> None:
    start = warm(workspace, fitted(workspace, table, before), now, table)
    assert start.detector is None
    assert reason in start.note


@pytest.mark.parametrize(("columns", "known"), [(("a", "b"), 0), (("a", "amount", "b"), 1)])
def test_where_little_is_shared_it_is_fitted_anew(
    workspace: Workspace, table: Table, columns: tuple[str, ...], known: int
) -> None:
    rng = np.random.default_rng(0)
    other = Table.from_frame(pl.DataFrame({name: rng.normal(size=50) for name in columns}))
    start = warm(workspace, fitted(workspace, table, AUTOENCODER), AUTOENCODER, other)
    assert start.detector is None
    assert start.note == (
        f"fitted anew, payments:1 knows {known} of its {len(columns)} columns, which is too little to go on from"
    )


@dataclass
class Counts:
    """Counts rows; can go on, but not with other columns."""

    rows: int = 0

    def fit(self, data: Any) -> Counts:
        self.rows = len(data)
        return self

    def update(self, data: Any) -> Counts:
        self.rows += len(data)
        return self

    def score(self, data: Any) -> Any:
        return np.zeros(len(data))

    def state(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def restore(self, state: Any) -> Counts:
        self.rows = state["rows"]
        if self.rows == 0:
            raise ModelFileError("nothing was saved")
        return self


@pytest.fixture
def counting(workspace: Workspace, table: Table) -> Model:
    """A model whose only member counts rows."""
    model = fitted(workspace, table, "distance")
    member = replace(
        model.members[0], name="counts", detector_name="counts", params={}, package="tests", detector=Counts(rows=5)
    )
    return replace(model, members=(member,))


COUNTS = Seat(name="counts", detector_name="counts", package="tests", detector=Counts())


def test_a_third_party_detector_that_can_go_on_does(counting: Model, table: Table, wider: Table) -> None:
    start = warm_started(counting, "m:2", COUNTS, counting.encoder)
    assert start.detector is not None
    assert start.detector.update(counting.encoder.encode(table)).state() == {"rows": 5 + len(table)}
    assert counting.members[0].detector.state() == {"rows": 5}
    start = warm_started(counting, "m:2", COUNTS, Encoder.fit(wider))
    assert start.note == "fitted anew, it cannot continue on columns other than those of m:2"
    assert start.detector is None


def test_a_state_that_it_does_not_take_is_no_error_of_the_run(counting: Model) -> None:
    empty = replace(counting, members=(replace(counting.members[0], detector=Counts()),))
    start = warm_started(empty, "m:2", COUNTS, counting.encoder)
    assert start.note == "fitted anew, it cannot take over from m:2: nothing was saved"


def machines(rows: int, seed: int, *columns: str) -> Table:
    rng = np.random.default_rng(seed)
    hours = np.arange(rows)
    waves = {name: np.sin(hours / (5 + i)) + rng.normal(0, 0.1, rows) for i, name in enumerate("abc")}
    return Table.from_frame(
        pl.DataFrame({"when": hours * 3600.0} | {name: waves[name] for name in columns}), time="when"
    )


@pytest.mark.parametrize("detector", [AUTOENCODER, RNN])
@pytest.mark.parametrize("columns", ["ab", "cb", "bac"])
def test_detectors_of_windows_and_of_their_statistics_continue(
    workspace: Workspace, detector: str, columns: str
) -> None:
    old = machines(400, 0, "a", "b")
    model, table = fitted(workspace, old, detector), machines(700, 1, *columns)
    encoder = Encoder.fit(table)
    data = encoder.encode(table)
    windower = Windower.fit(data, length=20)  # other than the length of the model
    assert windower.length != model.windower.length
    (built,) = seats(workspace.registry, panel="default", chosen=(detector,), timed=True)
    place = arranged(built, check_series(data))
    start = warm_started(model, "m:1", place, encoder)
    assert place.view == ("windows" if detector == RNN else "statistics")
    assert start.detector is not None, start.note
    view, _ = training_view(place.view, data, windower, seed=0)
    scores = start.detector.update(view).score(view)
    assert np.isfinite(scores).all()
    if detector == AUTOENCODER:  # the ten statistics of a column go where the column goes
        before, after = model.members[0].detector.state()["spread"], start.detector.state()["spread"]
        new, old_place = encoder.columns.index("b"), model.encoder.columns.index("b")
        np.testing.assert_array_equal(after[10 * new : 10 * new + 10], before[10 * old_place : 10 * old_place + 10])


def test_another_view_is_fitted_anew(workspace: Workspace, table: Table) -> None:
    model = fitted(workspace, table, AUTOENCODER)
    place = replace(seat(workspace, AUTOENCODER), view="statistics")
    start = warm_started(model, "payments:1", place, model.encoder)
    assert start.note == "fitted anew, it saw rows in payments:1 and sees statistics now"


def test_units_stay_where_a_column_stayed_and_follow_where_it_drifted() -> None:
    rng = np.random.default_rng(0)

    def table(rows: int, *, factor: float = 1.0, cities: str = "BC") -> Table:
        return Table.from_frame(
            pl.DataFrame(
                {
                    "calm": rng.normal(5, 2, rows),
                    "drifts": factor * rng.gamma(3.0, size=rows),
                    "city": rng.choice(list(cities), rows).tolist(),
                    "when": pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 12, 31), "1h", eager=True)[
                        rng.permutation(8000)[:rows]
                    ],
                }
            )
        )

    old, new = table(1000), table(60, factor=4.0, cities="BCD")
    before, fresh = Encoder.fit(old), Encoder.fit(new)
    mixed = continued_encoder(before, fresh, new)
    assert mixed.columns == fresh.columns
    assert mixed.reading == fresh.reading
    coders = {coder.name: coder for coder in mixed.coders}
    was, now = ({coder.name: coder for coder in encoder.coders} for encoder in (before, fresh))
    assert coders["calm"] is was["calm"]
    assert coders["when"] is was["when"]
    assert coders["drifts"] is now["drifts"]
    assert coders["city"] is now["city"]  # it has a level more
    values = mixed.encode(new).values
    assert abs(np.median(values[:, mixed.columns.index("drifts")])) < 1e-6
    restored = Encoder.from_state(mixed.state())
    np.testing.assert_array_equal(restored.encode(new).values, values)
