"""Warm start: where an earlier model has a detector that a new fit can go on from.

What a network knows of a column it knows in encoded units: robust deviations from the median of the rows that the
encoder was fitted on. So a fit that starts warm encodes by `continued_encoder`: where a column is much as it was, its
old units stay, and sampling noise does not shift what was learned; where it drifted, its units are new ones and "two
deviations above the usual" goes on meaning that.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from anomalist.data.statistics import STATISTICS
from anomalist.detector import Detector, Resumable, Transferable
from anomalist.ensemble.member import reference_of
from anomalist.errors import AnomalistError, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.encode import Encoder
    from anomalist.data.table import Table
    from anomalist.engine.fitting.panel import Seat
    from anomalist.ensemble.member import Member
    from anomalist.ensemble.model import Model

__all__ = ["Continuing", "WarmStart", "continued_encoder", "warm_started"]

_BY_THE_RUN = frozenset({"seed", "device"})  # given to every detector alike; what was learned fits under any
_ENOUGH = 0.5  # of the columns must be known: where a third was, fits from nothing found more
_DRIFTED = 0.5  # of a deviation: from 30 rows a median is known to a quarter of one


class Continuing(Detector, Resumable, Protocol):
    """A fitted detector that can go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """Where the fit of a seat starts from.

    Attributes:
        detector: Call its `update` with the training rows as the seat sees them; None where the seat is fitted anew.
        note: Which of the two and why, one line for the notes of the run.
    """

    detector: Continuing | None
    note: str


class _AnewError(Exception):
    """Why a seat must be fitted anew."""


def warm_started(model: Model, reference: str, seat: Seat, encoder: Encoder) -> WarmStart:
    """Take over what the member of the same name in an earlier model has learned, if the seat can go on from it.

    It can where the detector is `Resumable`, sees the same view of the rows and has the same parameters, seed and
    device apart. Where the encoded columns are the same it is a copy; where at least half are, found by source column
    and name, they are carried over by detectors that are `Transferable`. The earlier model is never changed.

    Args:
        model: The earlier model.
        reference: What to call it, such as `payments:3`.
        seat: Of the new panel, already arranged; with a detector.
        encoder: Of the new rows.
    """
    try:
        detector, shared = _continued(model, reference, seat, encoder)
    except _AnewError as reason:
        return WarmStart(detector=None, note=f"fitted anew, {reason}")
    width, gone = len(encoder.columns), len(model.encoder.columns) - shared
    columns = f"all {width} columns" if shared == width else f"{shared} of {width} columns"
    note = f"continues from {reference} ({columns} known{f', {gone} gone' if gone else ''})"
    return WarmStart(detector=detector, note=note)


def continued_encoder(old: Encoder, new: Encoder, table: Table) -> Encoder:
    """An encoder of new rows in which a column that is much as it was keeps the units that it had.

    That is a column of the same encoded columns whose rows lie, on average, within half a deviation of where the old
    encoding puts them. All others are encoded as `new` does.

    Args:
        old: Of the earlier model.
        new: Fitted on `table`.
        table: The new rows.
    """
    before = {coder.name: coder for coder in old.coders}
    coders = []
    for coder in new.coders:
        known = before.get(coder.name)
        if known is not None and known.kind == coder.kind and known.columns == coder.columns:
            series, found = new.column(table, coder.name), np.empty((2, len(table), len(coder.columns)))
            for one, out in zip((known, coder), found, strict=True):
                one.write(series, out)
            coder = known if np.abs(found[0] - found[1]).mean(axis=0).max() < _DRIFTED else coder
        coders.append(coder)
    return replace(new, coders=tuple(coders))


def _continued(model: Model, reference: str, seat: Seat, encoder: Encoder) -> tuple[Continuing, int]:
    """The detector to go on with, and how many encoded columns it knows.

    Raises:
        _AnewError: There is none.
    """
    member = next((member for member in model.members if member.name == seat.name), None)
    same = (seat.detector_name, reference_of(seat.detector_name, seat.package))  # an earlier version saved no package
    if member is None or member.reference not in same:
        raise _AnewError(f"{reference} has no such member")
    if not isinstance(seat.detector, Resumable):
        raise _AnewError("it cannot continue")
    _check_same(member, seat, reference)
    before, after = ([*zip(e.origins, e.columns, strict=True)] for e in (model.encoder, encoder))
    places = {column: place for place, column in enumerate(before)}
    sources = [places.get(column) for column in after]
    shared = sum(source is not None for source in sources)
    if shared < _ENOUGH * len(after):
        raise _AnewError(f"{reference} knows {shared} of its {len(after)} columns, which is too little to go on from")
    if before != after and not isinstance(seat.detector, Transferable):
        raise _AnewError(f"it cannot continue on columns other than those of {reference}")
    try:
        detector = copy.deepcopy(seat.detector).restore(copy.deepcopy(dict(member.detector.state())))
        if before != after and isinstance(detector, Transferable):
            detector.transfer(_in_view(sources, seat))
    except AnomalistError as error:
        raise _AnewError(f"it cannot take over from {reference}: {one_line(error)}") from error
    return detector, shared


def _check_same(member: Member, seat: Seat, reference: str) -> None:
    if member.view != seat.view:
        raise _AnewError(f"it saw {member.view} in {reference} and sees {seat.view} now")
    for name in sorted({*member.params, *seat.params} - _BY_THE_RUN):
        old, new = (_plain(params.get(name)) for params in (member.params, seat.params))
        if old != new:
            raise _AnewError(f"{reference} has it with {name}={old} and not {new}")


def _plain(value: object) -> object:
    """A parameter as it is read from a model file."""
    return [*value] if isinstance(value, tuple) else value


def _in_view(sources: Sequence[int | None], seat: Seat) -> list[int | None]:
    """The same for what the seat sees: each statistic of a column continues that statistic."""
    if seat.view != "statistics":
        return list(sources)
    count = len(STATISTICS)
    return [None if source is None else source * count + i for source in sources for i in range(count)]
