"""PyOD's modules in a room of their own: what they print, draw and import stays there."""

from __future__ import annotations

import random
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from anomalist_plugins.pyod.library import library
from anomalist_plugins.pyod.randomness import drawing
from anomalist_plugins.pyod.torch_draws import LocalDraws


def numpy_state() -> np.ndarray:
    """The state of the global generator."""
    return np.random.get_state()[1].copy()  # noqa: NPY002 - the legacy generator is the one that must not move


def test_reading_a_detector_imports_neither_pyod_nor_what_it_does_not_need() -> None:
    code = """
import sys
from anomalist_plugins.pyod.library import library
library().find("pyod.models.copod", "COPOD"), library().find("pyod.models.sod", "SOD")
library().find("pyod.models.feature_bagging", "FeatureBagging")
print(sorted({"pyod", "pyod.models", "pyod.models.sod", "numba", "matplotlib", "combo"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_module_is_read_once_and_a_missing_one_is_an_import_error() -> None:
    assert library().module("pyod.models.knn") is library().module("pyod.models.knn")
    with pytest.raises(ModuleNotFoundError, match=r"pyod\.models\.nothing"):
        library().module("pyod.models.nothing")


def test_global_generators_are_neither_read_nor_moved() -> None:
    module = library().module("pyod.models.base_dl")
    drawn = []
    for _ in range(2):
        before = numpy_state(), random.getstate(), torch.get_rng_state()
        with drawing(5, torch=True):
            module.BaseDeepLearningDetector._set_seed(3)
            drawn.append([module.np.random.normal(), module.random.random(), module.torch.rand(1).item()])
        assert np.array_equal(numpy_state(), before[0])
        assert random.getstate() == before[1]
        assert torch.equal(torch.get_rng_state(), before[2])
        np.random.random(), torch.rand(1), random.random()  # noqa: NPY002 - others use them in the meantime
    assert drawn[0] == drawn[1]
    assert drawn[0] == [
        np.random.RandomState(3).normal(),
        random.Random(3).random(),
        torch.rand(1, generator=torch.Generator().manual_seed(3)).item(),
    ]


def test_threads_draw_from_generators_of_their_own() -> None:
    module = library().module("pyod.models.alad")
    found: dict[int, list[float]] = {}
    together = threading.Barrier(2)

    def draw(seed: int) -> None:
        with drawing(seed, torch=False):
            numbers = []
            for _ in range(5):
                together.wait()
                numbers.append(module.np.random.normal())
            found[seed] = numbers

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {seed: list(np.random.RandomState(seed).normal(size=5)) for seed in (1, 2)}


@pytest.mark.parametrize(
    "draw",
    [
        lambda: torch.randn(3),
        lambda: torch.randn_like(torch.zeros(3)),
        lambda: torch.rand_like(torch.zeros(3)),
        lambda: torch.nn.functional.dropout(torch.ones(20)),
        lambda: torch.nn.functional.dropout(torch.ones(20), inplace=True),
        lambda: torch.nn.Linear(3, 2).weight,
        lambda: torch.nn.BatchNorm1d(3).weight,
        lambda: next(iter(torch.utils.data.DataLoader(torch.arange(20.0), batch_size=20, shuffle=True))),
        lambda: torch.randperm(9),
    ],
)
def test_torch_draws_what_it_would_draw_after_the_global_seed(draw) -> None:
    state = torch.get_rng_state()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        expected = draw()
    with drawing(7, torch=True):
        found = draw()
    assert torch.equal(found, expected)
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_of_nothing_and_of_all() -> None:
    with LocalDraws():
        assert torch.equal(torch.nn.functional.dropout(torch.ones(3), p=1.0), torch.zeros(3))
        assert torch.equal(torch.nn.functional.dropout(torch.ones(3), training=False), torch.ones(3))


def test_nothing_is_printed_and_no_warning_leaves(capfd: pytest.CaptureFixture[str]) -> None:
    detector = library().find("pyod.models.so_gaal", "SO_GAAL")(stop_epochs=1)
    with drawing(0, torch=True):
        detector.fit(np.random.default_rng(0).normal(size=(40, 3)))
    library().find("pyod.models.cblof", "CBLOF")(n_jobs=2, random_state=0).fit(
        np.random.default_rng(0).normal(size=(90, 3))
    )
    assert capfd.readouterr() == ("", "")
