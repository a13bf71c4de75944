"""Work: what a child does for its host: describes, builds, fits and scores the one detector that lives in it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.data.dataset import Dataset
from anomalist.detector import Explainable, Resumable, Transferable
from anomalist.ensemble.sanity import checked_notes, checked_numbers
from anomalist.errors import DetectorError
from anomalist.isolation.specs import spec_from
from anomalist.plugins.shared_state import changes, snapshot
from anomalist.plugins.workshop import Here
from anomalist.store.state import split_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ROLES", "Work"]

ROLES = {"explains": Explainable, "continues": Resumable, "carries over": Transferable}
"""What a detector may be able to do, and the protocol that tells."""

_TRUSTED = frozenset({"anomalist", "anomalist_plugins"})
_WIDEST = 8  # bytes of a number that can be sent


class Work:
    """The one detector of a child, and what the host may ask of it.

    Attributes:
        name: What the detector is called in errors.
    """

    def __init__(self) -> None:
        self.name = "a child"
        self._workshop = Here()
        self._detector: Any = None

    def done(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request asks in `do`, with the rest of it as arguments, and return the answer."""
        given = dict(request)
        answer: dict[str, Any] = getattr(self, f"do_{given.pop('do')}")(**given)
        return answer

    def do_load(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Load a plugin and say what it describes."""
        from anomalist.isolation.loaded import loaded

        return loaded(found)

    def do_observe(self, found: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
        """Load a plugin and tell it of a run."""
        from anomalist.isolation.loaded import observed

        return observed(found, run)

    def do_parameters(self, spec: Mapping[str, Any], package: str) -> dict[str, Any]:
        """The parameters of a detector; imports it."""
        self.name = str(spec["name"])
        found = self._workshop.parameters(spec_from(spec), package)
        return {"parameters": [asdict(parameter) for parameter in found]}

    def do_build(self, spec: Mapping[str, Any], package: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Build the detector; the values of all its parameters, and which roles it has."""
        self.name = str(spec["name"])
        built = self._workshop.build(spec_from(spec), package, params)
        self._detector = built.detector
        torch = sys.modules.get("torch")
        if torch is not None and torch.get_num_threads() != 1:  # a build of torch that does not ask the environment
            torch.set_num_threads(1)
        roles = [role for role, protocol in ROLES.items() if isinstance(built.detector, protocol)]
        return {"params": dict(built.params), "roles": roles}

    def do_fit(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Fit it; its state and notes."""
        with self._guarded():
            self._itself("fit", self._detector.fit(_dataset(data)))
            return self._fitted()

    def do_update(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let it go on; its state and notes."""
        with self._guarded():
            self._itself("update", self._detector.update(_dataset(data)))
            return self._fitted()

    def do_restore(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Restore it; its state and notes."""
        with self._guarded():
            self._itself("restore", self._detector.restore(dict(state)))
            return self._fitted()

    def do_transfer(self, sources: list[int | None]) -> dict[str, Any]:
        """Carry it over to other columns."""
        with self._guarded():
            self._itself("transfer", self._detector.transfer(sources))
        return {}

    def do_state(self) -> dict[str, Any]:
        """Its state as it is."""
        return {"state": self._detector.state()}

    def do_score(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Its scores."""
        with self._guarded():
            return {"values": _numbers("score", self._detector.score(_dataset(data)))}

    def do_contributions(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What each column added."""
        with self._guarded():
            return {"values": _numbers("contributions", self._detector.contributions(_dataset(data)))}

    def _itself(self, method: str, returned: object) -> None:
        if returned is not self._detector:
            kind = type(returned).__name__
            raise DetectorError(f"{method} must return the detector itself, got {kind}; end it with return self")

    def _fitted(self) -> dict[str, Any]:
        state = self._detector.state()
        split_state(state, self.name)  # refused here, by its own name and not as part of an answer
        return {"state": state, "notes": checked_notes(self._detector)}

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Refuse what would change the numbers of others in a run without isolation.

        Raises:
            DetectorError: The body ended well and changed what all code of a process shares.
        """
        if type(self._detector).__module__.partition(".")[0] in _TRUSTED:
            yield
            return
        before = snapshot()
        yield
        lines = [change.line for change in changes(before) if not change.by_import]
        if lines:
            raise DetectorError("; ".join(lines))


def _dataset(data: Mapping[str, Any]) -> Dataset:
    return Dataset(
        values=data["values"],
        columns=tuple(data["columns"]),
        origins=tuple(data["origins"]),
        time=data["time"],
        entity=data["entity"],
    )


def _numbers(method: str, result: Any) -> Any:
    """What a detector returned, as an array that can be sent; whether it is right is for the host to see."""
    array = np.asarray(result)
    if array.dtype.kind not in "biuf":
        checked_numbers(result, array.shape, method, "")  # refuses it in its own words
    return array if array.dtype.itemsize <= _WIDEST else array.astype(np.float64)
