"""One detector alone on tables of growing size: `python -m tests.benchmarks.scaling_alone DETECTOR FILE...`.

Prints a JSON list with the CPU seconds of fit and of score for each table, and the peak memory of both above the rows.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from anomalist.data.encode import Encoder
from anomalist.data.readers import read_table
from anomalist.engine.execution.executor import one_thread_each
from anomalist.plugins.registry import Registry
from tests.benchmarks.timing import Peak, timed


def main(detector: str, paths: list[str]) -> None:
    """Measure and print."""
    registry, found = Registry.load(), []
    name, given = registry.parse(detector)
    for path in paths:
        table = read_table(path)
        data = Encoder.fit(table).encode(table)
        made = registry.built(name, given).made
        made.fit(data.take(slice(200)))  # what is imported or compiled on first use is no cost of the rows
        made = registry.built(name, given).made
        with one_thread_each(), Peak() as peak:
            _, fit = timed(lambda made=made, data=data: made.fit(data))
            _, score = timed(lambda made=made, data=data: made.score(data))
        rows, columns = map(int, Path(path).stem.split("x"))
        found.append(
            {
                "detector": detector,
                "rows": rows,
                "columns": columns,
                "fit": fit.cpu,
                "score": score.cpu,
                "peak": peak.bytes,
            }
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
