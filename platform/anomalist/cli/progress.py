"""The progress bar on stderr."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anomalist.engine.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as RichProgress

    from anomalist.cli.app import App
    from anomalist.engine.fitting.report import MemberReport
    from anomalist.engine.progress import Progress

__all__ = ["progress_bar"]


class _Bar:
    """Draws stages and members as one line."""

    def __init__(self, progress: RichProgress) -> None:
        self._progress = progress
        self._task = progress.add_task("reading", total=None)
        self._waiting: list[str] = []

    def stage(self, name: str, /) -> None:
        self._progress.update(self._task, description=name, total=None)

    def members(self, names: list[str], /) -> None:
        self._waiting = list(names)
        self._progress.update(self._task, completed=0, total=len(names))
        self._describe()

    def member(self, report: MemberReport, /) -> None:
        self._waiting.remove(report.seat.name)
        self._progress.advance(self._task)
        self._describe()

    def _describe(self) -> None:
        self._progress.update(self._task, description=f"detectors: {', '.join(self._waiting) or 'done'}")


@contextmanager
def progress_bar(app: App) -> Iterator[Progress]:
    """A progress bar on stderr where that is a terminal and nobody asked for quiet."""
    if not app.show_progress:
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: list[Any] = [
        SpinnerColumn(),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        yield _Bar(drawn)
