"""Whether a plugin was made for this version of anomalist, by what its distribution declares.

A plugin declares it as every package does, in its dependencies: `anomalist>=0.9,<1.0`. Installers check that once, and
can be told not to; here it is read again each time, before anything of the plugin is imported.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from anomalist import __version__
from anomalist.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["mismatch"]

_OURS = re.compile(r"\s*anomalist(?![\w.-])\s*\S.*", re.IGNORECASE | re.DOTALL)


def mismatch(requires: Iterable[str], *, version: str = __version__) -> str:
    """Why a distribution does not fit this version of anomalist; empty where it does, or declares nothing.

    Versions are compared as installers compare them: 1.0rc1 and 1.0.dev3 come before 1.0, and `<1.0` shuts them out,
    too. A pre-release that is running is never shut out for being one.

    Args:
        requires: What the distribution declares, lines of `Requires-Dist`.
        version: The version of anomalist that is running.

    Raises:
        PluginError: What it declares about anomalist cannot be read.

    >>> mismatch(["numpy>=2", "anomalist>=0.9,<1.0"], version="1.2")
    'it requires anomalist<1.0,>=0.9, and this is anomalist 1.2: install another version of one of them'
    >>> mismatch(["numpy>=2", "anomalist>=0.9,<1.0"], version="0.9.1")
    ''
    """
    for line in requires:
        if not _OURS.fullmatch(
            line
        ):  # other packages are none of our business, and `anomalist` alone takes any version
            continue
        from packaging.requirements import Requirement

        try:
            requirement = Requirement(line)
            asked = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        except ValueError:
            raise PluginError(f"it declares {line!r}, which cannot be read as a requirement") from None
        if asked and not requirement.specifier.contains(version, prereleases=True):
            wanted = f"anomalist{requirement.specifier}"
            return f"it requires {wanted}, and this is anomalist {version}: install another version of one of them"
    return ""
