"""Hostile plugins that are no member of a run, or whose fault shows later."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.hostile.arena import Arena
from tests.hostile.case import Case, unharmed

if TYPE_CHECKING:
    from pathlib import Path

OBSERVER = """
    from anomalist import hookimpl
    @hookimpl
    def anomalist_run_finished(run):
        BODY
"""
TAKEN = """
    @hookimpl
    def anomalist_detectors():
        return [DetectorSpec(name="knn", summary="A detector.", factory=__name__ + ":Hostile", family="other")]
    class Hostile(Good): pass
"""
FORGETS = """
    class Hostile(Good):
        def restore(self, state):
            raise RuntimeError('what was it?')
"""


def plugin(name: str, code: str, *, whole: bool = False) -> Case:
    return Case(name=name, does="", code=code, whole=whole, threads=unharmed())


@pytest.fixture
def arena(tmp_path: Path) -> Arena:
    return Arena(tmp_path)


def test_a_taken_name_and_observers_that_fail_change_nothing(arena: Arena) -> None:
    alone = arena.fight("alone", [])
    home = arena.prepare(
        "crowd",
        [
            plugin("taken_name", TAKEN),
            plugin("observer_raises", OBSERVER.replace("BODY", "raise SystemExit('no more')"), whole=True),
            plugin("observer_prints", OBSERVER.replace("BODY", "print('not JSON')"), whole=True),
        ],
    )
    assert home.is_dir()
    detectors = [word for name in ("mahalanobis", "knn", "hostile-taken-name:knn") for word in ("--detector", name)]
    crowd = arena.again("crowd", "run", "--key", "id", *detectors)
    assert (crowd.code, crowd.status) == (0, "done")
    assert {name: member["status"] for name, member in crowd.members.items()} == {
        "mahalanobis": "done",
        "knn": "done",
        "hostile-taken-name:knn": "done",
    }
    for name, surprises in alone.surprises.items():
        np.testing.assert_array_equal(crowd.surprises[name], surprises)
    assert (
        "plugin 'observer_raises' of hostile-observer-raises 1.0: anomalist_run_finished failed: SystemExit: no more"
        in (crowd.err)
    )


@pytest.mark.parametrize("isolate", [(), ("--isolate",)], ids=["threads", "isolate"])
def test_a_state_that_is_not_taken_back_is_told_when_the_model_is_read(arena: Arena, isolate: tuple[str, ...]) -> None:
    first = arena.fight("forgets", [plugin("forgets", FORGETS)], *isolate)
    assert (first.code, first.status) == (0, "done")
    model = json.loads(first.out)["run"]["model"]["name"]
    then = arena.again("forgets", "score", "--model", model, *isolate)
    assert then.code == 1
    assert then.out == ""
    (line,) = [line for line in then.err.splitlines() if line.startswith("error: ")]
    assert "detector 'forgets' of hostile-forgets does not take its own state back" in line
    assert "RuntimeError: what was it?" in line


def test_an_observer_without_end_is_ended_where_it_is_isolated(arena: Arena) -> None:
    watcher = plugin("watcher", OBSERVER.replace("BODY", "while True: pass"), whole=True)
    arena.prepare("watched", [watcher])
    found = arena.again("watched", "run", "--key", "id", "--detector", "knn", "--isolate")
    assert (found.code, found.status) == (0, "done")
    assert json.loads(found.out)["run"]["status"] == "done"
    assert "hostile-watcher" in found.err
    assert "took longer than 4 seconds" in found.err
