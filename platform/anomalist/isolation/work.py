"""Work: what a child does for its host: describes plugins, or builds and uses the one thing that lives in it."""

from __future__ import annotations

import inspect
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.detector import (
    CombinerSpec,
    DetectorSpec,
    Explainable,
    FeatureMaker,
    FeatureSpec,
    ReaderSpec,
    Resumable,
    StackerSpec,
    Transferable,
)
from anomalist.ensemble.sanity import checked_notes, checked_numbers
from anomalist.ensemble.stack import Attributing, Stacker, Uncertain
from anomalist.errors import AnomalistError, DetectorError, PluginError, one_line
from anomalist.isolation.goods import frame_to, goods_from
from anomalist.isolation.specs import spec_from
from anomalist.plugins.shared_state import changes, snapshot, trusted
from anomalist.plugins.workshop import Here, who
from anomalist.store.state import split_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Work"]

_ROLES: Mapping[type, Mapping[str, Any]] = {
    DetectorSpec: {"explains": Explainable, "continues": Resumable, "carries over": Transferable},
    FeatureSpec: {"makes": FeatureMaker},
    StackerSpec: {"ranks": Stacker, "is sure": Uncertain, "attributes": Attributing},
}
"""What there may be to ask of a thing, and the protocol that tells."""

_WIDEST = 8  # bytes of a number that can be sent


class Work:
    """The one thing of a child, most often a detector, and what the host may ask of it.

    Attributes:
        name: What it is called in errors.
    """

    def __init__(self) -> None:
        self.name = "a child"
        self._workshop = Here()
        self._spec: Any = None
        self._package = ""
        self._thing: Any = None

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
        """The parameters of what a class makes; imports it."""
        self.name = str(spec["name"])
        found = self._workshop.parameters(spec_from(spec), package)
        return {"parameters": [asdict(parameter) for parameter in found]}

    def do_build(self, spec: Mapping[str, Any], package: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Build it; the values of all its parameters, and which roles it has."""
        self.name = str(spec["name"])
        self._spec, self._package = spec_from(spec), package
        if isinstance(self._spec, CombinerSpec | ReaderSpec):
            self._thing = self._workshop.function(self._spec, package)
            with self._guarded():
                return {"params": {}, "roles": ["calls"], "signature": self._signature()}
        built = self._workshop.build(self._spec, package, params)
        self._thing = built.made
        torch = sys.modules.get("torch")
        if torch is not None and torch.get_num_threads() != 1:  # a build of torch that does not ask the environment
            torch.set_num_threads(1)
        return {"params": dict(built.params), "roles": self._roles()}

    def do_fit(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Fit it; its state and notes."""
        with self._guarded():
            self._itself("fit", self._thing.fit(goods_from(data)))
            return self._fitted()

    def do_update(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Let it go on; its state and notes."""
        with self._guarded():
            self._itself("update", self._thing.update(goods_from(data)))
            return self._fitted()

    def do_restore(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Restore it; its state and notes."""
        with self._guarded():
            self._itself("restore", self._thing.restore(dict(state)))
            return self._fitted()

    def do_transfer(self, sources: list[int | None]) -> dict[str, Any]:
        """Carry it over to other columns."""
        with self._guarded():
            self._itself("transfer", self._thing.transfer(sources))
        return {}

    def do_state(self) -> dict[str, Any]:
        """Its state as it is."""
        with self._guarded():
            return {"state": self._thing.state()}

    def do_numbers(self, method: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that one of its methods gives for some rows."""
        with self._guarded():
            return {"values": _numbers(method, getattr(self._thing, method)(goods_from(data)))}

    def do_moved(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What moved the score of a stacker."""
        with self._guarded():
            members, columns = self._thing.moved(goods_from(data))
            return {"members": _numbers("moved", members), "columns": _numbers("moved", columns)}

    def do_transform(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that a maker of features makes."""
        import polars as pl  # heavy, and most children see no frame

        with self._guarded():
            made = self._thing.transform(goods_from(data))
            if not isinstance(made, pl.DataFrame):
                raise PluginError(f"transform must return a polars DataFrame, got {type(made).__name__}")
            return {"frame": frame_to(made)}

    def do_call(self, args: list[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """What a combiner or a reader gives."""
        with self._guarded():
            if isinstance(self._spec, CombinerSpec):
                return {"values": self._thing(*args, **kwargs)}
            return {"frame": frame_to(self._thing(*map(Path, args)))}

    def _roles(self) -> list[str]:
        """What there is to ask of it; of what does not fulfil its protocol nothing."""
        roles = [role for role, protocol in _ROLES[type(self._spec)].items() if isinstance(self._thing, protocol)]
        if isinstance(self._spec, DetectorSpec):
            return ["scores", *roles]
        return [] if isinstance(self._spec, StackerSpec) and "ranks" not in roles else roles

    def _signature(self) -> list[list[Any]]:
        """The name of each argument of a combiner, its kind, and whether it has a default."""
        if not isinstance(self._spec, CombinerSpec):
            return []
        given = inspect.signature(self._thing).parameters.values()
        return [[one.name, one.kind.name, one.default is not one.empty] for one in given]

    def _itself(self, method: str, returned: object) -> None:
        """See that a method returned what it must, as a run without isolation does.

        Raises:
            DetectorError: A detector returned something else than itself.
        """
        if isinstance(self._spec, FeatureSpec):
            if not isinstance(returned, FeatureMaker):
                kind = type(returned).__name__
                raise PluginError(f"{method} must return the maker itself, got {kind}")
            self._thing = returned
        elif isinstance(self._spec, DetectorSpec) and returned is not self._thing:
            kind = type(returned).__name__
            raise DetectorError(f"{method} must return the detector itself, got {kind}; end it with return self")

    def _fitted(self) -> dict[str, Any]:
        state = self._thing.state()
        split_state(state, self.name)  # refused here, by its own name and not as part of an answer
        return {"state": state, "notes": checked_notes(self._thing) if isinstance(self._spec, DetectorSpec) else ()}

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Refuse what would change the numbers of others in a run without isolation, and name who fails where it would.

        Raises:
            DetectorError: A detector or a maker of features changed what all code of a process shares; or a stacker or
                a function failed.
        """
        if isinstance(self._spec, StackerSpec | CombinerSpec | ReaderSpec):
            try:
                yield
            except AnomalistError:
                raise
            except BaseException as error:
                raise DetectorError(f"{who(self._spec, self._package)} failed: {one_line(error)}") from error
            return
        if trusted(self._thing):
            yield
            return
        before = snapshot()
        yield
        lines = [change.line for change in changes(before) if not change.by_import]
        if lines:
            raise DetectorError("; ".join(lines))


def _numbers(method: str, result: Any) -> Any:
    """What a detector returned, as an array that can be sent; whether it is right is for the host to see."""
    array = np.asarray(result)
    if array.dtype.kind not in "biuf":
        checked_numbers(result, array.shape, method, "")  # refuses it in its own words
    return array if array.dtype.itemsize <= _WIDEST else array.astype(np.float64)
