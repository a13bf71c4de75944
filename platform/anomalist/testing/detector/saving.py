"""What is saved: plain values and arrays, from which another process goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from anomalist.detector import DetectorSpec
from anomalist.store.state import join_state, split_state
from anomalist.testing.detector.bench import alike
from anomalist.testing.promise import Failure, NotApplicable, attempting, itself, told

if TYPE_CHECKING:
    from anomalist.detector import Floats
    from anomalist.testing.detector.bench import DetectorBench
    from anomalist.testing.promise import Checks

__all__ = ["add_saving"]

_PLAIN = "give state() arrays of bool, int or float, and numbers, texts, lists and dicts; build the rest in restore"


def add_saving(checks: Checks) -> None:
    """Add the checks."""
    checks.add("plain-state", "what it saves is arrays and plain values")(plain_state)
    checks.add("restored", "restored from what it saved it gives the same scores")(restored)
    checks.add("same-state", "a restored one saves what it was restored from")(same_state)
    checks.add("elsewhere", "another process goes on from what it saved")(elsewhere)
    checks.add("no-pickle", "reading what it saved runs no pickle")(no_pickle)


def plain_state(bench: DetectorBench) -> None:
    """A model is JSON and safetensors."""
    bench.needs("state")
    with attempting("state() can be written as JSON and safetensors", _PLAIN):
        _written(bench)


def restored(bench: DetectorBench) -> None:
    """A new one of the same parameters becomes the fitted one."""
    expected, state = bench.scores, _saved(bench)
    detector = bench.build()
    with attempting(
        "restore takes what state gave, after it was written and read", "lists and tuples come back as lists"
    ):
        found = detector.restore(state)
    itself(found, detector, "restore")
    _same(bench.score(detector, bench.probe.data), expected, "a detector restored here")


def same_state(bench: DetectorBench) -> None:
    """A model that was read can be written again."""
    state = _saved(bench)
    with attempting("a restored detector can be saved", "let restore set everything that state reads"):
        detector = bench.build()
        detector.restore(state)
        text, arrays = split_state(detector.state(), bench.subject.name)
    expected_text, expected = split_state(state, bench.subject.name)
    differ = sorted(expected.keys() ^ arrays.keys()) or [
        name for name, array in expected.items() if not np.array_equal(array, arrays[name], equal_nan=True)
    ]
    if differ or text != expected_text:
        raise Failure(
            expected="a restored detector saves what it was restored from",
            got=f"a difference in {', '.join(differ)}" if differ else f"{text[:200]} after {expected_text[:200]}",
            mend="let restore set everything that state reads, notes among it, and let state convert nothing twice",
        )


def elsewhere(bench: DetectorBench) -> None:
    """Where there is nothing but the file."""
    found = bench.apart
    if found.scores is None:
        raise Failure(
            expected="a new interpreter, given the saved state and the parameters, restores it and scores",
            got=found.error,
            mend="let restore need nothing but what state gave and the parameters: no module state, no file, no class"
            " that fit made",
        )
    _same(found.scores, bench.scores, "a detector restored in another process")


def no_pickle(bench: DetectorBench) -> None:
    """A pickle can run any code when it is read."""
    if isinstance(bench.subject.spec, DetectorSpec) and bench.subject.spec.pickles:
        raise NotApplicable("its description says pickles=True: it is read only where the user trusts it")
    found = bench.apart
    if found.unpickled:
        raise Failure(
            expected="restore unpickles nothing",
            got=f"it unpickles {', '.join(found.unpickled[:5])}",
            mend="save arrays and plain values instead; where that cannot be, say pickles=True in the description",
        )


def _same(found: Floats, expected: Floats, who: str) -> None:
    alike(
        found,
        expected,
        what=f"{who} gives the scores of the one that was saved",
        mend="save everything that score uses, and in full precision",
    )


def _written(bench: DetectorBench) -> tuple[str, dict[str, Any]]:
    text, arrays = split_state(bench.fitted.state(), bench.subject.name)
    save(arrays)
    return text, arrays


def _saved(bench: DetectorBench) -> dict[str, Any]:
    """The state as it comes back from a file.

    Raises:
        NotApplicable: It cannot be saved, which a check of its own says.
    """
    bench.needs("state")
    bench.needs("restore")
    try:
        text, arrays = _written(bench)
    except NotApplicable:
        raise
    except (Exception, SystemExit) as error:
        raise NotApplicable(f"it cannot be saved: {told(error)}") from error
    return join_state(text, {name: array.copy() for name, array in arrays.items()})
