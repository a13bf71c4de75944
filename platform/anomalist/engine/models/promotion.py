"""Promotion: which version of a model is used where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalist.errors import UsageError
from anomalist.store.models import CHALLENGER

if TYPE_CHECKING:
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import Promotion

__all__ = ["promote"]


def promote(workspace: Workspace, reference: str) -> Promotion:
    """Make a version the champion: `NAME:version`, `NAME@alias`, or `NAME`, which is its challenger.

    Raises:
        UsageError: The version is the champion already, there is no challenger, or the reference is not of that form.
        UnknownNameError: There is no such model.
    """
    if "@" not in reference and ":" not in reference:
        workspace.find(reference)  # that there is no such model is said first
        if CHALLENGER not in workspace.store.aliases(reference):
            raise UsageError(
                f"{reference} has no challenger; name a version: `anomalist models list {reference}` shows them"
            )
        reference = f"{reference}@{CHALLENGER}"
    found = workspace.find(reference)
    return workspace.store.promote(found.name, found.version)
