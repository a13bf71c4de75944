"""The promises that a detector of PyOD does not keep, with the reason, by its name and the check of the kit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXPECTED"]

EXPECTED: Mapping[str, Mapping[str, str]] = {}
