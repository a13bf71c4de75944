"""Turns: which items run side by side, and which of them changed what all code of the process shares.

A detector that does so fails: its scores, or those of whoever comes next, would be others another time. Shared state
has no name on it, so the rule is this. Between two looks the same items run. Detectors that come with anomalist are
trusted. If an item that was abandoned still runs, it was that one, which has failed already. Otherwise, where one
detector of somebody else ran, it was that one; where several did, all of them fail and each says beside which it ran:
`--threads 1` or `--isolate` tell which it was. What a `with` block may change for a while (the filters of warnings,
sys.stdout) is judged only of one that ran all alone.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from anomalist.errors import DetectorError
from anomalist.plugins.shared_state import changes, snapshot, trusted

if TYPE_CHECKING:
    from anomalist.plugins.shared_state import Snapshot

__all__ = ["Turn"]

_FOR_A_WHILE = frozenset({"warnings", "streams"})


class Turn:
    """One item's turn: a context manager around its work, in the thread that does it.

    Attributes:
        name: What the item is called.
        trusted: It is no detector of somebody else.
        lines: What it changed, one line each.
        abandoned: Nobody waits for it any more.
    """

    def __init__(self, item: Any) -> None:
        detector = getattr(item, "detector", None)
        self.name = str(getattr(item, "name", item))
        self.trusted = detector is None or trusted(detector)
        self.lines: list[str] = []
        self.abandoned = False

    def abandon(self) -> None:
        """Nobody waits for it any more, but it goes on."""
        _room.abandon(self)

    def __enter__(self) -> Self:
        _room.enter(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the turn.

        Raises:
            DetectorError: It changed shared state, and nothing else went wrong.
        """
        _room.leave(self)
        if kind is None and self.lines:
            raise DetectorError("; ".join(self.lines))


class _Room:
    """The turns of this process and what shared state was when they were last looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: list[Turn] = []
        self._alone = True
        self._before: Snapshot | None = None

    def enter(self, turn: Turn) -> None:
        with self._lock:
            self._alone = not self._turns
            if self._somebody_waits():
                self._look()
            else:
                self._before = snapshot()
            self._turns.append(turn)

    def leave(self, turn: Turn) -> None:
        with self._lock:
            if self._somebody_waits():
                self._look()
            self._turns.remove(turn)

    def abandon(self, turn: Turn) -> None:
        with self._lock:
            waited_for = turn in self._turns and not turn.abandoned
            turn.abandoned = True
            if waited_for:
                self._look()  # from here on, what is changed where nobody runs is the program's own doing

    def _somebody_waits(self) -> bool:
        """Whether there is a turn that was not abandoned: where there is none, the program is at work, too."""
        return not all(turn.abandoned for turn in self._turns)

    def _look(self) -> None:
        """See what the turns that run now have changed since the last look, and put it back."""
        assert self._before is not None
        abandoned = [turn for turn in self._turns if turn.abandoned]
        suspects = [turn for turn in (abandoned or self._turns) if not turn.trusted]
        passing = frozenset() if self._alone else _FOR_A_WHILE
        now = snapshot()
        found = [change for change in changes(self._before, now) if not change.by_import and change.name not in passing]
        for change in found if suspects else ():
            change.put_back()
            for turn in suspects:
                beside = ", ".join(other.name for other in suspects if other is not turn)
                doubt = f" (or {beside} did, beside which it ran: --threads 1 or --isolate tells)" if beside else ""
                turn.lines.append(change.line + doubt)
        self._before = snapshot() if found and suspects else now


_room = _Room()
