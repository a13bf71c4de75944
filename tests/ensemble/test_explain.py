"""Explanations: the columns that made a row anomalous."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.detector import deadline
from anomalist.ensemble.explain import Reason, explain, shares
from tests.ensemble.samples import payments, series, tiny_model

if TYPE_CHECKING:
    from anomalist.ensemble.model import Model

ROWS = np.array([7, 100, 200])


def because(model: Model, table: Table, *args: Any, **kwargs: Any) -> list[tuple[Reason, ...]]:
    return explain(model, table, model.encoder.encode(table), *args, **kwargs)


def test_asking_the_detector_and_ablation_agree_on_an_additive_detector() -> None:
    table = payments()
    found = {}
    for name in ("additive", "honest"):
        model = tiny_model(table, [name])
        surprises = model.score(table).surprises[ROWS]
        columns, found[name] = shares(model, model.encoder.encode(table), ROWS, surprises)
    assert columns == ("amount", "weight", "city")
    for parts in found.values():
        np.testing.assert_allclose(parts.sum(axis=1), 1.0)
        assert (parts >= 0).all()
        assert [columns[i] for i in parts[:2].argmax(axis=1)] == ["amount", "city"]
        assert parts[0].max() > 0.9
        assert parts[2, 0] > parts[2, 2] > parts[2, 1]  # far out in both, and more so in `amount`
    np.testing.assert_array_equal(found["additive"].argmax(axis=1)[:2], found["honest"].argmax(axis=1)[:2])


def test_one_column_alone_takes_all_of_it() -> None:
    table = payments()
    model = tiny_model(table, ["additive", "honest"])
    encoder = replace(model.encoder, coders=tuple(c for c in model.encoder.coders if c.name == "amount"))
    columns, parts = shares(replace(model, encoder=encoder), encoder.encode(table), np.array([7]), np.full((1, 2), 9.0))
    assert columns == ("amount",)
    assert parts.tolist() == [[1.0]]


def test_members_count_by_how_surprised_they_are() -> None:
    table = payments()
    model = tiny_model(table, ["additive", "honest"])
    data = model.encoder.encode(table)
    _, each = zip(*(shares(model, data, ROWS, np.tile(bits, (3, 1))) for bits in ([5.0, 0.5], [0.5, 5.0])), strict=True)
    _, both = shares(model, data, ROWS, np.full((3, 2), 3.0))
    np.testing.assert_allclose(both, (each[0] + each[1]) / 2)
    _, none = shares(model, data, ROWS, np.full((3, 2), 1.0))  # no member finds anything in these rows
    assert not none.any()


def test_reasons_are_in_order_few_and_with_what_is_usual() -> None:
    table = payments()
    model = tiny_model(table)
    surprises = model.score(table).surprises[ROWS]
    first, second, *_ = because(model, table, ROWS, surprises)
    assert (first[0].column, first[0].actual) == ("amount", 500.0)
    assert first[0].typical == pytest.approx(50, abs=2)
    assert (second[0].column, second[0].actual) == ("city", "Rome")
    assert second[0].typical in ("Basel", "Bern", "Chur")
    for reasons in because(model, table, ROWS, surprises, most=2, least=0.2):
        assert 1 <= len(reasons) <= 2
        assert all(reason.share >= 0.2 for reason in reasons[1:])
    assert [len(reasons) for reasons in because(model, table, ROWS[:1], surprises[:1], least=0.999)] == [1]
    assert because(model, table, ROWS, np.zeros((3, 1))) == [(), (), ()]


def test_a_column_with_its_typical_value_is_no_reason_for_a_row() -> None:
    table = payments()
    model = tiny_model(table, ["honest"])  # its parts are from the origin, not from the typical row
    usual = str(model.encoder.typical["city"])
    row = int(np.flatnonzero((table.frame["city"] == usual).to_numpy())[0])
    columns, parts = shares(model, model.encoder.encode(table), np.array([row]), np.full((1, 1), 5.0))
    assert parts[0, columns.index("city")] > 0.05
    (reasons,) = because(model, table, np.array([row]), np.full((1, 1), 5.0))
    assert reasons
    assert "city" not in [reason.column for reason in reasons]


def test_a_rare_code_is_explained_as_a_rare_category_is() -> None:
    rng, rows = np.random.default_rng(0), 2000
    codes, shares = rng.choice(10_000, 30, replace=False).astype(float), rng.gamma(0.5, size=30)
    new = float(np.median(codes) // 1)  # in the middle of the numbers, and none of them
    shop = np.append(rng.choice(codes, rows - 2, p=shares / shares.sum()), [np.nan, new])
    table = Table.from_frame(pl.DataFrame({"shop": shop, "x": rng.normal(size=rows)}))
    model = tiny_model(table)
    assert "shop:rarity" in model.encoder.columns
    (reasons,) = because(model, table, np.array([rows - 1]), np.full((1, 1), 5.0))
    assert str(reasons[0]).startswith(f"shop {new:.0f} (typically {codes[shares.argmax()]:.0f}) ")


def test_an_explanation_does_not_depend_on_the_rows_around() -> None:
    table = payments()
    model = tiny_model(table, ["additive", "honest"])
    together = because(model, table, ROWS, model.score(table).surprises[ROWS])
    for row, reasons in zip(ROWS, together, strict=True):
        alone = table.take(np.array([row]))
        (found,) = because(model, alone, np.array([0]), model.score(alone).surprises)
        assert [reason.column for reason in found] == [reason.column for reason in reasons]
        assert [r.share for r in found] == pytest.approx([r.share for r in reasons])


@pytest.mark.parametrize("view", ["windows", "statistics"])
@pytest.mark.parametrize("detector", ["additive", "honest"])
def test_rows_of_a_series_are_explained_by_the_windows_that_hold_them(detector: str, view: str) -> None:
    table = series()
    model = tiny_model(table, [detector], view)
    scores = model.score(table)
    rows = np.array([155, 300, 755])  # in the broken stretch, in sound ones of either series
    columns, parts = shares(model, model.encoder.encode(table), rows, np.full((3, 1), 5.0))
    assert columns == ("heat", "load")
    np.testing.assert_allclose(parts.sum(axis=1), 1.0)
    assert parts[0, 0] > 0.7
    assert parts[1, 0] < parts[0, 0]
    assert 130 < scores.score.argmax() < 180


def test_every_way_to_run_over_the_members_gives_the_same() -> None:
    table = payments()
    model = tiny_model(table, ["additive", "honest"])
    surprises = model.score(table).surprises[ROWS]
    backwards = lambda function, members: reversed([function(m) for m in reversed(list(members))])  # noqa: E731 - short
    assert because(model, table, ROWS, surprises, each=backwards) == because(model, table, ROWS, surprises)


def test_a_member_that_cannot_explain_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    table = payments()
    model = tiny_model(table, ["honest", "additive"])
    surprises = model.score(table).surprises[ROWS]
    alone = because(tiny_model(table), table, ROWS, surprises[:, 1:])

    def fails(_: object) -> None:
        raise RuntimeError("out of\nluck")

    for contributions, says in (
        (fails, "honest cannot say why: RuntimeError: out of luck"),
        (
            lambda units: np.full(units.values.shape, np.nan),
            "contributions must return finite numbers, got nan in row 0",
        ),
        (lambda units: np.ones((len(units), 1)), "got shape (3, 1)"),
    ):
        caplog.clear()
        model.members[0].detector.contributions = contributions
        assert because(model, table, ROWS, surprises) == alone
        assert says in caplog.text


def test_ablation_stops_when_the_time_is_over(caplog: pytest.LogCaptureFixture) -> None:
    table = payments()
    model = tiny_model(table)
    token = deadline.set(0.0)
    try:
        assert because(model, table, ROWS, np.full((3, 1), 5.0)) == [(), (), ()]
    finally:
        deadline.reset(token)
    assert "additive cannot say why: stopped: " in caplog.text


@pytest.mark.parametrize(
    ("actual", "typical", "shown"),
    [
        (9400.0, 21.53, "amount 9400 (typically 21.53) 62%"),
        (0.000123456, 12345678.9, "amount 0.0001235 (typically 1.235e+07) 62%"),
        (3, None, "amount 3 (typically -) 62%"),
        (None, "Basel", "amount - (typically Basel) 62%"),
        (True, False, "amount True (typically False) 62%"),
    ],
)
def test_a_reason_in_words(actual: object, typical: object, shown: str) -> None:
    reason = Reason(column="amount", actual=actual, typical=typical, share=0.62)
    assert str(reason) == shown
    assert reason.to_dict() == {"column": "amount", "actual": actual, "typical": typical, "share": 0.62}
