"""Makers of features, stackers, combiners and readers in processes of their own: the same answers, and nobody hurt."""

from __future__ import annotations

import copy
import inspect
import itertools
import sys
import time
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import anomalist
from anomalist.data.readers import read_frame
from anomalist.data.table import Table
from anomalist.detector import Detector, FeatureMaker
from anomalist.engine.execution.executor import Threads
from anomalist.engine.models.combiners import combiner_of
from anomalist.engine.models.features import build_maker
from anomalist.engine.models.stackers import build_stacker, recipe_of
from anomalist.ensemble.guarded import Guarded
from anomalist.ensemble.stack import Attributing, Evidence, Lesson, Stacker, Uncertain
from anomalist.errors import AnomalistError, DataError, DetectorError, ParameterError, PluginError
from anomalist.isolation import discovery
from anomalist.isolation.processes import Processes
from anomalist.plugins.manager import PluginManager
from anomalist.plugins.registry import Registry
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_COUNT = itertools.count()

SOURCE = '''
import os, time
from dataclasses import dataclass, field
import numpy as np
from anomalist.detector import check_parameter

def act(how):
    """Do what a test wants to happen."""
    {
        "": int,
        "end": lambda: os._exit(3),
        "fail": lambda: 1 / 0,
        "hang": lambda: time.sleep(60),
        "seed": lambda: np.random.seed(54321),
    }[how]()

@dataclass
class Maker:
    """Compares a row with the mean of its entity.

    Attributes:
        column: The column.
        fits: What happens in fit.
        makes: What happens in transform.
    """
    column: str = "amount"
    fits: str = ""
    makes: str = ""

    def __post_init__(self):
        check_parameter(self.column != "", "column", self.column, "a name")

    def fit(self, table):
        import polars as pl

        act(self.fits)
        self.known = {"means": dict(table.frame.group_by(table.entity).agg(pl.col(self.column).mean()).iter_rows())}
        return self

    def transform(self, table):
        import polars as pl

        act(self.makes)
        means = table.frame[table.entity].replace_strict(self.known["means"], default=0.0, return_dtype=pl.Float64)
        return pl.DataFrame({
            "above": table.frame[self.column] - means,
            "text": pl.Series([f"{r}-{c}" for r, c in zip(table.roles, table.frame.columns)] * len(table))[:len(table)],
            "key": table.keys.str.slice(0, 1).cast(pl.Categorical),
            "hour": table.frame[table.time].dt.truncate("1h"),
            "late": table.frame[table.time].dt.hour() > 12,
            "odd": table.frame[self.column].is_nan().replace_strict({False: float("nan"), True: 1.0}),
            "about": [f"{table.source} {table.conventions[self.column].kind} {table.why}"] * len(table),
        })

    def state(self):
        return self.known

    def restore(self, state):
        self.known = dict(state)
        return self

@dataclass
class Plain:
    """Leans to one column.

    Attributes:
        factor: How much.
        learns: What happens in fit.
        ranks: What happens in log_odds.
    """
    factor: float = 2.0
    learns: str = ""
    ranks: str = ""

    def fit(self, lesson):
        act(self.learns)
        lesson.judged.columns[:] *= self.factor  # they are its own
        self.lean = lesson.judged.columns[lesson.labels == 1].mean(axis=0) + lesson.rate + lesson.seed

    def log_odds(self, rows):
        act(self.ranks)
        return (rows.consensus + rows.columns @ self.lean).tolist()

    def state(self):
        return {"lean": self.lean}

    def restore(self, state):
        self.lean = state["lean"]

class Sure(Plain):
    def deviation(self, rows):
        return np.full(len(rows), 0.5)

class Tells(Plain):
    def moved(self, rows):
        return rows.surprises * 0.1, rows.columns * 0.2

@dataclass
class Half:
    def fit(self, anything):
        return self

def powered(surprises, *, votes, power=1.0, how=""):
    act("end" if power < 0 else how)
    return (surprises**power @ votes).astype(np.float32)

def words(surprises):
    return ["many"] * len(surprises)

def read(path):
    import polars as pl

    text = path.read_text()
    act(text.strip() if text.strip() in ("end", "fail", "hang") else "")
    return 7 if text == "seven" else pl.DataFrame({"line": text.split(), "n": range(len(text.split()))})
'''

PLUGIN = """
from anomalist.detector import CombinerSpec, FeatureSpec, ReaderSpec, StackerSpec, hookimpl

def about(kind, name, thing, **more):
    return kind(name=name, summary="A thing.", factory="MODULE:" + thing, **more)

@hookimpl
def anomalist_features():
    return [about(FeatureSpec, "mk", "Maker"), about(FeatureSpec, "half", "Half")]

@hookimpl
def anomalist_combiners():
    stackers = {"plain": "Plain", "sure": "Sure", "tells": "Tells", "half": "Half"}
    return [
        *(about(CombinerSpec, name, name) for name in ("powered", "words")),
        *(about(StackerSpec, name, cls) for name, cls in stackers.items()),
    ]

@hookimpl
def anomalist_readers():
    return [about(ReaderSpec, "lines", "read", suffixes=(".lines",))]
"""

RNG = np.random.default_rng(0)
FRAME = pl.DataFrame(
    {
        "id": [f"{'AB'[row % 2]}{row}" for row in range(60)],
        "when": [datetime(2024, 3, 1) + timedelta(minutes=37 * row) for row in range(60)],
        "card": [f"C{row % 5}" for row in range(60)],
        "amount": RNG.lognormal(3.0, 0.6, 60).round(2),
        "items": RNG.integers(1, 9, 60),
    }
)
TABLE = Table.from_frame(FRAME, source="payments", key="id", time="when", entity="card")


def some(rows: int, seed: int) -> Evidence:
    rng = np.random.default_rng(seed)
    consensus, surprises, columns = (rng.normal(size=shape) for shape in (rows, (rows, 2), (rows, 3)))
    return Evidence(consensus=consensus, surprises=surprises, columns=columns)


def lesson() -> Lesson:
    return Lesson(judged=some(8, 1), labels=np.array([1.0, 0.0] * 4), background=some(20, 2), rate=0.05, seed=3)


@pytest.fixture
def module(folder: Path) -> str:
    module = f"kinds_{next(_COUNT)}"
    (folder / f"{module}.py").write_text(SOURCE)
    install_plugin(folder, "kinds-pkg", PLUGIN.replace("MODULE", module), entry="kinds")
    return module


@pytest.fixture
def places(module: str) -> list[Registry]:
    """There, where nothing of the plugin has been imported here, and here."""
    there = Registry(discovery.load(), Processes(timeout=2.0))
    assert module not in sys.modules
    return [there, Registry(PluginManager.load())]


def said(call: Callable[[], Any], kind: type[AnomalistError]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def test_makers_make_the_same(places: list[Registry], module: str) -> None:
    found = []
    for place in places:
        maker = build_maker(place, "mk", {"column": "items"}, executor=Threads(timeout=5.0)).fit(TABLE)
        again = build_maker(place, "mk", maker.params)
        restored = type(maker).from_state(maker.state(), lambda *_, again=again: again)
        found.append(
            (maker.params, maker.transform(TABLE), restored.transform(TABLE.take(slice(3, 40))), maker.state())
        )
        assert (module in sys.modules) is (place is places[1])
        assert isinstance(maker.plugin, FeatureMaker)
        assert not isinstance(maker.plugin, Detector | Stacker)
    (params, made, later, state), (same_params, same_made, same_later, same_state) = found
    assert (params, state) == (same_params, same_state)
    for one, other in ((made, same_made), (later, same_later)):
        assert one.schema == other.schema
        assert one.equals(other)
    there, here = (place.feature_parameters("mk") for place in places)
    assert there == here


def test_stackers_learn_the_same(places: list[Registry], module: str) -> None:
    found = []
    for place in places:
        stacked = recipe_of(place, "tells", {"factor": "1.5"}).learn(lesson())
        score, probability = stacked.score(some(10, 4))
        again = type(stacked).from_state(
            stacked.state(), lambda name, params, at=place: build_stacker(at, name, params)
        )
        assert np.array_equal(again.score(some(10, 4))[0], score)
        assert isinstance(stacked.stacker, Attributing)
        found.append((score, probability, *stacked.stacker.moved(some(10, 4))))
        assert (module in sys.modules) is (place is places[1])
        sure = build_stacker(place, "sure", {})
        sure.fit(lesson())
        assert isinstance(sure, Uncertain)
        assert Guarded(name="sure", stacker=copy.deepcopy(sure)).deviation(some(4, 5)).tolist() == [0.5] * 4
        assert not isinstance(sure, Attributing)
        assert not isinstance(build_stacker(place, "plain", {}), Uncertain | Attributing)
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_combiners_and_readers_give_the_same(places: list[Registry], module: str, tmp_path: Path) -> None:
    surprises, path = np.abs(RNG.normal(size=(30, 3))), tmp_path / "a.lines"
    path.write_text("one two three")
    numbers, frames = [], []
    for place in places:
        combiner = combiner_of(place, "powered", {"power": 2})
        numbers.append(combiner(surprises, ["a", "b", "c"], np.array([1.0, 2.0, 0.5])))
        assert list(inspect.signature(combiner.function).parameters) == ["surprises", "votes", "power", "how"]
        assert copy.deepcopy(combiner)(surprises, "abc").shape == (30,)
        frames.append(read_frame(path, None, place.reader_functions())[0])
        assert (module in sys.modules) is (place is places[1])
    assert np.array_equal(*numbers)
    assert frames[0].equals(frames[1])
    assert frames[0].schema == frames[1].schema


def test_what_fails_says_so_in_the_same_words(places: list[Registry], tmp_path: Path) -> None:
    seven, fails = tmp_path / "seven.lines", tmp_path / "fails.lines"
    seven.write_text("seven")
    fails.write_text("fail")
    lines = []
    for at in places:
        maker = build_maker(at, "mk", {"makes": "fail"}).fit(TABLE)
        seeds = build_maker(at, "mk", {"fits": "seed"}, executor=Threads())
        stacker = Guarded(name="plain", stacker=build_stacker(at, "plain", {"learns": "fail"}))
        lines.append(
            [
                said(lambda maker=maker: maker.transform(TABLE), PluginError),
                said(lambda one=seeds: one.fit(TABLE), PluginError),
                said(lambda at=at: build_maker(at, "mk", {"column": ""}), ParameterError),
                said(lambda at=at: build_maker(at, "mk", {"colum": "a"}), ParameterError),
                said(lambda at=at: build_maker(at, "half", {}), PluginError),
                said(lambda at=at: build_stacker(at, "half", {}), PluginError),
                said(lambda at=at: combiner_of(at, "powered", {"how": "fail"})(np.ones((2, 2)), "ab"), PluginError),
                said(lambda at=at: combiner_of(at, "powered", {"hw": 1})(np.ones((2, 2)), "ab"), ParameterError),
                said(lambda at=at: combiner_of(at, "words", {})(np.ones((2, 2)), "ab"), PluginError),
                said(lambda at=at: read_frame(seven, None, at.reader_functions()), DataError),
                said(lambda at=at: read_frame(fails, None, at.reader_functions()), DataError),
            ]
        )
        assert "failed: ZeroDivisionError: division by zero" in said(
            lambda one=stacker: one.fit(lesson()), DetectorError
        )
    there, here = lines
    assert there == here
    assert there[0] == "features 'mk' of kinds-pkg 1.0 failed: ZeroDivisionError: division by zero"
    assert there[6] == "combiner 'powered' of kinds-pkg failed: ZeroDivisionError: division by zero"
    assert there[9] == "seven.lines: reader 'lines' of kinds-pkg must return a polars DataFrame, got int"


def test_what_ends_its_process_or_hangs_is_named_and_hurts_nobody(places: list[Registry], tmp_path: Path) -> None:
    there = places[0]
    dead = "ended its process with code 3"
    late = "had no time left, and its process was ended"
    for how, end in (("end", dead), ("hang", late)):
        path = tmp_path / f"{how}.lines"
        path.write_text(how)
        started = time.monotonic()
        seconds = Threads(timeout=0.5)
        maker = build_maker(there, "mk", {"makes": how}, executor=seconds).fit(TABLE)
        stacker = Guarded(name="plain", stacker=build_stacker(there, "plain", {"ranks": how})).fit(lesson())
        combiner = combiner_of(there, "powered", {"how": how})
        for call, kind, line in (
            (partial(maker.transform, TABLE), PluginError, f"features 'mk' of kinds-pkg 1.0 failed: it {end}"),
            (partial(stacker.log_odds, some(4, 5)), DetectorError, f"stacker 'plain' of kinds-pkg {end}"),
            (partial(combiner, np.ones((2, 2)), "ab"), AnomalistError, f"combiner 'powered' of kinds-pkg {end}"),
            (
                partial(read_frame, path, None, there.reader_functions()),
                AnomalistError,
                f"reader 'lines' of kinds-pkg {end}",
            ),
        ):
            assert said(call, kind).endswith(line)
        assert time.monotonic() - started < 15.0


def test_a_run_is_the_same_and_imports_nothing_of_it(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    run = partial(anomalist.run, FRAME, key="id", time="when", entity="card", detectors=["mahalanobis"])
    there = run(isolate=True, features=["mk"], combiner="powered:power=2")
    line = "combiner 'powered' of kinds-pkg ended its process with code 3"
    assert said(partial(run, isolate=True, combiner="powered:power=-1"), PluginError) == line
    assert module not in sys.modules
    here = run(isolate=False, features=["mk"], combiner="powered:power=2")
    assert there.scores.equals(here.scores)
    assert there.top(5).equals(here.top(5))
    assert module in sys.modules
