"""What a maker makes: new columns with a row for each row of any table like the one that it was fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from anomalist.data.encode import Encoder
from anomalist.data.features import Features
from anomalist.data.maker import Maker
from anomalist.data.table import Table
from anomalist.engine.fitting.plan import FEWEST_ROWS
from anomalist.errors import DataError
from anomalist.testing.promise import Failure, NotApplicable, attempting, itself, told

if TYPE_CHECKING:
    from anomalist.testing.features.bench import FeaturesBench
    from anomalist.testing.promise import Checks

__all__ = ["add_making"]


def add_making(checks: Checks) -> None:
    """Add the checks."""
    checks.add("protocol", "it can be fitted, asked for columns, saved and restored")(protocol)
    checks.add("fits", "it can be fitted on the sample and returns itself")(fits)
    checks.add("rows", "it makes columns with one row for each row of the table")(rows)
    checks.add("new-names", "the names of its columns are new")(new_names)
    checks.add("usable", "a run can encode its columns")(usable)
    checks.add("same-columns", "of other rows it makes the same columns")(same_columns)
    checks.add("missing", "missing values do it no harm")(missing)
    checks.add("few-rows", f"{FEWEST_ROWS} rows are enough")(few_rows)
    checks.add("other-table", "a table without its columns is refused in one line")(other_table)


def protocol(bench: FeaturesBench) -> None:
    """The methods that every maker has."""
    missing = [
        name for name in ("fit", "transform", "state", "restore") if not callable(getattr(bench.loaded, name, None))
    ]
    if missing:
        raise Failure(
            expected="the methods fit, transform, state and restore",
            got=f"no {', '.join(missing)}",
            mend="add what is missing: anomalist.detector.FeatureMaker says what each takes and returns",
        )


def fits(bench: FeaturesBench) -> None:
    """A table that it cannot use is the user's mistake, any other error its own."""
    maker = bench.build()
    try:
        found = maker.fit(bench.table)
    except DataError as error:
        raise NotApplicable(f"it cannot use the sample: {error}; give another by sample=") from error
    itself(found, maker, "fit")


def rows(bench: FeaturesBench) -> None:
    """In the order of the table."""
    for table in (bench.table, bench.table.take(slice(0, 1))):
        with attempting(f"transform of {len(table)} rows gives columns", "let it work on any number of rows"):
            found = bench.fitted.transform(table)
        if not isinstance(found, pl.DataFrame) or found.height != len(table) or not found.width:
            got = f"shape {found.shape}" if isinstance(found, pl.DataFrame) else f"a {type(found).__name__}"
            raise Failure(
                expected=f"a polars DataFrame of {len(table)} rows and at least one column",
                got=got,
                mend="return one row for each row of the table, in its order: no filter, no group_by that folds rows",
            )


def new_names(bench: FeaturesBench) -> None:
    """What the user has must stay what it is."""
    taken = [name for name in bench.made.columns if name in bench.table.frame.columns]
    if taken:
        raise Failure(
            expected="names that the table does not have",
            got=", ".join(taken),
            mend="return the new columns only, named after what they say: card_payments_per_hour",
        )


def usable(bench: FeaturesBench) -> None:
    """They are typed, given roles and encoded like columns of the user."""
    _ = bench.made
    maker = Maker(name=bench.subject.name, params={}, package="sample", version="", plugin=bench.build())
    mend = "make columns of numbers, truth values, dates or text, with different values in different rows"
    with attempting("its columns can be encoded as those of the user are", mend):
        table = Features.fit((maker,), bench.table).widened(bench.table, bench.table.reading)
        encoder = Encoder.fit(table)
    unused = [name for name in bench.made.columns if name in encoder.left_out]
    if len(unused) == bench.made.width:
        raise Failure(
            expected="at least one column that detectors see",
            got="; ".join(f"{name} is left out: {encoder.left_out[name]}" for name in unused),
            mend=mend,
        )


def same_columns(bench: FeaturesBench) -> None:
    """New rows are scored by what was fitted."""
    expected = dict(bench.made.schema)
    found = dict(bench.fitted.transform(bench.table.take(slice(0, len(bench.table) // 2))).schema)
    if found != expected:
        raise Failure(
            expected=f"the columns {_schema(expected)}",
            got=_schema(found),
            mend="decide in fit which columns there are, and give them their types in transform",
        )


def missing(bench: FeaturesBench) -> None:
    """Cells are empty, of new rows even whole columns."""
    _ = bench.made
    half = bench.table.frame.with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col(name)).alias(name) for name in bench.table.frame.columns
    )
    table = Table.from_frame(half, source="the sample with empty cells", like=bench.table.reading)
    with attempting("transform takes a table with empty cells", "let nulls pass, or fill them: polars has fill_null"):
        found = bench.fitted.transform(table)
    if found.height != len(table):
        raise Failure(
            expected=f"{len(table)} rows", got=f"{found.height}", mend="keep rows whose cells are empty: no drop_nulls"
        )


def few_rows(bench: FeaturesBench) -> None:
    """The fewest rows that a run takes."""
    _ = bench.fitted
    few = bench.table.take(slice(0, FEWEST_ROWS))
    with attempting(f"it can be fitted on {FEWEST_ROWS} rows", "guard against groups of one row and spreads of 0"):
        bench.build().fit(few).transform(few)


def other_table(bench: FeaturesBench) -> None:
    """What it was fitted on must be there."""
    other = Table.from_frame(pl.DataFrame({"something_else": list(range(20))}), source="another table")
    try:
        found = bench.fitted.transform(other)
    except DataError as error:
        if "\n" not in str(error):
            return
        got = "a message of several lines"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is what was got
        got = told(error)
    else:
        if isinstance(found, pl.DataFrame) and found.height == len(other):
            raise NotApplicable("it makes its columns of any table")
        got = "an answer with other rows"
    raise Failure(
        expected="a SchemaMismatchError or DataError in one line, where a column that it was fitted on is not there",
        got=got,
        mend="look for the columns first, and raise anomalist.errors.SchemaMismatchError that names the missing one",
    )


def _schema(schema: dict[str, pl.DataType]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in schema.items()) or "none"
