"""Labels: which rows have one, and which labels are refused."""

from __future__ import annotations

import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.evaluation.labels import Labels
from anomalist.errors import DataError


def labelled(values: list[object], **columns: list[object]) -> Table:
    return Table.from_frame(pl.DataFrame({"x": range(len(values)), "y": values, **columns}), source="a.csv", label="y")


def test_rows_without_a_label_are_left_out() -> None:
    labels = Labels.of(labelled([None, 1, 0, None, 0]))
    assert labels.rows.tolist() == [1, 2, 4]
    assert labels.values.tolist() == [1, 0, 0]
    assert labels.of_both_kinds
    assert labels.where == "a.csv: label column 'y'"


def test_labels_may_be_in_another_column_and_have_any_positive_values() -> None:
    table = labelled([0, 1, 0], kind=["a", "b", "c"])
    assert Labels.of(table, {"b", "c"}, column="kind").values.tolist() == [0, 1, 1]
    with pytest.raises(DataError, match=r"a\.csv: there is no column 'nope' to take labels from"):
        Labels.of(table, column="nope")


def test_labels_that_say_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="label column 'y' holds no value"):
        Labels.of(labelled([None, None, None]))
    labels = Labels.of(labelled([0, 0, 0, None]))
    with pytest.raises(DataError, match=r"a\.csv: label column 'y': both anomalies and normal rows are needed, got 0"):
        labels.check_both_kinds()
    with pytest.raises(DataError, match="no column was named as the label"):
        Labels.of(Table.from_frame(pl.DataFrame({"x": [1, 2]})))
