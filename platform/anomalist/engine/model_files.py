"""Models to folders of files and back."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from anomalist.engine.combiners import combiner_of
from anomalist.engine.features import described, rebuild_maker
from anomalist.engine.stackers import build_stacker
from anomalist.ensemble.model import Model
from anomalist.store.artifacts import load_model, remove_unfinished, save_model

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.executor import Executor
    from anomalist.plugins.registry import Registry

__all__ = ["describe", "load", "save"]

_OLD = timedelta(days=1)


def save(model: Model, root: Path) -> str:
    """Write a model to its folder under `root` and return its hash; a model that is there already is left alone."""
    remove_unfinished(root, older_than=_OLD)
    return save_model(root, describe(model), model.parts())


def load(root: Path, model_hash: str, registry: Registry, *, executor: Executor | None = None) -> Model:
    """Read a model from its folder; its features are made in the executor, or right here where there is none.

    Raises:
        ModelFileError: The folder is missing, damaged, incomplete or of an unknown format.
        UnknownNameError: A detector or combiner that it needs is not installed.
        PluginError: What makes its features is not installed, is blocked, or cannot read what was saved.
    """
    _, parts = load_model(root, model_hash)
    return Model.from_parts(
        parts,
        build=registry.build,
        combiner=lambda name, params: combiner_of(registry, name, params),
        stacker=lambda name, params: build_stacker(registry, name, params),
        maker=partial(rebuild_maker, registry, executor=executor),
    )


def describe(model: Model) -> dict[str, Any]:
    """What is worth listing of a model: plain values."""
    return {
        "features": described(model.encoder),
        "detectors": {member.name: dict(member.params) for member in model.members},
        "combiner": model.combiner.state(),
        "threshold": model.threshold.state(),
        "columns": list(dict.fromkeys(model.encoder.origins)),
        "left_out": dict(model.encoder.left_out),
        "encoded_columns": len(model.encoder.columns),
        "stack": None if model.stack is None else {"name": model.stack.name, **model.stack.about},
    }
