"""A detector in a process of its own is, as far as a run can see, the detector itself."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector, Explainable, Resumable, Transferable
from anomalist.errors import NotFittedError, ParameterError, PluginError
from anomalist.isolation.processes import Processes
from anomalist.plugins.manager import PluginManager
from anomalist.plugins.registry import Registry
from anomalist.plugins.workshop import Here
from tests.isolation.detectors import DATA, PACKAGE, lay, made, spec_of

if TYPE_CHECKING:
    from pathlib import Path

ABLE = "class Made(Able):\n    pass\n"
GOOD = "class Made(Good):\n    pass\n"


def process_of(detector: Detector) -> str:
    return detector.notes[0].rpartition(" ")[2]  # type: ignore[attr-defined]  # proxies have notes


def test_what_it_says_is_what_it_says_here(processes: Processes, folder: Path) -> None:
    module = lay(folder, ABLE)
    there, here = (place.build(spec_of(module), PACKAGE, {"power": "3"}) for place in (processes, Here()))
    assert there.params == {"power": 3.0, "words": ["a"]}
    assert processes.parameters(spec_of(module), PACKAGE) == Here().parameters(spec_of(module), PACKAGE)
    one, other = there.made.fit(DATA), here.made.fit(DATA)
    assert one is there.made
    assert process_of(one) != process_of(other)
    for method in ("score", "contributions"):
        found, known = getattr(one, method)(DATA), getattr(other, method)(DATA)
        assert found.dtype == known.dtype
        assert np.array_equal(found, known)
    assert one.state()["odd"] == np.inf
    assert np.array_equal(one.state()["mean"], other.state()["mean"])


def test_it_has_the_roles_of_the_detector_and_no_others(processes: Processes, folder: Path) -> None:
    roles = (Detector, Explainable, Resumable, Transferable)
    explains = "class Made(Good):\n    contributions = Able.contributions\n"
    continues = "class Made(Good):\n    update = Able.update\n"
    for body, has in (
        (GOOD, (True, False, False, False)),
        (explains, (True, True, False, False)),
        (continues, (True, False, True, False)),
        (ABLE, (True, True, True, True)),
    ):
        detector = made(processes, folder, body)
        assert tuple(isinstance(detector, role) for role in roles) == has
        assert tuple(isinstance(copy.deepcopy(detector), role) for role in roles) == has


def test_it_goes_on_and_is_carried_over(processes: Processes, folder: Path) -> None:
    module = lay(folder, ABLE)
    wide = Dataset.from_array(np.random.default_rng(1).normal(size=(20, 4)))
    means = []
    for place in (processes, Here()):
        detector = place.build(spec_of(module), PACKAGE, {}).made
        detector.fit(DATA)
        state = copy.deepcopy(dict(detector.state()))
        later = copy.deepcopy(detector).restore(state)
        later.transfer([2, None, 0, 1])
        if place is processes:  # the child that carried it over is gone: the next carries it over again
            later._process.end()
        assert later.state()["mean"][1] == 0.0
        means.append((detector.state()["mean"], later.update(wide).state()["mean"], later.score(wide)))
    for found, known in zip(*means, strict=True):
        assert np.array_equal(found, known)


def test_a_child_that_is_gone_between_two_calls_is_replaced(processes: Processes, folder: Path) -> None:
    detector = made(processes, folder, GOOD).fit(DATA)
    scores, first = detector.score(DATA), detector._process
    first.end()
    assert np.array_equal(detector.score(DATA), scores)
    assert detector._process is not first
    other = copy.deepcopy(detector)
    assert np.array_equal(other.score(DATA), scores)
    assert other._process is not detector._process


def test_calls_of_one_detector_go_to_one_child(processes: Processes, folder: Path) -> None:
    body = "class Made(Good):\n    def score(self, data):\n        return np.full(len(data), os.getpid())\n"
    detector = made(processes, folder, body)
    found = {float(detector.fit(DATA).score(DATA)[0]), float(detector.score(DATA)[0])}
    assert found == {float(process_of(detector))}


def test_no_more_children_rest_than_are_wanted(folder: Path) -> None:
    processes = Processes(idle=2)
    module = lay(folder, GOOD)
    detectors = [processes.build(spec_of(module), PACKAGE, {}).made.fit(DATA) for _ in range(4)]
    alive = [detector._process.lives for detector in detectors]
    assert alive == [False, False, True, True]
    detectors[2].score(DATA)
    detectors[0].score(DATA)
    assert [detector._process.lives for detector in detectors] == [True, False, True, False]
    assert all(np.array_equal(detector.score(DATA), detectors[0].score(DATA)) for detector in detectors)


def test_a_child_ends_with_its_detector(processes: Processes, folder: Path) -> None:
    detector = made(processes, folder, GOOD)
    ended = detector._process.end
    del detector
    assert not ended.alive


def test_the_input_cannot_be_written_to_and_the_state_can(processes: Processes, folder: Path) -> None:
    writes = made(processes, folder, "data.values[0] = 0")
    with pytest.raises(Exception, match="read-only"):
        writes.fit(DATA)
    frees = made(processes, folder, "data.values.flags.writeable = True")
    with pytest.raises(Exception, match="ValueError"):
        frees.fit(DATA)
    able = made(processes, folder, ABLE).fit(DATA)
    copied = copy.deepcopy(able).restore(able.state())
    before = able.state()["mean"].copy()
    copied.update(DATA)  # writes to what it was restored from
    assert np.array_equal(able.state()["mean"], before)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"power": -1.0}, r"^made: power must be above 0, got -1.0$"),
        ({"power": "much"}, r"^made: power must be float, got 'much'$"),
        ({"powr": 1}, r"^made has no parameter 'powr'; did you mean 'power'\?$"),
        ({"power": object()}, r"^made: parameters are numbers, texts or lists of them, got "),
    ],
)
def test_a_refused_parameter_reads_as_it_does_here(
    processes: Processes, folder: Path, params: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        made(processes, folder, GOOD, **params)


def test_errors_of_ours_are_the_same(processes: Processes, folder: Path) -> None:
    detector = made(processes, folder, GOOD)
    for call in (detector.state, lambda: detector.score(DATA)):
        with pytest.raises(NotFittedError, match="good is not fitted"):
            call()
    with pytest.raises(PluginError, match=r"^detector 'made' of evil-pkg 1.0 cannot be imported: ModuleNotFoundError"):
        processes.build(spec_of("no_such_module"), PACKAGE, {})


def test_windows_time_and_entities_arrive(processes: Processes, folder: Path) -> None:
    body = """class Made(Good):
    def score(self, data):
        assert data.values.shape == (6, 4, 2) and data.values.dtype == np.float32
        assert data.columns == ("a", "b") and data.origins == ("a", "a")
        assert data.time.tolist() == [0, 1, 2, 3, 4, 5] and data.entity.tolist() == [1, 1, 1, 2, 2, 2]
        return data.values.sum(axis=(1, 2))
"""
    data = Dataset(
        values=np.arange(48, dtype=np.float32).reshape(6, 4, 2),
        columns=("a", "b"),
        origins=("a", "a"),
        time=np.arange(6.0),
        entity=np.array([1, 1, 1, 2, 2, 2]),
    )
    detector = made(processes, folder, body)
    assert np.array_equal(detector.score(data), data.values.sum(axis=(1, 2)))
    assert made(processes, folder, "class Made(Good):\n    score = lambda s, d: d.values[:, 0]").score(
        DATA.take(slice(0, 0))
    ).shape == (0,)


def test_bundled_detectors_give_the_same_numbers_to_the_last_bit() -> None:
    manager = PluginManager.load(bundled_only=True)
    data = Dataset.from_array(np.random.default_rng(3).normal(size=(400, 5)))
    given = {"autoencoder": {"epochs": 2}}
    for name in ("gmm", "autoencoder"):
        there, here = (
            Registry(manager, place).build(name, given.get(name)).fit(data) for place in (Processes(), Here())
        )
        assert np.array_equal(there.score(data), here.score(data))
        assert there.notes == here.notes


def test_detectors_that_are_expected_are_imported_side_by_side_and_once(folder: Path) -> None:
    processes = Processes()
    good, slow, bad = (lay(folder, GOOD) for _ in range(3))
    (folder / f"{bad}.py").write_text("import os; os._exit(5)")
    log = folder / "imported"
    with (folder / f"{slow}.py").open("a") as file:
        file.write(f"open({str(log)!r}, 'a').write('once ')\n")
    processes.expect([(spec_of(module), PACKAGE) for module in (good, slow, bad)])
    assert [parameter.name for parameter in processes.parameters(spec_of(slow), PACKAGE)] == ["power", "words"]
    assert processes.build(spec_of(slow), PACKAGE, {}).made.fit(DATA).state()
    with pytest.raises(PluginError, match=r"^detector 'made' of evil-pkg 1.0 ended its process with code 5$"):
        processes.parameters(spec_of(bad), PACKAGE)
    assert log.read_text() == "once "


def test_a_child_imports_no_more_than_its_detector_needs(processes: Processes, folder: Path) -> None:
    body = """class Made(Good):
    def state(self):
        heavy = ["polars", "sqlalchemy", "torch", "sklearn", "scipy", "rich", "click", "alembic", "pandas"]
        return {**super().state(), "heavy": [name for name in heavy if name in sys.modules]}
"""
    assert made(processes, folder, body).fit(DATA).state()["heavy"] == []
