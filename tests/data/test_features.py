"""Features: columns that makers add before the encoding, checked, typed, and the same whenever they are made."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.encode import Encoder
from anomalist.data.maker import Maker
from anomalist.data.roles import Role
from anomalist.data.table import Table
from anomalist.errors import DataError, ModelFileError, PluginError, SchemaMismatchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anomalist.detector import State

START = dt.datetime(2024, 1, 1)


@dataclass
class Above:
    """The excess over the mean of training, and whether there is one."""

    column: str = "amount"
    mean: float | None = field(default=None, init=False)
    seen: list[Table] = field(default_factory=list, init=False)

    def fit(self, table: Table, /) -> Above:
        self.seen.append(table)
        self.mean = float(table.frame[self.column].mean())
        return self

    def transform(self, table: Table, /) -> pl.DataFrame:
        self.seen.append(table)
        excess = table.frame[self.column] - self.mean
        return pl.DataFrame({f"{self.column}_excess": excess, f"{self.column}_above": excess > 0})

    def state(self) -> State:
        return {"mean": self.mean, "array": np.array([self.mean])}

    def restore(self, state: State, /) -> Above:
        self.mean = float(state["array"][0])
        return self


@dataclass
class Makes:
    """Makes of a table what a function makes of it."""

    of: Callable[[Table], Any] = field(default=lambda table: table.frame.select(twice=pl.col("amount") * 2))
    on_fit: Callable[[Any], Any] = field(default=lambda maker: maker)

    def fit(self, _: Table, /) -> Any:
        return self.on_fit(self)

    def transform(self, table: Table, /) -> Any:
        return self.of(table)

    def state(self) -> State:
        return {}

    def restore(self, _: State, /) -> Makes:
        return self


def maker(plugin: Any, name: str = "above") -> Maker:
    return Maker(name=name, params={}, package="extras", version="1.2", plugin=plugin)


def payments(rows: int = 40) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "id": [f"P{i}" for i in range(rows)],
            "amount": rng.lognormal(size=rows),
            "city": rng.choice(["Bern", "Chur"], rows).tolist(),
            "fraud": (np.arange(rows) % 10 == 0).astype(int),
            "secret": rng.normal(size=rows),
        }
    )


def read(frame: pl.DataFrame | None = None, **given: Any) -> Table:
    return Table.from_frame(payments() if frame is None else frame, **{"key": "id", **given})


def revived(encoder: Encoder, **plugins: Any) -> Encoder:
    def build(name: str, params: Mapping[str, Any], package: str, version: str) -> Maker:
        return Maker(name=name, params=params, package=package, version=version, plugin=plugins[name])

    return Encoder.from_state(encoder.state(), build)


def test_made_columns_are_source_columns_like_any_other() -> None:
    table = read()
    encoder = Encoder.fit(table, features=[maker(Above())])
    assert encoder.origins[-2:] == ("amount_excess", "amount_above")
    assert encoder.roles["amount_excess"] == Role.NUMERIC
    assert encoder.roles["amount_above"] == Role.BOOLEAN
    assert {"amount_excess", "amount_above"} <= encoder.typical.keys()
    assert encoder.extra_columns(table) == ()
    wide = encoder.widened(table)
    assert wide.features[-2:] == ("amount_excess", "amount_above")
    assert wide.values(3)["amount_excess"] == pytest.approx(table.frame["amount"][3] - table.frame["amount"].mean())
    np.testing.assert_array_equal(encoder.column(table, "amount_above"), wide.frame["amount_above"])


def test_the_table_of_the_user_stays_what_it_was() -> None:
    table, same = read(), read()
    encoder = Encoder.fit(table, features=[maker(Above())])
    assert encoder.reading == table.reading == same.reading
    assert table.fingerprint == same.fingerprint
    assert table.frame.equals(same.frame)
    assert encoder.widened(table).keys.equals(same.keys)


def test_what_is_made_of_a_table_is_made_once() -> None:
    plugin = Above()
    table = read()
    encoder = Encoder.fit(table, features=[maker(plugin)])
    encoder.encode(table)
    encoder.column(table, "amount_above")
    assert len(plugin.seen) == 2  # fit and transform
    other = table.take(slice(0, 5))
    assert np.array_equal(encoder.encode(other).values, encoder.encode(table).values[:5])
    encoder.surprises(other)
    assert len(plugin.seen) == 3


def test_makers_see_neither_labels_nor_what_was_left_out_nor_what_is_new() -> None:
    plugin = Above()
    table = read(label="fraud", ignore=["secret"])
    encoder = Encoder.fit(table, features=[maker(plugin)])
    later = payments().drop("fraud").with_columns(fresh=pl.lit(1), secret=pl.lit(2))
    encoder.encode(read(later, like=encoder.reading))
    for seen in plugin.seen:
        assert seen.frame.columns == list(seen.roles) == ["id", "amount", "city"]
        assert (seen.key, seen.label, seen.time, seen.entity) == ("id", None, None, None)
    assert encoder.extra_columns(read(later)) == ("fresh",)


def test_makers_see_columns_as_they_were_in_training() -> None:
    def types(table: Table) -> pl.DataFrame:
        assert table.frame.schema == {"code": pl.String, "at": pl.Datetime("us"), "amount": pl.Int64}
        assert (table.time, table.entity) == ("at", "code")
        return table.frame.select(long=pl.col("code").str.len_chars() + pl.col("amount"))

    rows = pl.DataFrame(
        {
            "code": ["A1", "7", "B2", "7", "C3"] * 4,
            "at": [START + dt.timedelta(hours=i) for i in range(20)],
            "amount": list(range(20)),
        }
    )
    encoder = Encoder.fit(Table.from_frame(rows, time="at", entity="code"), features=[maker(Makes(types))])
    later = pl.DataFrame({"amount": ["3", "4"], "at": ["2024-01-02 00:00", "2024-01-03 12:00"], "code": [7, 8]})
    for like in (None, encoder.reading):
        assert encoder.widened(Table.from_frame(later, like=like)).frame["long"].to_list() == [4, 5]


def test_what_a_maker_does_to_its_table_reaches_nobody() -> None:
    def vandal(table: Table) -> pl.DataFrame:
        table.frame[0, "amount"] = 1e9
        table.frame.insert_column(0, pl.Series("extra", range(len(table))))
        table.frame.drop_in_place("city")
        table.frame.get_column("amount").scatter(1, -1.0)
        table.keys.scatter(0, "gone")
        table.roles.clear()
        return pl.DataFrame({"made": np.arange(len(table)) ** 2})

    table, same = read(), read()
    encoder = Encoder.fit(table, features=[maker(Makes(vandal))])
    encoder.encode(table)
    assert table.frame.equals(same.frame)
    assert table.keys.equals(same.keys)
    assert table.roles == same.roles


def test_the_type_of_a_made_column_says_what_it_is_for() -> None:
    rows = 40

    def many(_: Table) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "card_no": np.arange(rows, dtype=np.uint32),
                "status code": np.arange(rows) % 3,
                "truth": np.arange(rows) % 2 == 0,
                "day": [START.date() + dt.timedelta(days=i) for i in range(rows)],
                "digits": [str(i % 4) for i in range(rows)],
                "words": [f"some words of a sentence that is number {i}" for i in range(rows)],
                "same": [1.5] * rows,
                "gone": [None] * rows,
                "gaps": [np.nan, np.inf, -np.inf, *np.arange(rows - 3.0)],
            }
        )

    table = read()
    encoder = Encoder.fit(table, features=[maker(Makes(many))])
    assert {name: str(role) for name, role in encoder.features.reading.roles.items()} == {
        "card_no": "numeric",
        "status code": "numeric",
        "truth": "boolean",
        "day": "datetime",
        "digits": "categorical",
        "words": "text",
        "same": "constant",
        "gone": "constant",
        "gaps": "numeric",
    }
    assert encoder.left_out["same"] == "constant: every value is 1.5"
    assert encoder.constants["same"] == "1.5"
    assert encoder.notes(table) == ("column 'gaps': 2 infinite values, first in row 2: taken as the most extreme",)
    assert encoder.surprises(table) == encoder.notes(table)
    assert "gaps:missing" in encoder.columns
    assert np.isfinite(encoder.encode(table).values).all()
    again = revived(encoder, above=Makes(many))
    np.testing.assert_array_equal(again.encode(read()).values, encoder.encode(table).values)


def test_a_stored_encoder_makes_the_same_of_other_rows() -> None:
    table = read()
    encoder = Encoder.fit(table, features=[maker(Above()), maker(Makes(), "twice")])
    again = revived(encoder, above=Above(), twice=Makes())
    assert [str(one) for one in again.features.makers] == [
        "features 'above' of extras 1.2",
        "features 'twice' of extras 1.2",
    ]
    assert again.features.columns == (("amount_excess", "amount_above"), ("twice",))
    assert again.roles == encoder.roles
    assert again.columns == encoder.columns
    later = read(payments(60)[40:])
    np.testing.assert_array_equal(again.encode(later).values, encoder.encode(later.take(slice(None))).values)


def test_an_encoder_without_features_is_saved_as_before_and_one_with_them_needs_their_makers() -> None:
    plain = Encoder.fit(read()).state()
    assert plain["format"] == 2
    assert "features" not in plain
    assert Encoder.from_state(plain).features.makers == ()
    made = Encoder.fit(read(), features=[maker(Above())]).state()
    assert made["format"] == 3
    with pytest.raises(ModelFileError, match="nothing to build their makers with"):
        Encoder.from_state(made)
    json.dumps({name: value for name, value in plain.items() if not isinstance(value, np.ndarray)})


def test_what_was_made_at_another_time_can_be_given() -> None:
    table = read()
    encoder = Encoder.fit(table, features=[maker(Makes(lambda table: pl.DataFrame({"n": np.arange(len(table)) % 7})))])
    alone = table.take(slice(20, 21))
    made = encoder.widened(table).frame.select("n")[20:21]
    assert np.array_equal(encoder.encode(alone, made=made).values[0], encoder.encode(table).values[20])
    assert not np.array_equal(encoder.encode(alone).values[0], encoder.encode(table).values[20])


def fails(error: BaseException) -> Makes:
    def raises(_: Table) -> Any:
        raise error

    return Makes(raises)


@pytest.mark.parametrize(
    ("plugin", "error", "says"),
    [
        (fails(ValueError("out of\nluck")), PluginError, " failed: ValueError: out of luck"),
        (fails(SystemExit(3)), PluginError, " failed: SystemExit: 3"),
        (fails(PluginError("broken")), PluginError, " failed: broken"),
        (fails(UsageError("name the time with --time")), UsageError, ": name the time with --time"),
        (fails(DataError("no amounts")), DataError, ": no amounts"),
        (
            Makes(lambda table: table.frame["amount"]),
            PluginError,
            "transform must return a polars DataFrame, got Series",
        ),
        (Makes(lambda _: None), PluginError, "transform must return a polars DataFrame, got NoneType"),
        (Makes(lambda table: table.frame.select()), PluginError, "must return at least one column, got none"),
        (Makes(lambda table: table.frame.head(7)), PluginError, "must return one row for each of 40, got 7"),
        (Makes(lambda table: table.frame.select("amount")), DataError, "makes a column 'amount', and frame has one"),
        (Makes(lambda table: table.frame.select(fraud="amount")), DataError, "makes a column 'fraud', and frame has"),
        (Makes(on_fit=lambda _: None), PluginError, "fit must return the maker itself, got NoneType"),
        (Makes(on_fit=lambda maker: 1 / 0), PluginError, " failed: ZeroDivisionError: division by zero"),
    ],
)
def test_what_cannot_be_used_is_one_line_that_names_the_package(plugin: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        Encoder.fit(read(label="fraud"), features=[maker(plugin, "odd")])
    text = str(caught.value)
    assert text.startswith("features 'odd' of extras 1.2")
    assert says in text
    assert "\n" not in text


def test_two_makers_of_one_column_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'b' of extras 1\.2: it makes a column 'twice', and so does features 'a' of"):
        Encoder.fit(read(), features=[maker(Makes(), "a"), maker(Makes(), "b")])


@pytest.mark.parametrize(
    ("later", "error", "says"),
    [
        (lambda table: table.frame.select(once="amount"), PluginError, "made in training, twice; got once"),
        (lambda table: table.frame.select(twice="city"), PluginError, "'twice' holds text, and in training .* numbers"),
        (lambda table: table.frame.select(twice="amount").head(1), PluginError, "one row for each of 40, got 1"),
        (lambda table: table.frame.select(twice="no"), PluginError, "failed: ColumnNotFoundError: "),
    ],
)
def test_a_maker_that_makes_something_else_later_is_refused(later: Any, error: type[Exception], says: str) -> None:
    plugin = Makes()
    encoder = Encoder.fit(read(), features=[maker(plugin, "odd")])
    plugin.of = later
    with pytest.raises(error, match=f"^features 'odd' of extras 1.2.*{says}"):
        encoder.encode(read())


def test_all_missing_is_of_any_kind_and_columns_may_come_in_another_order() -> None:
    table, plugin = read(), Above()
    encoder = Encoder.fit(table, features=[maker(plugin)])
    before = encoder.encode(table).values
    gone = pl.DataFrame({"amount_above": [None] * 40, "amount_excess": [None] * 40})
    odd = revived(encoder, above=Makes(lambda _: gone))
    now = odd.encode(read()).values
    assert now.shape == before.shape
    assert np.isfinite(now).all()


def test_rows_that_lack_a_column_of_training_are_told_so_where_a_maker_fails_for_it() -> None:
    encoder = Encoder.fit(
        read(),
        features=[maker(Makes(lambda table: table.frame.select(n=pl.col("city").str.len_chars() + pl.col("amount"))))],
    )
    with pytest.raises(
        SchemaMismatchError, match=r"^features 'above' of extras 1\.2 failed: .*; frame lacks 'city', which"
    ):
        encoder.encode(read(payments().drop("city")))
    with pytest.raises(DataError, match="it makes a column 'n', and frame has one"):
        encoder.encode(read(payments().with_columns(n=pl.lit(1))))
