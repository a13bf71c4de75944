"""The versions of the libraries whose objects a state holds: others may read the same attributes otherwise."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from anomalist.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import State

__all__ = ["check_versions", "versions_of"]

_SKLEARN_KINDS = ("tree", "index", "metric")


def versions_of(models: State) -> dict[str, str]:
    """The minor version, such as `3.6`, of PyOD, and of scikit-learn where the encoded objects include some of its.

    Those of torch are left out: of its modules only weights and sizes are kept, which it has long read alike.
    """
    parts = models["parts"]
    sklearn = any(part["kind"] in _SKLEARN_KINDS or str(part.get("class", "")).startswith("sklearn.") for part in parts)
    return {name: _minor(name) for name in ("pyod", *(["scikit-learn"] if sklearn else []))}


def check_versions(saved: Mapping[str, str]) -> None:
    """Refuse a state of other minor versions than those that are installed.

    Raises:
        ModelFileError: One differs; the message names both.
    """
    for name, before in saved.items():
        now = _minor(name)
        if now != before:
            raise ModelFileError(
                f"it was saved with {name} {before}, and {now or 'none'} is installed: its scores could be others; "
                f"pip install '{name}=={before}.*', or fit it again"
            )


def _minor(name: str) -> str:
    try:
        return ".".join(version(name).split(".")[:2])
    except PackageNotFoundError:
        return ""
