"""Reference: what training rows were like, small, whatever their order, and the same after a round trip."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anomalist.data.aspects import COMMON_WORDS, aspects, common_words
from anomalist.data.encode import Encoder
from anomalist.data.summary import Levels, Numbers
from anomalist.data.table import Table
from anomalist.ensemble.model import Scores
from anomalist.ensemble.reference import Reference
from anomalist.store.state import join_state, split_state

if TYPE_CHECKING:
    from anomalist.detector import Floats

ROWS = 1_000


def _frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "amount": rng.lognormal(3, 1, ROWS),
            "half": pl.Series(np.where(rng.random(ROWS) < 0.3, np.nan, rng.normal(size=ROWS))).fill_nan(None),
            "channel": rng.choice(["web", "shop", "post"], ROWS),
            "vip": rng.random(ROWS) < 0.1,
            "at": [start + timedelta(minutes=int(m)) for m in rng.integers(0, 60 * 24 * 90, ROWS)],
            "memo": [" ".join(rng.choice(["please", "pay", "the", "sum", "of", f"x{i}"], 6)) for i in range(ROWS)],
            "tick": np.arange(ROWS) * 60.0,
        }
    )


def _reference(frame: pl.DataFrame, scores: Floats, **given: str) -> tuple[Reference, Encoder]:
    table = Table.from_frame(frame, roles={"memo": "text"}, **given)
    encoder = Encoder.fit(table)
    found = Scores(members=(), surprises=np.zeros((len(table), 0)), score=scores, flagged=scores > 6.0)
    return Reference.fit(encoder, table, encoder.encode(table), found), encoder


def _same(one: Reference, other: Reference) -> bool:
    texts = []
    for reference in (one, other):
        text, arrays = split_state(reference.state(), "reference")
        texts.append((text, {name: array.tolist() for name, array in arrays.items()}))
    return bool(texts[0] == texts[1])


def test_it_knows_each_column_by_what_can_be_compared() -> None:
    scores = np.random.default_rng(1).exponential(size=ROWS)
    reference, _ = _reference(_frame().drop("tick"), scores)
    columns = {column.name: column for column in reference.columns}
    assert list(columns) == ["amount", "half", "channel", "vip", "at", "memo"]
    assert {name: list(column.aspects) for name, column in columns.items()} == {
        "amount": ["value"],
        "half": ["value"],
        "channel": ["level"],
        "vip": ["level"],
        "at": ["hour", "weekday"],
        "memo": ["length", COMMON_WORDS],
    }
    half, channel = columns["half"].aspects["value"], columns["channel"].aspects["level"]
    assert isinstance(half, Numbers)
    assert half.rows + columns["half"].missing == ROWS
    assert isinstance(channel, Levels)
    assert channel.names == ("post", "shop", "web")
    assert (reference.rows, reference.flagged) == (ROWS, int((scores > 6.0).sum()))


def test_the_order_of_the_rows_makes_no_difference() -> None:
    frame, scores = _frame(), np.random.default_rng(1).exponential(size=ROWS)
    mixed = np.random.default_rng(2).permutation(ROWS)
    for given in ({}, {"time": "tick"}):
        one, _ = _reference(frame, scores, **given)
        other, _ = _reference(frame[mixed], scores[mixed], **given)
        assert _same(one, other)


def test_it_is_small_and_survives_a_round_trip() -> None:
    reference, _ = _reference(_frame(), np.random.default_rng(1).exponential(size=ROWS), time="tick")
    text, arrays = split_state(reference.state(), "reference")
    assert len(text) + sum(array.nbytes for array in arrays.values()) < 6 * 5_000
    assert _same(Reference.from_state(join_state(text, arrays)), reference)


def test_only_rows_with_a_time_have_a_memory() -> None:
    slow = np.cumsum(np.random.default_rng(0).normal(size=ROWS))
    frame = _frame().with_columns(amount=slow)
    timed, _ = _reference(frame, np.abs(slow), time="tick")
    plain, _ = _reference(frame.drop("tick"), np.abs(slow))
    assert timed.columns[0].aspects["value"].memory > 20
    assert timed.scores.memory > 20
    assert timed.columns[0].memory == 1.0  # nothing is missing
    assert {summary.memory for column in plain.columns for summary in column.aspects.values()} == {1.0}


def test_other_scores_leave_the_columns_as_they_are() -> None:
    frame, scores = _frame(), np.random.default_rng(1).exponential(size=ROWS)
    reference, encoder = _reference(frame, scores)
    again = Scores(members=(), surprises=np.zeros((ROWS, 0)), score=scores * 9, flagged=scores > 1.0)
    data = encoder.encode(Table.from_frame(frame, like=encoder.reading))
    other = reference.rescored(data, again)
    assert other.columns is reference.columns
    assert other.flagged == int((scores > 1.0).sum())
    assert other.scores.quantile(0.5) == 9 * reference.scores.quantile(0.5)


def test_a_batch_of_one_day_knows_nothing_of_weeks() -> None:
    frame = _frame()
    _, encoder = _reference(frame, np.zeros(ROWS))
    coder = next(coder for coder in encoder.coders if coder.name == "at")
    day = frame.filter(pl.col("at").dt.date() == pl.date(2024, 1, 5)).get_column("at")
    three = frame.filter(pl.col("at").dt.day() <= 3, pl.col("at").dt.month() == 1).get_column("at")
    assert aspects(coder, day) == {}
    assert list(aspects(coder, three)) == ["hour"]
    assert list(aspects(coder, frame.get_column("at"))) == ["hour", "weekday"]
    assert aspects(coder, day.clear()) == {}


def test_common_words_are_as_common_in_texts_that_they_were_not_chosen_by() -> None:
    rng = np.random.default_rng(0)

    def texts() -> pl.Series:
        return pl.Series([" ".join(f"w{min(v, 2_000)}" for v in rng.zipf(1.3, 8)) for _ in range(600)])

    training = Table.from_frame(pl.DataFrame({"memo": texts()}), roles={"memo": "text"})
    (coder,) = Encoder.fit(training).coders
    words, left = common_words(training.frame.get_column("memo"))
    assert len(words) == 100
    assert 200 < left.sum() < 400
    before = aspects(coder, training.frame.get_column("memo"), words)[COMMON_WORDS]
    now = aspects(coder, texts(), words)[COMMON_WORDS]
    foreign = aspects(coder, pl.Series(["ganz andere Worte", "", None]), words)[COMMON_WORDS]
    assert abs(before[left.to_numpy()].mean() - now.mean()) < 0.03
    np.testing.assert_array_equal(foreign, [0.0, 0.0, np.nan])
