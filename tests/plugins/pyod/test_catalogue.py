"""The catalogue of PyOD's detectors against the PyOD that is installed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

from anomalist.detector import Trait
from anomalist_plugins.pyod import anomalist_detectors
from anomalist_plugins.pyod.catalogue import ENTRIES
from anomalist_plugins.pyod.expected import EXPECTED
from anomalist_plugins.pyod.left_out import LEFT_OUT

BASES = ("BaseDetector", "BaseDeepLearningDetector")


def installed() -> set[tuple[str, str]]:
    """Module and class of each detector of the installed PyOD, read from its files."""
    spec = importlib.util.find_spec("pyod")
    folder = Path(spec.submodule_search_locations[0])
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & set(BASES):
                found.add((path.stem, node.name))
    return {(module, name) for module, name in found if name not in BASES}


def test_every_detector_of_pyod_is_offered_or_left_out_with_a_reason() -> None:
    offered = {(entry.module, entry.name) for entry in ENTRIES.values()}
    left_out = {tuple(reversed(name.rstrip(")").split(" ("))) for name in LEFT_OUT}
    assert not offered & left_out
    assert offered | left_out == installed()
    assert all(reason and reason[0].islower() and not reason.endswith(".") for reason in LEFT_OUT.values())


def test_descriptions_are_made_without_pyod_numpy_or_torch() -> None:
    code = """
import sys
from anomalist_plugins.pyod import anomalist_detectors
assert len(anomalist_detectors()) > 30
print(sorted({"pyod", "numpy", "torch", "sklearn", "numba", "scipy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_needs_pyod_says_so() -> None:
    specs = {spec.name: spec for spec in anomalist_detectors()}
    assert specs["pyod:KNN"].requires == ("pyod",)
    assert specs["pyod:KNN"].extra == "anomalist[pyod]"
    assert specs["pyod:ECOD"].requires == ()
    assert (specs["pyod:KShape"].eats, specs["pyod:KShape"].handles) == ("windows", {Trait.SERIES})
    assert (specs["pyod:KNN"].eats, specs["pyod:KNN"].handles) == ("rows", {Trait.TABULAR})
    assert not any(spec.pickles for spec in specs.values())
    assert not any(spec.panels for spec in specs.values())


def test_failures_are_declared_of_what_is_offered() -> None:
    assert set(EXPECTED) <= set(ENTRIES)
