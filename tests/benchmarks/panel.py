"""What the default panel costs, beside the same kinds of detectors fitted and scored one by one through PyOD.

    python -m tests.benchmarks.panel [--rows 100000] [--columns 20] [--no-peers] [--at-most 0.5]

It writes a table of random numbers to a Parquet file and runs `anomalist run` on it in a process of its own, all
included: start, reading, fitting, scoring, explaining, storing. The peers (AutoEncoder, VAE, SO_GAAL, IForest and
OCSVM, with PyOD's defaults) fit and score the same rows, each in a process of its own; OCSVM is fitted on --ocsvm-rows.
Every process has one thread. It prints CPU seconds and peak memory, and exits with 1 where the ratio is above --at-most
or the memory above four times the data as float32 plus 1 GiB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import polars as pl

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
GIB = 2**30

PEER = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy as np, polars as pl, torch
torch.set_num_threads(1)
from importlib import import_module
module, name, fitted = sys.argv[2], sys.argv[3], int(sys.argv[4])
values = pl.read_parquet(sys.argv[1]).to_numpy()
quiet = {"verbose": 0} if name in ("AutoEncoder", "VAE") else {}
detector = getattr(import_module(f"pyod.models.{module}"), name)(**quiet)
detector.fit(values[:fitted])
scores = detector.decision_scores_ if fitted == len(values) else detector.decision_function(values)
assert np.isfinite(scores).all() and len(scores) == len(values)
"""

PEERS = {"auto_encoder": "AutoEncoder", "vae": "VAE", "so_gaal": "SO_GAAL", "iforest": "IForest", "ocsvm": "OCSVM"}


def measured(command: list[str], folder: Path) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak resident bytes of a process."""
    started = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **ONE_THREAD, "ANOMALIST_DATA_HOME": str(folder)}
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(f"{' '.join(command[:4])} failed: {(folder / 'log').read_text()[-800:]}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss * 1024.0


@click.command()
@click.option("--rows", type=click.IntRange(min=1_000), default=100_000, show_default=True)
@click.option("--columns", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--ocsvm-rows", type=click.IntRange(min=100), default=10_000, show_default=True)
@click.option(
    "--repeat", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of the panel; the median counts."
)
@click.option("--peers/--no-peers", default=True)
@click.option("--panel", default="default", show_default=True)
@click.option("--at-most", type=float, default=0.5, show_default=True, help="Ratio of CPU time allowed.")
def main(rows: int, columns: int, ocsvm_rows: int, repeat: int, peers: bool, panel: str, at_most: float) -> None:
    """Print CPU seconds and peak memory."""
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        mixed = rng.normal(size=(rows, 6)) @ rng.normal(size=(6, columns)) + 0.3 * rng.normal(size=(rows, columns))
        data = folder / "rows.parquet"
        pl.DataFrame({f"x{i}": mixed[:, i].astype(np.float32) for i in range(columns)}).write_parquet(data)
        command = [sys.executable, "-m", "anomalist", "-q", "run", str(data), "--threads", "1", "--panel", panel]
        runs = [measured(command, folder) for _ in range(repeat)]
        ours, wall, memory = (float(np.median([run[i] for run in runs])) for i in range(3))
        allowed = 4 * 4 * rows * columns + GIB
        print(f"{rows:,} x {columns}, one thread each")
        print(f"{'':24s}{'CPU s':>9s}{'wall s':>9s}{'peak MiB':>10s}")
        print(
            f"{'anomalist run':24s}{ours:9.1f}{wall:9.1f}{memory / 2**20:10.0f}   (allowed {allowed / 2**20:.0f} MiB)",
            flush=True,
        )
        if memory > allowed:
            failures.append("memory")
        total = 0.0
        for module, peer in PEERS.items() if peers else ():
            fitted = min(rows, ocsvm_rows) if peer == "OCSVM" else rows
            cpu, wall, peak = measured([sys.executable, "-c", PEER, str(data), module, peer, str(fitted)], folder)
            total += cpu
            print(f"{'PyOD ' + peer:24s}{cpu:9.1f}{wall:9.1f}{peak / 2**20:10.0f}", flush=True)
        if peers:
            ratio = ours / total
            print(f"{'PyOD together':24s}{total:9.1f}\nratio {ratio:.3f}, wanted at most {at_most}")
            if ratio > at_most:
                failures.append("CPU time")
    if failures:
        raise click.ClickException(f"too much {' and '.join(failures)}")


if __name__ == "__main__":
    main()
