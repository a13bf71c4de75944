"""Descriptions of what plugins bring as plain values, and back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from anomalist import detector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.plugins.plugin import Spec

__all__ = ["spec_from", "spec_to"]


def spec_to(spec: Spec) -> dict[str, Any]:
    """A description as plain values: collections become lists."""
    found = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    plain = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in found.items()}
    return {"kind": type(spec).__name__, **{name: _exact(value) for name, value in plain.items()}}


def spec_from(plain: Mapping[str, Any]) -> Any:
    """The description again. It is not checked: what comes from a child goes through `described`."""
    given = dict(plain)
    return getattr(detector, given.pop("kind"))(**given)


def _exact(value: Any) -> Any:
    """A member of an enumeration of texts is the text; nothing else is changed."""
    if isinstance(value, str):
        return str.__str__(value)
    return [_exact(item) for item in value] if isinstance(value, list | tuple) else value
