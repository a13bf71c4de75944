"""Every bridged detector of PyOD against every check of the conformance kit; what docs/pyod.md is written from.

    python -m tests.benchmarks.pyod_conformance [--write] [NAME]...

Without --write it exits with 1 where the outcome of a check differs from docs/pyod.json, or where a check fails that is
not declared in `anomalist_plugins.pyod.expected`. With --write it keeps what it found there, and beside it the CPU
seconds that each takes to be fitted on, and to score, 1,000 rows of 10 columns, or 1,000 windows of 32 steps and 2
columns. Networks that take long are checked and timed smaller, or with fewer passes, than their default, which the page
marks.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np

from anomalist.data.dataset import Dataset
from anomalist.engine.execution.executor import one_thread_each
from anomalist.plugins.registry import Registry
from anomalist.testing.kit import run_checks

PAGE = Path(__file__).parents[2] / "docs" / "pyod.json"
FEWER: dict[str, dict[str, Any]] = {
    "AE1SVM": {"epochs": 15},
    "AnoGAN": {"epochs": 20, "epochs_query": 2},
    "AnomalyTransformer": {"d_model": 32, "n_layers": 1, "epochs": 3},
    "DIF": {"n_ensemble": 15},
    "DeepSVDD": {"epochs": 20},
    "LSTMAD": {"epochs": 10},
    "LUNAR": {"n_epochs": 60},
    "VAE": {"epoch_num": 10},
}
"""Parameters that make the check of a network fast."""

ROWS, COLUMNS = 1000, 10
STEPS, CHANNELS = 32, 2  # of a window


def checked(name: str) -> dict[str, Any]:
    """What came of the checks: how many passed, and what others gave."""
    results = run_checks(f"pyod:{name}", params=FEWER.get(name))
    return {
        "passed": sum(result.outcome == "passed" for result in results),
        "not applicable": [result.id for result in results if result.outcome == "not applicable"],
        "expected": {result.id: result.message for result in results if result.outcome == "expected"},
        "failed": {result.id: result.message for result in results if not result.ok},
        "with": FEWER.get(name, {}),
    }


def timed(registry: Registry, name: str) -> dict[str, float]:
    """CPU seconds of a second fit and score: the first one reads the library."""
    rng = np.random.default_rng(0)
    if registry.spec(f"pyod:{name}").eats == "windows":
        steps = np.arange(STEPS) + rng.uniform(0, STEPS, size=(ROWS, 1))
        waves = np.stack([np.sin(steps * (channel + 1) / 5) for channel in range(CHANNELS)], axis=2)
        data = Dataset.from_array(waves + 0.1 * rng.normal(size=waves.shape))
    else:
        data = Dataset.from_array(rng.normal(size=(ROWS, COLUMNS)) @ rng.normal(size=(COLUMNS, COLUMNS)))
    params: dict[str, Any] = (
        {"device": "cpu"} if "device" in {each.name for each in registry.parameters(f"pyod:{name}")} else {}
    )
    params |= FEWER.get(name, {})
    with one_thread_each():
        registry.build(f"pyod:{name}", params).fit(data.take(slice(50))).score(data.take(slice(2)))
        detector = registry.build(f"pyod:{name}", params)
        started = time.process_time()
        detector.fit(data)
        fitted = time.process_time()
        detector.score(data)
        ended = time.process_time()
    return {"fit": round(fitted - started, 2), "score": round(ended - fitted, 2)}


@click.command()
@click.option("--write", is_flag=True, help="Keep what is found.")
@click.argument("names", nargs=-1)
def main(write: bool, names: tuple[str, ...]) -> None:
    """Check the detectors called NAME, or all."""
    registry = Registry.load()
    bridged = [spec.name.removeprefix("pyod:") for spec in registry.specs() if spec.name.startswith("pyod:")]
    wrong = []
    for name in names or bridged:
        found = checked(name)
        seconds = timed(registry, name) if write else {}
        # read anew each time: several may be running, each for other detectors
        kept = json.loads(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {"detectors": {}}
        before = kept["detectors"].get(name, {})
        if found["failed"] or (not write and found != {key: before.get(key) for key in found}):
            wrong.append(name)
        if write:
            kept["detectors"][name] = {**found, "seconds": seconds}
            kept["pyod"] = version("pyod")
            kept["detectors"] = {each: kept["detectors"][each] for each in bridged if each in kept["detectors"]}
            PAGE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        told = f"{name}: {found['passed']} passed, {len(found['expected'])} declared"
        print(told, *found["failed"].values(), sep="\n  ", flush=True)
    if wrong:
        print("not as kept, or failed:", ", ".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
