"""The default panel beside ensembles of PyOD: SUOD over the same kinds of detectors, LSCP, and each detector alone.

    python -m tests.benchmarks.ensembles --data DIR [--reference FILE] [--only NAME]... [--seeds 1] [--json FILE]
                                         [--peers-from FILE] [--rows 10000] [--columns 20] [--repeat 3] [--check]

Accuracy: DIR holds sets in ADBench's layout, one .npz each, with `X` of shape (rows, columns), and `y`, 1 for an
anomaly. The panel is fitted on all rows without labels and scores them; a peer is fitted on at most --peer-rows, as
published comparisons do, and scores all. A peer that raises or takes longer than --peer-seconds has failed on that set
and is compared on the rest. Printed are ROC AUC and average precision, means over seeds and sets, and CPU seconds.
--reference names a table of published means (columns `table`, `method`, `n`, `mean` in per cent). --json writes every
figure after each set; --peers-from takes those of the peers from such files, where sets, rows, seeds and versions are
the same.

Time: panel and SUOD are fitted on the same generated rows, in turn, and score them, with one thread each. All is
counted: encoding or standardising, fitting, scoring, calibrating. `rnn` is for series; neither side has it.

Sets and turns are told on stderr as they are done. Each target is printed beside what was reached. With --check it
exits with 1 where one is missed.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import click
import numpy as np
from sklearn.preprocessing import StandardScaler

from anomalist.engine.fitting.request import RunOptions
from anomalist.plugins.registry import Registry
from tests.benchmarks.ensembles_peers import SUOD, at_most, fit_and_score, makers, quiet
from tests.benchmarks.ensembles_targets import CONSENSUS, Sets, Target, mean_of, of_accuracy, of_time, published
from tests.benchmarks.sets import cpu_seconds, data_option, digest, files, fit_rows, only_option
from tests.benchmarks.tabular import load, measures
from tests.benchmarks.timing import ratios

Figures = dict[str, list[tuple[float, float, float | None]]]
"""ROC AUC, average precision and CPU seconds by name, one for each seed; a member by itself has no CPU seconds."""


def ours(registry: Registry, path: Path, seeds: int) -> Figures:
    """Fit the default panel; the consensus first."""
    values, labels = load(path)
    found: Figures = {}
    for seed in range(seeds):
        started = cpu_seconds()
        fitted = fit_rows(registry, path.stem, values, RunOptions(seed=seed))
        found.setdefault(CONSENSUS, []).append((*measures(labels, fitted.scores.score), cpu_seconds() - started))
        for name, surprises in zip(fitted.scores.members, fitted.scores.surprises.T, strict=True):
            found.setdefault(name, []).append((*measures(labels, surprises), None))
    return found


def theirs(path: Path, seeds: int, rows: int, limit: float) -> tuple[Figures, dict[str, str]]:
    """Fit every peer; the figures, and for each peer that failed, why: it has none of this set."""
    values, labels = load(path)
    found: Figures = {}
    failed: dict[str, str] = {}
    for seed in range(seeds):
        for name, make in makers(seed).items():
            try:
                with at_most(limit):
                    scores, seconds = fit_and_score(make, values, fitted_rows=rows, seed=seed)
            except Exception as error:  # noqa: BLE001 - whatever a peer raises is its failure
                failed[name] = f"{type(error).__name__}: {error}"
                continue
            found.setdefault(name, []).append((*measures(labels, scores), seconds))
    return {name: figures for name, figures in found.items() if name not in failed}, failed


class Earlier:
    """Figures of the peers that were written by earlier runs of the same peers."""

    def __init__(self, paths: tuple[Path, ...], settings: dict[str, Any]) -> None:
        self._sets: dict[str, Any] = {}
        for path in paths:
            written = json.loads(path.read_text())
            if written["settings"] != settings:
                raise click.UsageError(f"{path} is of {written['settings']}, this run of {settings}")
            self._sets |= written["sets"]

    def figures(self, path: Path) -> tuple[Figures, dict[str, str]] | None:
        """Those of a set, and what failed; None where no earlier run had exactly this one."""
        known = self._sets.get(path.stem)
        if known is None or known["digest"] != digest(*load(path)):
            return None
        return known["peers"], known["failed"]


def contest(rows: int, columns: int, repeat: int) -> tuple[list[float], list[float]]:
    """CPU seconds of the panel and of SUOD on the same rows, in turn."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(rows, 6)) @ rng.normal(size=(6, columns)) + 0.3 * rng.normal(size=(rows, columns))
    values = mixed.astype(np.float32)
    registry = Registry.load()

    def panel(part: np.ndarray) -> float:
        started = cpu_seconds()
        fit_rows(registry, "generated", part, RunOptions())
        return cpu_seconds() - started

    def suod(part: np.ndarray) -> float:
        started = cpu_seconds()
        with quiet(0):
            scores = makers(0)[SUOD]().fit(StandardScaler().fit_transform(part)).decision_scores_
        assert len(scores) == len(part)
        return cpu_seconds() - started

    for warm in (panel, suod):  # what is imported on first use is not what is measured
        warm(values[:500])
    pairs = []
    for turn in range(repeat):
        order = (panel, suod) if turn % 2 == 0 else (suod, panel)
        spent = {one: one(values) for one in order}
        pairs.append((spent[panel], spent[suod]))
        told = f"  panel {spent[panel]:8.2f}   SUOD {spent[suod]:8.2f}   ratio {spent[panel] / spent[suod]:.3f}"
        click.echo(told, err=True)
    first, second = zip(*pairs, strict=True)
    return list(first), list(second)


def averages(figures: Figures) -> dict[str, tuple[float, float, float | None]]:
    """Means over seeds."""
    found = {}
    for name, rows in figures.items():
        auc, precision, seconds = np.mean(np.array(rows, dtype=np.float64), axis=0).tolist()
        found[name] = (auc, precision, None if np.isnan(seconds) else seconds)
    return found


def print_means(sets: Sets) -> None:
    """Means over sets, and the CPU seconds of all; the sets of a peer that failed on some are fewer."""
    print(f"\n{f'mean over {len(sets)} sets':24s} {'ROC AUC':>8s} {'avg prec':>9s} {'CPU s':>9s}")
    for name in dict.fromkeys(name for found in sets.values() for name in found):
        auc, precision = mean_of(sets, name)
        known = [found[name][2] for found in sets.values() if name in found]
        seconds = [value for value in known if value is not None]
        cost = f"{sum(seconds):9.1f}" if seconds else " " * 9
        fewer = f"   over {len(known)} sets" if len(known) < len(sets) else ""
        print(f"{name:24s} {auc:8.4f} {precision:9.4f} {cost}{fewer}")


@click.command()
@data_option(help="Sets for the accuracy; without it only time is measured.")
@click.option("--reference", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Published means, CSV.")
@only_option
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--peer-rows", type=click.IntRange(min=100), default=10_000, show_default=True)
@click.option(
    "--peer-seconds",
    type=click.FloatRange(min=10),
    default=600.0,
    show_default=True,
    help="CPU seconds after which a peer has failed on a set.",
)
@click.option(
    "--peers-from",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that --json wrote. Repeatable.",
)
@click.option("--rows", type=click.IntRange(min=500), default=10_000, show_default=True, help="For the time.")
@click.option("--columns", type=click.IntRange(min=2), default=20, show_default=True, help="For the time.")
@click.option("--repeat", type=click.IntRange(min=0), default=3, show_default=True, help="Turns; 0 measures no time.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
@click.option("--check", is_flag=True, help="Exit with 1 where a target is missed.")
def main(
    data: Path | None,
    reference: Path | None,
    only: tuple[str, ...],
    seeds: int,
    peer_rows: int,
    peer_seconds: float,
    peers_from: tuple[Path, ...],
    rows: int,
    columns: int,
    repeat: int,
    json_file: Path | None,
    check: bool,
) -> None:
    """Print the accuracy and the cost of the panel and its peers, and which targets are met."""
    if check and (data is None or reference is None or only or not repeat):
        raise click.UsageError("--check needs --data with all its sets, --reference and --repeat of at least 1")
    settings = {"seeds": seeds, "peer_rows": peer_rows} | {name: version(name) for name in ("pyod", "suod", "torch")}
    earlier = Earlier(peers_from, settings)
    written: dict[str, Any] = {"settings": settings, "sets": {}}
    targets: list[Target] = []

    def write() -> None:
        if json_file is not None:
            json_file.write_text(json.dumps(written, indent=1))

    if data is not None:
        paths = files(data, only)
        others = published(reference, len(paths)) if reference is not None else None
        registry = Registry.load()
        sets: dict[str, dict[str, tuple[float, float, float | None]]] = {}
        for path in paths:
            mine = ours(registry, path, seeds)
            peers, failed = earlier.figures(path) or theirs(path, seeds, peer_rows, peer_seconds)
            written["sets"][path.stem] = {"digest": digest(*load(path)), "ours": mine, "peers": peers, "failed": failed}
            write()
            sets[path.stem] = averages({**mine, **peers})
            line = "  ".join(
                f"{name} {auc:.3f}/{precision:.3f}" for name, (auc, precision, _) in sets[path.stem].items()
            )
            why = "".join(f"  {name} failed: {reason}" for name, reason in failed.items())
            click.echo(f"{path.stem}: {line}{why}", err=True)
        print_means(sets)
        targets += of_accuracy(sets, [name for name in mine if name != CONSENSUS], others)
    if repeat:
        panel, suod = contest(rows, columns, repeat)
        spread = ratios(panel, suod)
        ratio = spread.median
        print(f"\nCPU s of {rows:,} x {columns}, one thread each: ", end="")
        print(f"panel {np.median(panel):.2f}, SUOD {np.median(suod):.2f}, ratio {spread}")
        written["time"] = {"rows": rows, "columns": columns, "panel": panel, "suod": suod, "ratio": ratio}
        targets += of_time(ratio)
    print(f"\n{'target':62s} {'got':>7s}    wanted")
    for target in targets:
        print(target)
    written["targets"] = [{"what": one.what, "got": one.got, "bound": one.bound, "met": one.met} for one in targets]
    write()
    missed = sum(not one.met for one in targets)
    if check and missed:
        raise click.ClickException(f"{missed} of {len(targets)} targets missed")


if __name__ == "__main__":
    main()
