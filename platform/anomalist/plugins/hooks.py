"""Reads which hooks a module implements.

Plugins mark their functions as pluggy has it. They are not called by a manager of pluggy, which calls all plugins of a
hook in one go and gives up at the first that raises, but one by one.
"""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

import pluggy

from anomalist.errors import PluginError
from anomalist.plugins import hookspecs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HOOKS", "OBSERVE", "implemented"]

OBSERVE = "anomalist_run_finished"

HOOKS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(function).parameters)
    for name, function in vars(hookspecs).items()
    if hasattr(function, "anomalist_spec")
}
"""Every hook by name, with the names of its arguments."""

_MARKS = pluggy.PluginManager("anomalist")


def implemented(module: object) -> dict[str, Callable[..., Any]]:
    """The hooks that a module implements, by name, in the order of the names; to be called by keyword.

    Raises:
        PluginError: It implements none, or one that there is not, or with other arguments; the message says what is
            meant.
    """
    found: dict[str, Callable[..., Any]] = {}
    for attribute in dir(module):
        if attribute.startswith("__"):
            continue
        marks = _MARKS.parse_hookimpl_opts(module, attribute)
        if marks is None:
            continue
        hook = marks["specname"] or attribute
        if hook not in HOOKS:
            if marks["optionalhook"]:
                continue
            close = difflib.get_close_matches(hook, HOOKS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(HOOKS))}"
            raise PluginError(f"it implements {hook!r}, which is no hook; {hint}")
        if marks["wrapper"] or marks["hookwrapper"]:
            raise PluginError(
                f"{hook} is marked as a wrapper, and there is nothing to wrap; use @anomalist.hookimpl alone"
            )
        function = getattr(module, attribute)
        _check_arguments(hook, function)
        found[hook] = function
    unmarked = [
        hook for hook in HOOKS if hook not in found and inspect.isroutine(inspect.getattr_static(module, hook, None))
    ]
    if unmarked:
        raise PluginError(f"{unmarked[0]} is not marked; write @anomalist.hookimpl above it")
    if not found:
        raise PluginError("it implements no hook; mark its functions with @anomalist.hookimpl")
    return dict(sorted(found.items()))


def _check_arguments(hook: str, function: Callable[..., Any]) -> None:
    signature = inspect.signature(function)
    try:
        signature.bind(**dict.fromkeys(HOOKS[hook]))
    except TypeError:
        raise PluginError(f"{hook} must take ({', '.join(HOOKS[hook])}), got {signature}") from None
