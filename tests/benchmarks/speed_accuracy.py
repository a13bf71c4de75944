"""How well both sides of each pair find anomalies in labelled tables, as means over the tables."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from anomalist.engine.fitting.request import RunOptions
from anomalist.plugins.registry import Registry
from tests.benchmarks.sets import files
from tests.benchmarks.speed_pairs import Pair, sides
from tests.benchmarks.speed_sides import Setup, Side, start_globals
from tests.benchmarks.tabular import fit_peers, load, ours
from tests.benchmarks.timing import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

Measures = dict[str, tuple[float, float]]


def measure_sets(
    folder: Path, pairs: Sequence[Pair], *, seeds: int, threads: int, device: str
) -> Iterator[tuple[str, Measures]]:
    """ROC AUC and average precision of each side on each set, means over seeds; the name of the set with them.

    Ours run through the engine on the rows as they are, one member each, with their defaults; settings that a pair
    makes equal to a peer's are left out. Peers are fitted to standardised rows, at most 10,000 of them.

    Raises:
        click.ClickException: There is no set in the folder.
    """
    known = [side for side in sides(pairs) if side.on_sets]
    names = tuple(side.name for side in known if side.ours)
    registry = Registry.load()
    for path in files(folder, ()):
        values, labels = load(path)
        found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for seed in range(seeds):
            setup = Setup(seed=seed, columns=values.shape[1], threads=threads, device=device)
            options = RunOptions(detectors=names, seed=seed, device=device)
            with quiet():
                mine = ours(registry, path.stem, values, labels, seed, options)[0]
                theirs = fit_peers(_makers(known, setup), values, labels, seed)[0]
            for name, measured in {**{name: mine[name] for name in names}, **theirs}.items():
                found[name].append(measured)
        yield path.stem, {name: _mean(measured) for name, measured in found.items()}


def means(sets: dict[str, Measures]) -> Measures:
    """Means over the sets, by side."""
    names = list(next(iter(sets.values())))
    return {name: _mean([found[name] for found in sets.values()]) for name in names}


def _makers(known: Sequence[Side], setup: Setup) -> dict[str, Callable[[], Any]]:
    """What makes each peer, its global generators started."""

    def maker(side: Side) -> Callable[[], Any]:
        def make() -> Any:
            start_globals(setup.seed)
            return side.make(setup)

        return make

    return {side.name: maker(side) for side in known if not side.ours}


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    auc, precision = np.mean(pairs, axis=0)
    return float(auc), float(precision)
