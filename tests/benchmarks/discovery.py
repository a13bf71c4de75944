"""What installed plugins cost a command that does not use them, in CPU milliseconds of its process.

Distributions with one light plugin each, as pip would lay them out, are put beside what is installed here. Each command
runs with and without them in turn; the medians are compared. `python -m tests.benchmarks.discovery --at-most 30` ends
with exit code 1 where `anomalist --help` costs that much more.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers import environment, install_plugin

COMMANDS = (("--help",), ("plugins", "list"), ("detectors",))
PLUGIN = '''
"""A detector."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl

__all__ = ["anomalist_detectors"]


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector."""
    return [
        DetectorSpec(
            name="NAME",
            summary="Rows far from the others.",
            factory="anomalist_example.detector:Example",
            family="statistical",
            handles=frozenset({Trait.TABULAR, Trait.EXPLAINS}),
            panels=frozenset({"full"}),
        )
    ]
'''
LONG = "\nWhat it does, how to install it, and an example of its use, in some lines of prose.\n" * 40


def lay(site: Path, plugins: int) -> None:
    """Lay so many plugin packages into a folder, each with the metadata that a published package has."""
    for number in range(plugins):
        name = f"anomalist-example-{number}"
        install_plugin(site, name, PLUGIN.replace("NAME", f"example_{number}"), entry=f"example_{number}")
        lines = [
            "Author: Somebody",
            "License: MIT",
            "Requires-Python: >=3.11",
            "Description-Content-Type: text/markdown",
        ]
        lines += [f"Classifier: Topic :: Example :: {i}" for i in range(8)]
        lines += [
            "Requires-Dist: anomalist>=0.1,<99",
            "Requires-Dist: numpy>=1.26",
            'Requires-Dist: pytest; extra == "test"',
        ]
        with (site / f"{name.replace('-', '_')}-1.0.dist-info" / "METADATA").open("a", encoding="utf-8") as metadata:
            metadata.write("\n".join(lines) + "\n" + LONG)


def cost(command: tuple[str, ...], site: Path) -> float:
    """CPU milliseconds of one call of the program that finds what is in a folder, too."""
    environ = environment(PYTHONPATH=str(site), OMP_NUM_THREADS="1", ANOMALIST_DATA_HOME=str(site / "home"))
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled once
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "anomalist", *command], capture_output=True, check=True, env=environ, cwd=site
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def measure(plugins: int, repetitions: int) -> dict[tuple[str, ...], tuple[float, float]]:
    """For each command the median cost without and with so many plugins."""
    with tempfile.TemporaryDirectory() as folder:
        none, many = Path(folder, "none"), Path(folder, "many")
        none.mkdir()
        many.mkdir()
        lay(many, plugins)
        found = {}
        for command in COMMANDS:
            sites = (none, many)
            costs = [[cost(command, site) for site in sites] for _ in range(repetitions + 1)][
                1:
            ]  # the first one compiles
            without, with_plugins = zip(*costs, strict=True)
            found[command] = statistics.median(without), statistics.median(with_plugins)
        return found


def main(args: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugins", type=int, default=30)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--at-most", type=float, metavar="MS", help="more for --help is a failure")
    options = parser.parse_args(args)
    found = measure(options.plugins, options.repetitions)
    print(f"CPU ms, median of {options.repetitions}{'without':>14}{'with ' + str(options.plugins):>12}{'more':>10}")
    for command, (without, with_plugins) in found.items():
        print(f"anomalist {' '.join(command):<22}{without:10.1f}{with_plugins:12.1f}{with_plugins - without:10.1f}")
    without, with_plugins = found["--help",]
    return int(options.at_most is not None and with_plugins - without > options.at_most)


if __name__ == "__main__":
    sys.exit(main())
