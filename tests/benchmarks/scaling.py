"""How the time and memory of a run grow with rows and columns, as a table and as a picture.

    python -m tests.benchmarks.scaling [--part rows]... [--rows N]... [--columns N]... [--json FILE] [--draw FILE]

Random tables are written to files. `anomalist run` works on each of them in a process of its own, all included: start,
reading, fitting, scoring, explaining, storing; one thread. The parts are

- rows: the panels by the number of rows, at 20 columns,
- columns: the panels by the number of columns, at 10,000 rows,
- members: the detectors of the panels alone, fit and score, by both,
- ways: the fast panel on the largest table as CSV, and a stored model that scores it; and what one pass of
  scikit-learn's isolation forest over it takes, the yardstick.

It prints CPU seconds, peak memory, and how they grow from the last size but one to the last: as rows to the power of
so much. It exits with 1 where the fast panel takes more memory than three times the data as float32 plus 1 GiB, grows
by a higher power than --at-most-power, or takes the CPU time of more than --at-most-passes passes of isolation forest.
`--read FILE --draw FILE` draws the figures of an earlier --json without measuring. All of it takes about ten minutes.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from anomalist.plugins.registry import Registry
from tests.benchmarks.scaling_cases import alone, forest_pass, machine, program, run, table
from tests.benchmarks.scaling_report import failures, report

PARTS = ("rows", "columns", "members", "ways")
ROWS = (1_000, 10_000, 100_000, 1_000_000)
COLUMNS = (8, 20, 100, 500)
USUAL_ROWS, USUAL_COLUMNS = 10_000, 20


def measure(folder: Path, parts: tuple[str, ...], panels: list[str], rows: list[int], columns: list[int]) -> Any:
    """All figures of the parts, plain values."""
    tall = [table(folder, number, USUAL_COLUMNS) for number in rows]
    wide = [table(folder, USUAL_ROWS, number) for number in columns]
    run(folder, panels[0], table(folder, 100, USUAL_COLUMNS))  # makes the store, and compiles what is imported
    found: dict[str, Any] = {"machine": machine()}
    for part, paths in (("rows", tall), ("columns", wide)):
        if part in parts:
            found[part] = [asdict(_told(run(folder, panel, path))) for panel in panels for path in paths]
    if "members" in parts:
        specs = {spec.name: spec for panel in panels for spec in Registry.load().panel(panel)}
        names = sorted(name for name, spec in specs.items() if spec.eats == "rows")
        found["members"] = {
            part: [asdict(_told(figures)) for name in names for figures in alone(name, paths)]
            for part, paths in (("rows", tall), ("columns", wide))
        }
    if "ways" in parts:
        path, panel = tall[-1], panels[0]
        model = run(folder, panel, path, what=f"run --panel {panel}, Parquet")
        score = program(folder, "score with its model", path, "score", "--model", f"{panel}-{path.stem}")
        comma = run(folder, panel, table(folder, rows[-1], USUAL_COLUMNS, "csv"), what=f"run --panel {panel}, CSV")
        found["ways"] = [asdict(_told(case)) for case in (model, comma, score)]
        found["forest"] = forest_pass(path)
    return found


def _told(figures: Any) -> Any:
    """The same, said to whoever waits."""
    click.echo(f"{figures}", err=True)
    return figures


@click.command()
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, default=PARTS, help="Repeatable.")
@click.option("--panel", "panels", multiple=True, default=("fast", "default"), show_default=True, help="Repeatable.")
@click.option("--rows", type=click.IntRange(min=100), multiple=True, default=ROWS, show_default=True)
@click.option("--columns", type=click.IntRange(min=1), multiple=True, default=COLUMNS, show_default=True)
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write every figure.")
@click.option("--read", "earlier", type=click.Path(exists=True, path_type=Path), help="Figures measured before.")
@click.option("--draw", type=click.Path(dir_okay=False, path_type=Path), help="Draw the picture, .svg or .png.")
@click.option("--at-most-power", type=float, default=1.1, show_default=True)
@click.option("--at-most-passes", type=float, default=6.0, show_default=True)
def main(
    parts: tuple[str, ...],
    panels: tuple[str, ...],
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    out: Path | None,
    earlier: Path | None,
    draw: Path | None,
    at_most_power: float,
    at_most_passes: float,
) -> None:
    """Measure how time and memory grow with rows and columns."""
    if earlier is not None:
        found = json.loads(earlier.read_text(encoding="utf-8"))
    else:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), parts, list(panels), sorted(set(rows)), sorted(set(columns)))
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(report(found))
    if draw is not None:
        from tests.benchmarks.scaling_picture import picture  # matplotlib is asked for only here

        picture(found, draw)
    missed = failures(found, power=at_most_power, passes=at_most_passes)
    if missed:
        raise click.ClickException("; ".join(missed))


if __name__ == "__main__":
    main()
