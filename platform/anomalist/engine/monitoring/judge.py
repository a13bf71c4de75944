"""Judge: which columns have moved since a model was fitted, and whether its scores have.

A column has moved where a change is both unlikely and large: unlikely by its test at the level 0.01, corrected for the
number of tests of all columns (Holm 1979), so that one batch in a hundred of unchanged rows raises an alarm, however
many columns there are; and large by a bar that does not depend on the number of rows, since among a million rows any
change is certain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from anomalist.data.aspects import aspects, present
from anomalist.data.drift import Change, compare, compare_numbers, compare_shares, far_apart, holm
from anomalist.data.encoding.category import CategoryCoder
from anomalist.data.keys import as_text
from anomalist.data.summary import Levels
from anomalist.data.words import cut
from anomalist.engine.monitoring.drift import FEWEST_ROWS, ColumnDrift, ScoreDrift

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from anomalist.data.encode import Encoder
    from anomalist.data.encoding.coder import Coder
    from anomalist.data.table import Table
    from anomalist.ensemble.model import Scores
    from anomalist.ensemble.reference import ColumnReference, Reference

__all__ = ["judge"]

_LEVEL = 0.01
_PSI, _KS, _SHARE = 0.1, 0.1, 0.2  # the bars: little more than nothing by Siddiqi 2006; a small effect by Cohen 1988
_SCORE_KS = 0.2  # a model scores the rows that it learned from lower than others: that far apart they may be
_ROWS_A_COLUMN = 100.0  # and further where it learned from fewer than these, so that its scores say nothing of drift
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """One question to one column: its chance, whether the change is large, and what to say of it."""

    p: float | None
    large: bool
    said: str


def judge(
    reference: Reference, encoder: Encoder, table: Table, scores: Scores
) -> tuple[tuple[ColumnDrift, ...], ScoreDrift]:
    """Compare rows and their scores with the reference of their model.

    Raises:
        SchemaMismatchError: A column of the model is missing or of another kind.
    """
    enough = min(len(table), reference.rows) >= FEWEST_ROWS
    pairs = zip(reference.columns, encoder.coders, strict=True)
    columns = [_column(before, coder, encoder, table) for before, coder in pairs]
    seen, tests = _scores(reference, scores, len(encoder.columns))
    every = [*(tests for _, tests in columns), tests]
    corrected = iter(holm([test.p if enough else None for tests in every for test in tests]))
    answers = [_answers(tests, corrected) for tests in every]
    found = [replace(column, p=p, why=why) for (column, _), (p, why) in zip(columns, answers[:-1], strict=True)]
    return tuple(found), replace(seen, p=answers[-1][0], why=answers[-1][1])


def _answers(tests: Sequence[_Test], corrected: Iterator[float | None]) -> tuple[float | None, tuple[str, ...]]:
    """The least corrected chance of some tests, and what those say that are both unlikely and large."""
    chances = list(islice(corrected, len(tests)))
    sure = [test.said for test, p in zip(tests, chances, strict=True) if p is not None and p < _LEVEL and test.large]
    return min((p for p in chances if p is not None), default=None), tuple(sure)


def _column(before: ColumnReference, coder: Coder, encoder: Encoder, table: Table) -> tuple[ColumnDrift, list[_Test]]:
    """What there is to see of a column, and the questions to ask of it."""
    series = encoder.column(table, coder.name)
    changes = {
        name: compare(before.aspects[name], present(values))
        for name, values in aspects(coder, series, before.words).items()
        if name in before.aspects
    }
    if len(changes) > 1:  # of a single one it goes without saying what it is
        changes = {name: replace(change, said=f"{name} {change.said}") for name, change in changes.items()}
    tests = [_of_values(name if len(changes) > 1 else "", change) for name, change in changes.items()]
    rows, gone = len(series), series.null_count()
    if before.missing or gone:
        p = compare_shares(before.missing, before.rows, gone, rows, memory=before.memory)
        tests.append(_of_shares("missing", before.missing / before.rows, gone / rows, p))
    levels = before.aspects.get("level")
    share: float | None = None
    names: tuple[str, ...] = ()
    if isinstance(coder, CategoryCoder) and isinstance(levels, Levels):
        unseen = as_text(series.filter(coder.unseen(series))).drop_nulls()
        share, names = len(unseen) / max(1, rows - gone), _most_frequent(unseen)
        tests += _of_new_levels(levels, len(unseen), rows - gone, names)
    furthest = max(changes.values(), key=lambda change: change.psi or 0.0, default=Change())
    column = ColumnDrift(
        column=coder.name,
        role=encoder.roles[coder.name].value,
        psi=furthest.psi,
        ks=max((change.ks for change in changes.values() if change.ks is not None), default=None),
        p=None,
        changed=furthest.said,
        missing_before=before.missing / before.rows,
        missing_now=gone / rows,
        new_share=share,
        new_levels=names,
        why=(),
    )
    return column, tests


def _scores(reference: Reference, scores: Scores, columns: int) -> tuple[ScoreDrift, list[_Test]]:
    """The same of the scores of a model that sees so many encoded columns."""
    before, rows, flagged = reference.scores, scores.score.size, int(scores.flagged.sum())
    change = compare_numbers(before, scores.score, allowed=_SCORE_KS)
    judged = before.rows / before.memory >= _ROWS_A_COLUMN * columns
    share, now = reference.flagged / reference.rows, flagged / rows
    p = compare_shares(reference.flagged, reference.rows, flagged, rows, memory=before.memory)
    tests = [_Test(p=change.p, large=True, said=f"KS {change.ks or 0.0:.2f}")] if judged else []
    tests += [_of_shares("flagged", share, now, p)] if reference.flagged or flagged else []
    drift = ScoreDrift(
        psi=change.psi,
        ks=change.ks,
        p=None,
        changed=change.said,
        judged=judged,
        flagged_before=share,
        flagged_now=now,
        why=(),
    )
    return drift, tests


def _of_values(name: str, change: Change) -> _Test:
    """Whether values moved: by their PSI or, of numbers, by the distance of their distribution functions."""
    index, distance = change.psi or 0.0, change.ks or 0.0
    measure = f"PSI {index:.2f}" if index >= _PSI else f"KS {distance:.2f}"
    return _Test(p=change.p, large=index >= _PSI or distance >= _KS, said=f"{name} {measure}".strip())


def _of_shares(name: str, before: float, now: float, p: float | None) -> _Test:
    return _Test(p=p, large=far_apart(before, now) >= _SHARE, said=f"{name} {before:.1%} -> {now:.1%}")


def _of_new_levels(levels: Levels, unseen: int, rows: int, names: Sequence[str]) -> list[_Test]:
    """Whether more values are new than must be: as large a share of them as there were single ones in training.

    That is how Good (1953) and Turing estimated the share of species that had not been met with.
    """
    if not unseen or not levels.rows:
        return []
    expected, share = levels.singles / levels.rows, unseen / rows
    p = compare_shares(levels.singles, levels.rows, unseen, rows, memory=levels.memory)
    large = share > expected and far_apart(expected, share) >= _SHARE
    return [_Test(p=p, large=large, said=f"{share:.1%} in new levels such as {cut(names[0])}")]


def _most_frequent(text: pl.Series) -> tuple[str, ...]:
    counts = text.alias("level").value_counts(name="rows").sort(["rows", "level"], descending=[True, False])
    return tuple(counts.get_column("level").head(_NAMED).to_list())
