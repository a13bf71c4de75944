"""Panels to take apart: fitted through the engine on labelled sets, with what each member says of rows to judge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.data.table import Table
from anomalist.engine.fitting.panel import Seat, seats
from anomalist.engine.fitting.plan import make_plan
from anomalist.engine.models.combiners import combiner_from_text
from anomalist.ensemble.member import votes_of
from tests.benchmarks.odd import Odd
from tests.benchmarks.sets import fit_plan, table_of
from tests.benchmarks.tabular import load, measures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from anomalist.detector import Floats, Ints
    from anomalist.engine.fitting.request import RunOptions
    from anomalist.ensemble.member import Member
    from anomalist.plugins.registry import Registry

__all__ = ["COMBINER", "Pair", "Panel", "Split"]

COMBINER = "upper_half"

Pair = tuple[float, float]
"""ROC AUC and average precision."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Rows to train on, and rows to judge the scores of, which may be the same; the labels of the latter."""

    name: str
    train: Table
    judged: Table
    labels: Ints

    @classmethod
    def whole(cls, path: Path) -> Self:
        """A set in ADBench's layout: trained on and judged by all rows, anomalies among them."""
        values, labels = load(path)
        table = table_of(values, source=path.stem)
        return cls(name=path.stem, train=table, judged=table, labels=labels)

    @classmethod
    def halved(cls, path: Path) -> Self:
        """The same set: trained on the first half of the normal rows, in the order of the file; judged by the rest."""
        values, labels = load(path)
        normal = np.flatnonzero(labels == 0)
        chosen = np.zeros(len(labels), dtype=np.bool_)
        chosen[normal[: len(normal) // 2]] = True
        train = table_of(values[chosen], source=path.stem)
        frame = table_of(values[~chosen], source=path.stem).frame
        judged = Table.from_frame(frame, source=path.stem, like=train.reading)
        return cls(name=path.stem, train=train, judged=judged, labels=labels[~chosen])

    @classmethod
    def odd(cls, path: Path) -> Self:
        """A set in the layout of OddBench, which says itself which normal rows are to be trained on."""
        odd = Odd.load(path)
        train, judged = odd.frames()
        table = Table.from_frame(train, source=odd.name)
        return cls(
            name=odd.name,
            train=table,
            judged=Table.from_frame(judged, source=odd.name, like=table.reading),
            labels=odd.labels,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """The members of a fitted panel and what they said.

    Attributes:
        members: In the order of the columns.
        train: Raw scores of the training rows, shape (rows, members).
        raw: Raw scores of the rows to judge, shape (rows, members).
        surprises: The same in bits, as the engine calibrates them.
        others: Surprises of members fitted with other parameters, shape (rows,), by what was changed and in which.
        again: Raw scores of the training rows and of the rows to judge by another member on the same data.
        labels: Of the rows to judge.
        registry: Knows the combiners.
    """

    members: tuple[Member, ...]
    train: Floats
    raw: Floats
    surprises: Floats
    others: Mapping[tuple[str, str], Floats]
    again: Callable[[Member], tuple[Floats, Floats]]
    labels: Ints
    registry: Registry

    @classmethod
    def fit(
        cls,
        split: Split,
        options: RunOptions,
        registry: Registry,
        variants: Callable[[Sequence[Seat]], Mapping[tuple[str, str], str]] = lambda seats: {},
    ) -> Self:
        """Fit the panel of `options` on a set, and beside its members those with other parameters.

        `variants` takes the seats of the panel and gives, for each change and member, what a user would type.
        """
        plan = make_plan(split.train, options, registry)
        beside = [
            replace(_seat(registry, text, options), name=f"{member}: {change}")
            for (change, member), text in variants(plan.panel).items()
        ]
        model = fit_plan(replace(plan, panel=(*plan.panel, *beside))).model
        same = split.judged is split.train
        judged = plan.data if same else plan.encoder.encode(split.judged)

        def again(member: Member) -> tuple[Floats, Floats]:
            train = member.raw(plan.data, model.windower)
            return train, train if same else member.raw(judged, model.windower)

        names = {seat.name for seat in beside}
        members = tuple(member for member in model.members if member.name not in names)
        train, raw = (np.stack(part, axis=1) for part in zip(*map(again, members), strict=True))
        found = [member.calibrator.surprise(column) for member, column in zip(members, raw.T, strict=True)]
        others = {
            (member.name.partition(": ")[2], member.detector_name): member.surprise(judged, model.windower)
            for member in model.members
            if member.name in names
        }
        return cls(
            members=members,
            train=train,
            raw=raw,
            surprises=np.stack(found, axis=1),
            others=others,
            again=again,
            labels=split.labels,
            registry=registry,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the members."""
        return tuple(member.name for member in self.members)

    def alone(self, scores: Floats) -> Pair:
        """How well scores, shape (rows,), find the anomalies."""
        return measures(self.labels, scores)

    def consensus(
        self,
        surprises: Floats | None = None,
        *,
        without: Sequence[str] = (),
        combiner: str = COMBINER,
        votes: Floats | None = None,
    ) -> Pair:
        """How well the members find them together.

        Args:
            surprises: In place of those that the engine calibrated, shape (rows, members).
            without: The names of members that are left out.
            combiner: As a user types it.
            votes: In place of those that the kin of the members gives, shape (members that are left,).
        """
        kept = [i for i, name in enumerate(self.names) if name not in without]
        names = [self.names[i] for i in kept]
        if votes is None:
            votes = votes_of([self.members[i].kin for i in kept])
        found = (self.surprises if surprises is None else surprises)[:, kept]
        return self.alone(combiner_from_text(self.registry, combiner)(found, names, votes))

    def changed(self, columns: Mapping[str, Floats]) -> Pair:
        """The same with other surprises, shape (rows,), of the members of these names."""
        parts = [columns.get(name, self.surprises[:, i]) for i, name in enumerate(self.names)]
        return self.consensus(np.stack(parts, axis=1))

    def joined(self, name: str, column: Floats) -> Pair:
        """The same with another detector, which gives these surprises, shape (rows,)."""
        votes = votes_of([*(member.kin for member in self.members), self.registry.spec(name).kin])
        surprises = np.column_stack([self.surprises, column])
        return self.alone(combiner_from_text(self.registry, COMBINER)(surprises, (*self.names, name), votes))


def _seat(registry: Registry, text: str, options: RunOptions) -> Seat:
    (seat,) = seats(registry, panel=options.panel, chosen=[text], seed=options.seed, clean=options.clean)
    return seat
