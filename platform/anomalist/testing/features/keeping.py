"""What a maker keeps: all that it learned, nothing else, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalist.engine.fitting.plan import FEWEST_ROWS
from anomalist.errors import NotFittedError
from anomalist.store.state import join_state, split_state
from anomalist.testing.promise import Failure, attempting, itself, refuses

if TYPE_CHECKING:
    import polars as pl

    from anomalist.testing.features.bench import FeaturesBench
    from anomalist.testing.promise import Checks

__all__ = ["add_keeping"]

_PLAIN = "give state() arrays of bool, int or float, and numbers, texts, lists and dicts; build the rest in restore"


def add_keeping(checks: Checks) -> None:
    """Add the checks."""
    checks.add("again", "the same rows give the same columns")(again)
    checks.add("refit", "fitting on other rows forgets the first")(refit)
    checks.add("input", "it does not write to the table that it is given")(input_kept)
    checks.add("not-fitted", "before it is fitted it says so")(not_fitted)
    checks.add("restored", "restored from plain values and arrays it makes the same columns")(restored)


def again(bench: FeaturesBench) -> None:
    """A second time, and in another one fitted on the same rows."""
    for what, maker in (("the second time", bench.fitted), ("in a second one", bench.build().fit(bench.table))):
        _same(maker.transform(bench.table), bench.made, f"the same columns {what}")


def refit(bench: FeaturesBench) -> None:
    """Nothing is left of what it was fitted on before."""
    expected = bench.made
    maker = bench.build().fit(bench.table.take(slice(0, max(FEWEST_ROWS, len(bench.table) // 3)))).fit(bench.table)
    _same(maker.transform(bench.table), expected, "the columns of one that never saw other rows")


def input_kept(bench: FeaturesBench) -> None:
    """Others see the same table."""
    _ = bench.fitted
    before = bench.table.frame.clone()
    given = bench.table
    bench.build().fit(given).transform(given)
    if not given.frame.equals(before):
        raise Failure(
            expected="the table is afterwards what it was",
            got="a changed one",
            mend="make new frames by select and with_columns; change none in place",
        )


def not_fitted(bench: FeaturesBench) -> None:
    """A mistake of who calls it, said in one line."""
    mend = "raise anomalist.errors.NotFittedError where nothing is learned yet"
    refuses(NotFittedError, bench.build().transform, bench.table, when="before fit", mend=mend)
    refuses(NotFittedError, bench.build().state, when="before fit", mend=mend)


def restored(bench: FeaturesBench) -> None:
    """A model is JSON and safetensors."""
    expected = bench.made
    with attempting("state() can be written without pickle, and restore takes it", _PLAIN):
        text, arrays = split_state(bench.fitted.state(), bench.subject.name)
        maker = bench.build()
        found = maker.restore(join_state(text, arrays))
    itself(found, maker, "restore")
    _same(maker.transform(bench.table), expected, "the columns of the one that was saved")


def _same(found: pl.DataFrame, expected: pl.DataFrame, what: str) -> None:
    if not found.equals(expected):
        differ = [name for name in expected.columns if name not in found or not found[name].equals(expected[name])]
        raise Failure(
            expected=what,
            got=f"others in {', '.join(differ) or 'the order of the columns'}",
            mend="learn in fit alone and from its rows alone, keep that in self, and save all of it",
        )
