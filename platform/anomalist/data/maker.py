"""Maker: what a plugin brings to make features, by its name; what goes wrong in it names the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from anomalist.detector import FeatureMaker
from anomalist.errors import AnomalistError, DataError, PluginError, SchemaMismatchError, UsageError, one_line

if TYPE_CHECKING:
    from anomalist.data.table import Table
    from anomalist.detector import State

__all__ = ["BuildMaker", "Maker", "Run"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maker:
    """A maker of features, and where it comes from.

    Attributes:
        name: What the user called it.
        params: All its parameters, plain values.
        package: The distribution that brings it.
        version: The version of that distribution.
        plugin: The maker itself.
        run: Calls what it is given, which is code of the plugin, and returns what that returns; whoever has to live
            with the plugin may do so with a deadline, or where it can do less harm.
    """

    name: str
    params: Mapping[str, Any]
    package: str
    version: str
    plugin: FeatureMaker
    run: Run = field(default=lambda _, work: work(), repr=False)

    def __str__(self) -> str:
        return f"features {self.name!r} of {self.package} {self.version}".rstrip()

    def fit(self, table: Table) -> Self:
        """The maker, fitted on a table."""
        try:
            fitted = self.run(self, lambda: self.plugin.fit(table))
        except (Exception, SystemExit) as error:
            raise self._failure("failed", error) from error
        return replace(self, plugin=self._checked("fit", fitted))

    def transform(self, table: Table) -> pl.DataFrame:
        """The columns that it makes of a table: at least one, with as many rows."""
        try:
            made = self.run(self, lambda: self.plugin.transform(table))
        except (Exception, SystemExit) as error:
            raise self._failure("failed", error) from error
        if not isinstance(made, pl.DataFrame):
            raise PluginError(f"{self}: transform must return a polars DataFrame, got {type(made).__name__}")
        if not made.width:
            raise PluginError(f"{self}: transform must return at least one column, got none")
        if made.height != len(table):
            raise PluginError(f"{self}: transform must return one row for each of {len(table):,}, got {made.height:,}")
        return made

    def state(self) -> State:
        """What `from_state` needs: plain values, and under `state` what the maker gives."""
        try:
            state = self.run(self, lambda: dict(self.plugin.state()))
        except (Exception, SystemExit) as error:
            raise self._failure("cannot be saved", error) from error
        return {
            "name": self.name,
            "params": dict(self.params),
            "package": self.package,
            "version": self.version,
            "state": state,
        }

    @staticmethod
    def from_state(state: State, build: BuildMaker) -> Maker:
        """The fitted maker that `state` was taken from."""
        new = build(state["name"], state["params"], state["package"], state["version"])
        try:
            restored = new.run(new, lambda: new.plugin.restore(state["state"]))
        except (Exception, SystemExit) as error:
            raise new._failure(f"cannot read what version {state['version']} saved", error) from error
        return replace(new, plugin=new._checked("restore", restored))

    def _checked(self, method: str, got: object) -> FeatureMaker:
        if not isinstance(got, FeatureMaker):
            raise PluginError(f"{self}: {method} must return the maker itself, got {type(got).__name__}")
        return got

    def _failure(self, what: str, error: BaseException) -> AnomalistError:
        """One line that names the package: of the kind that the maker chose, where it chose to blame the data."""
        line = one_line(error)
        for kind in (SchemaMismatchError, DataError, UsageError):
            if isinstance(error, kind):
                return kind(f"{self}: {line}")
        return PluginError(f"{self} {what}: {line}")


Run = Callable[[Maker, Callable[[], Any]], Any]
"""Calls something on behalf of a maker."""

BuildMaker = Callable[[str, Mapping[str, Any], str, str], Maker]
"""Makes an unfitted maker of a name, its parameters, and the distribution and version that it was saved with."""
