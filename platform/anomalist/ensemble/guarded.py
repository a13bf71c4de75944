"""Guarded: a stacker, anyone's, held to its promises, so that what goes wrong in it is an error that names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.ensemble.stack import Uncertain
from anomalist.errors import DetectorError, blaming

if TYPE_CHECKING:
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Evidence, Lesson, Stacker

__all__ = ["Guarded"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guarded:
    """A stacker whose failures are DetectorErrors, and whose answers are what they must be.

    Attributes:
        name: What users type.
        stacker: The stacker.
    """

    name: str
    stacker: Stacker

    def fit(self, lesson: Lesson, /) -> Self:
        """Let it learn."""
        with blaming(f"stacker {self.name}", DetectorError):
            self.stacker.fit(lesson)
        return self

    def log_odds(self, rows: Evidence, /) -> Floats:
        """Its answer, finite, shape (rows,).

        Raises:
            DetectorError: It failed, or did not give one finite number a row.
        """
        with blaming(f"stacker {self.name}", DetectorError):
            found = np.asarray(self.stacker.log_odds(rows), dtype=np.float64)
        return self._checked(found, rows)

    def deviation(self, rows: Evidence, /) -> Floats | None:
        """How sure it is, finite, shape (rows,); None where it does not say.

        Raises:
            DetectorError: It failed, or did not give one finite number a row.
        """
        if not isinstance(self.stacker, Uncertain):
            return None
        with blaming(f"stacker {self.name}", DetectorError):
            found = np.asarray(self.stacker.deviation(rows), dtype=np.float64)
        return self._checked(found, rows)

    def _checked(self, found: Floats, rows: Evidence) -> Floats:
        if found.shape != (len(rows),) or not np.isfinite(found).all():
            wrong = f"numbers of shape {found.shape}" if found.shape != (len(rows),) else "some that are not finite"
            raise DetectorError(
                f"stacker {self.name} must give a finite number for each of {len(rows):,} rows, got {wrong}"
            )
        return found

    def state(self) -> State:
        """What it saves."""
        with blaming(f"stacker {self.name}", DetectorError):
            return self.stacker.state()

    def restore(self, state: State, /) -> Self:
        """Let it become what was saved."""
        with blaming(f"stacker {self.name}", DetectorError):
            self.stacker.restore(state)
        return self
