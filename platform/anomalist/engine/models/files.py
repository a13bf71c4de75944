"""Models to folders of files and back."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from anomalist.engine.models.combiners import combiner_of
from anomalist.engine.models.features import described, rebuild_maker
from anomalist.engine.models.stackers import build_stacker
from anomalist.ensemble.model import Model
from anomalist.errors import ModelFileError
from anomalist.store.artifacts import load_model, remove_unfinished, save_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anomalist.detector import Detector
    from anomalist.engine.execution.executor import Executor
    from anomalist.plugins.registry import Registry

__all__ = ["describe", "load", "pickle_notes", "save"]

_OLD = timedelta(days=1)


def save(model: Model, root: Path, registry: Registry) -> str:
    """Write a model to its folder under `root` and return its hash; a model that is there already is left alone."""
    remove_unfinished(root, older_than=_OLD)
    return save_model(root, describe(model, registry), model.parts())


def load(
    root: Path,
    model_hash: str,
    registry: Registry,
    *,
    name: str = "the model",
    executor: Executor | None = None,
    trust_pickle: bool = False,
) -> Model:
    """Read a model from its folder; its features are made in the executor, or right here where there is none.

    Args:
        root: The folder of all models.
        model_hash: Which.
        registry: Knows the detectors; what it says of them counts, and not what the files say.
        name: What to call the model in errors.
        executor: Where features are made.
        trust_pickle: Let detectors read pickles, which can execute code.

    Raises:
        ModelFileError: The folder is missing, damaged, incomplete or of an unknown format, or a detector would read a
            pickle and is not trusted to.
        UnknownNameError: A detector or combiner that it needs is not installed.
        PluginError: What makes its features is not installed, is blocked, or cannot read what was saved.
    """
    _, parts = load_model(root, model_hash)
    registry.expect(str(part["detector"]) for part in parts.values() if "detector" in part)
    return Model.from_parts(
        parts,
        build=registry.build if trust_pickle else partial(_build_without_pickle, registry, name),
        combiner=lambda name, params: combiner_of(registry, name, params),
        stacker=lambda name, params: build_stacker(registry, name, params),
        maker=partial(rebuild_maker, registry, executor=executor),
    )


def _build_without_pickle(registry: Registry, model: str, detector: str, params: Mapping[str, object]) -> Detector:
    """A new detector, unless it would read a pickle: it is refused before it is given anything to read."""
    spec = registry.spec(detector)
    if spec.pickles:
        raise ModelFileError(
            f"{model}: its detector {spec.name!r} of {registry.package(detector)} is saved as a pickle, which can "
            "execute code when it is read; where you trust who made the model, add --trust-pickle, or in Python "
            "trust_pickle=True"
        )
    return registry.build(detector, params)


def pickle_notes(model: Model, registry: Registry) -> tuple[str, ...]:
    """For each member that is saved as a pickle the line that says what that means."""
    return tuple(
        f"member {member.name} of {registry.package(member.reference)} is saved as a pickle: the model can be read "
        "only with --trust-pickle"
        for member in model.members
        if registry.spec(member.reference).pickles
    )


def describe(model: Model, registry: Registry) -> dict[str, Any]:
    """What is worth listing of a model: plain values."""
    return {
        "features": described(model.encoder),
        "detectors": {member.name: dict(member.params) for member in model.members},
        "pickles": {member.name: registry.spec(member.reference).pickles for member in model.members},
        "combiner": model.combiner.state(),
        "threshold": model.threshold.state(),
        "columns": list(dict.fromkeys(model.encoder.origins)),
        "left_out": dict(model.encoder.left_out),
        "encoded_columns": len(model.encoder.columns),
        "stack": None if model.stack is None else {"name": model.stack.name, **model.stack.about},
    }
