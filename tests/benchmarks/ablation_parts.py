"""What is taken away from a panel or put in the place of something, and how well it does then."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from anomalist.ensemble.calibrate import Calibrator
from anomalist.ensemble.combine import BUILT_IN
from anomalist.ensemble.member import Member
from tests.benchmarks.ablation_panels import COMBINER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anomalist.detector import Floats
    from anomalist.engine.fitting.panel import Seat
    from anomalist.plugins.registry import Registry
    from tests.benchmarks.ablation_panels import Pair, Panel

__all__ = [
    "ADDED",
    "AS_IT_IS",
    "CLEAN",
    "EVERY",
    "HINDSIGHT",
    "TRIM",
    "Figures",
    "candidates",
    "choices",
    "clean",
    "members",
    "variants",
]

Figures: TypeAlias = "dict[str, dict[str, dict[str, Pair]]]"
"""By table, line and column: `member` is a member alone, `panel` all of them together; `was` tells what either was
before something was changed."""

AS_IT_IS = "the panel as it is"
HINDSIGHT = "the best member of each set, in hindsight"
ADDED = "added"
EVERY = "all"
TRIM = "trim=0"
CLEAN = "the panel, told that rows are normal"
_SIZES = (1, 2, 8)
_BODIES = (1.0, 0.75, 0.5, 0.25)
# Of the detectors that without trimming would look in more detail, what keeps them as they are with it.
_HELD = {"knn": ",neighbours=20,rows=2600", "gmm": ",clouds=3"}


def members(panel: Panel, title: str) -> Figures:
    """Each member alone, and the panel without each, without each kin, as it is, and with each candidate."""
    whole = panel.consensus()
    alone = {name: panel.alone(column) for name, column in zip(panel.names, panel.surprises.T, strict=True)}
    best = (max(auc for auc, _ in alone.values()), max(precision for _, precision in alone.values()))
    table: dict[str, dict[str, Pair]] = {AS_IT_IS: {"panel": whole}, HINDSIGHT: {"member": best}}
    for line, columns in _without(panel, whole).items():
        table[line] = columns | ({"member": alone[line]} if line in alone else {})
    for (change, name), column in panel.others.items():
        if change == ADDED:
            table[f"{name}, {ADDED}"] = {"member": panel.alone(column), **_panel(whole, panel.joined(name, column))}
    return {title: table}


def candidates(registry: Registry, seats: Sequence[Seat]) -> dict[tuple[str, str], str]:
    """The detectors that the largest panel has and these seats have not, as `variants` gives what is changed."""
    seated = {seat.detector_name for seat in seats}
    return {(ADDED, spec.name): spec.name for spec in registry.panel("full") if spec.name not in seated}


def variants(seats: Sequence[Seat]) -> dict[tuple[str, str], str]:
    """By what is changed and in which member, what a user would type: no trimming, no noise, other seed ensembles."""
    found: dict[tuple[str, str], str] = {}
    for seat in seats:
        if seat.obstacle is not None or seat.view == "windows":
            continue
        changes = {TRIM: _HELD.get(seat.name, "")} if seat.params.get("trim") else {}
        if seat.params.get("noise"):
            changes["noise=0"] = ""
        if "members" in seat.params:
            changes |= {f"members={size}": "" for size in _SIZES if size != seat.params["members"]}
        found |= {(change, seat.name): f"{seat.name}:{change}{held}" for change, held in changes.items()}
    order = [TRIM, "noise=0", *(f"members={size}" for size in _SIZES)]
    return dict(sorted(found.items(), key=lambda item: order.index(item[0][0])))


def choices(panel: Panel) -> Figures:
    """Each design choice undone, of members, of their votes, of the calibration and of the combiner."""
    whole = panel.consensus()
    combined = {AS_IT_IS: {"panel": whole}}
    combined["one vote for each member"] = _panel(whole, panel.consensus(votes=np.ones(len(panel.members))))
    for name in BUILT_IN:
        if name not in (COMBINER, "weighted"):  # with weights of 1 that is the mean
            combined[f"combiner {name}"] = _panel(whole, panel.consensus(combiner=name))
    return {
        "What members do": _of_members(panel, whole),
        "How scores are put on one scale": {AS_IT_IS: {"panel": whole}, **_calibrations(panel, whole)},
        "How they are combined": combined,
    }


def clean(told: Panel, untold: Panel, title: str) -> Figures:
    """A panel that was told that its training rows are normal, beside one that was not; other calibrations of it."""
    before, whole = untold.consensus(), told.consensus()
    known = dict(zip(untold.names, untold.surprises.T, strict=True))
    table: dict[str, dict[str, Pair]] = {AS_IT_IS: {"panel": before}, CLEAN: _panel(before, whole)}
    table |= _without(told, whole)
    for name, column in zip(told.names, told.surprises.T, strict=True):
        table[name]["member"] = told.alone(column)
        if name in known:
            table[name]["member was"] = untold.alone(known[name])
    scales = {CLEAN: {"panel": whole}, **_calibrations(told, whole)}
    return {f"{title}: members": table, f"{title}: how scores are put on one scale": scales}


def _without(panel: Panel, whole: Pair) -> dict[str, dict[str, Pair]]:
    """The panel without each member, and without all that err alike."""
    kins = Counter(member.kin for member in panel.members if member.kin)
    shared = [kin for kin, count in kins.items() if 1 < count < len(panel.members)]
    related = [[member.name for member in panel.members if member.kin == kin] for kin in shared]
    left_out = [*([name] for name in panel.names), *related]
    return {", ".join(names): _panel(whole, panel.consensus(without=names)) for names in left_out}


def _panel(was: Pair, now: Pair) -> dict[str, Pair]:
    return {"panel was": was, "panel": now}


def _of_members(panel: Panel, whole: Pair) -> dict[str, dict[str, Pair]]:
    """For each change, the members in which it was made one by one, and then all of them at once."""
    position = {name: i for i, name in enumerate(panel.names)}
    changes: dict[str, dict[str, Floats]] = {}
    for (change, name), column in panel.others.items():
        if change != ADDED:
            changes.setdefault(change, {})[name] = column
    changes["one typical error for all columns"] = _undivided(panel)
    table: dict[str, dict[str, Pair]] = {AS_IT_IS: {"panel": whole}}
    for change, columns in changes.items():
        for name, column in columns.items():
            own = {"member was": panel.alone(panel.surprises[:, position[name]]), "member": panel.alone(column)}
            table[f"{change}: {name}"] = {**own, **_panel(whole, panel.changed({name: column}))}
        if len(columns) > 1:
            table[f"{change}: {EVERY}"] = _panel(whole, panel.changed(columns))
    return table


def _undivided(panel: Panel) -> dict[str, Floats]:
    """Surprises of the networks that divide the error of each column by its typical one, with one for all columns.

    It is the mean over the columns, so that what else is in a score keeps its weight beside the errors.
    """
    found = {}
    for member in panel.members:
        state = member.state()
        typical = {key: value for key, value in state["state"].items() if key.endswith(":typical")}
        if not typical:
            continue
        for key, value in typical.items():
            typical[key] = np.broadcast_to(value.mean(axis=2, keepdims=True), value.shape).copy()
        other = Member.from_state({**state, "state": {**state["state"], **typical}}, panel.registry.build)
        train, raw = panel.again(other)
        found[member.name] = Calibrator.fit(train, body=_BODIES[-1]).surprise(raw)
    return found


def _calibrations(panel: Panel, whole: Pair) -> dict[str, dict[str, Pair]]:
    """The consensus over scores on other scales: a member alone ranks the rows the same on all of them."""
    scales: dict[str, Callable[[Floats, Floats], Floats]] = {
        f"bits, by ranks up to {body:.0%} of the rows" if body < 1 else "bits, by ranks alone": _bits(body)
        for body in _BODIES
    }
    scales |= {"z-scores": _z_scores, "ranks": _ranks}
    return {
        name: _panel(whole, panel.consensus(np.stack(list(map(scale, panel.train.T, panel.raw.T)), axis=1)))
        for name, scale in scales.items()
    }


def _bits(body: float) -> Callable[[Floats, Floats], Floats]:
    return lambda train, raw: Calibrator.fit(train, body=body).surprise(raw)


def _z_scores(train: Floats, raw: Floats) -> Floats:
    return np.asarray((raw - train.mean()) / max(float(train.std()), np.finfo(np.float64).tiny))


def _ranks(train: Floats, raw: Floats) -> Floats:
    """The share of the training rows that score lower, ties by half."""
    ordered = np.sort(train)
    places = np.searchsorted(ordered, raw, side="left") + np.searchsorted(ordered, raw, side="right")
    return np.asarray(places / (2.0 * len(train)))
