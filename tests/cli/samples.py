"""Typing commands in this process, data to type them on, and what then is in the store."""

from __future__ import annotations

import io
import json
import logging
import shlex
import sqlite3
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["FOREST", "Typed", "payments", "stored", "type_in"]

FOREST = "--detector isolation_forest:trees=10 --threads 1"
"""Options of a run that takes little time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What came of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout, which is of schema 1."""
        found = json.loads(self.out)
        assert found["schema"] == 1
        return found


@contextmanager
def as_it_was(logger: logging.Logger) -> Iterator[None]:
    """Give a logger back its level and its handlers."""
    level, handlers = logger.level, list(logger.handlers)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def type_in(text: str) -> Typed:
    """Run a command as it would be typed after `anomalist`; the logging of this process stays as it was."""
    out, err = io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        for name in ("", "anomalist", "anomalist_plugins"):
            stack.enter_context(as_it_was(logging.getLogger(name)))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        code = run(shlex.split(text))
    return Typed(code=code, out=out.getvalue(), err=err.getvalue())


def payments(rows: int = 60, **change: Callable[[int, str], str] | None) -> str:
    """A CSV file of payments; rows 7 and 42 are frauds. A column is changed by a function of row and value, or dropped.

    A column of an unknown name is added.
    """
    rng = np.random.default_rng(3)
    columns = {
        "id": [f"r{i}" for i in range(rows)],
        "amount": [f"{500 if i in (7, 42) else x:.2f}" for i, x in enumerate(rng.normal(50, 5, rows))],
        "weight": [f"{x:.3f}" for x in rng.gamma(2.0, size=rows)],
        "city": [("Basel", "Bern", "Chur")[i % 3] for i in range(rows)],
        "when": [f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(rows)],
        "fraud": [str(int(i in (7, 42))) for i in range(rows)],
    }
    for name, function in change.items():
        before = columns.pop(name, [""] * rows)
        if function is not None:
            columns[name] = [function(i, value) for i, value in enumerate(before)]
    lines = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


def stored(home: Path) -> dict[str, list[Any]]:
    """What is in a data folder, as far as a user can see it."""
    found: dict[str, list[Any]] = {
        "runs": [],
        "finished": [],
        "models": [],
        "scores": [(0,)],
        "verdicts": [(0,)],
        "folders": [],
    }
    if (home / "models").is_dir():
        found["folders"] = sorted(folder.name for folder in (home / "models").iterdir())
    if (home / "anomalist.db").exists():
        with closing(sqlite3.connect(home / "anomalist.db")) as database:
            found["runs"] = database.execute("SELECT slug, status FROM run ORDER BY id").fetchall()
            found["finished"] = [slug for slug, status in found["runs"] if status in ("done", "partial")]
            found["models"] = database.execute("SELECT name, version, hash FROM model ORDER BY id").fetchall()
            found["verdicts"] = database.execute("SELECT count(*) FROM feedback").fetchall()
            found["scores"] = database.execute("SELECT count(*) FROM score").fetchall()
    return found
