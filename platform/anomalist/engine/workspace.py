"""Workspace: an open store, the plugins and an executor; every use-case starts here."""

from __future__ import annotations

import logging
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from anomalist.engine.execution.executor import Threads
from anomalist.engine.models import files as model_files
from anomalist.engine.progress import Silent
from anomalist.errors import StoreError, UsageError, one_line
from anomalist.store.repository import Store
from anomalist.store.rows import DatasetRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from anomalist.config import Settings
    from anomalist.data.table import Table
    from anomalist.engine.execution.executor import Executor
    from anomalist.engine.progress import Progress
    from anomalist.engine.runs.result import RunResult
    from anomalist.ensemble.model import Model
    from anomalist.plugins.registry import Registry
    from anomalist.store.rows import Kind, ModelRow

__all__ = ["Workspace"]

_log = logging.getLogger(__name__)
_REFERENCE = re.compile(r"(?P<name>[^@:\s]+)(?:@(?P<alias>[^@:\s]+)|:(?P<version>\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workspace:
    """What every use-case needs; use it as a context manager, or close it.

    Attributes:
        store: The open store.
        registry: The plugins.
        models: The folder of model files.
        executor: Runs the members of a panel.
        progress: Hears how it goes.
        trust_pickle: Whether models with pickles, which can execute code, are read.
    """

    store: Store
    registry: Registry
    models: Path
    executor: Executor = field(default_factory=Threads)
    progress: Progress = field(default_factory=Silent)
    trust_pickle: bool = False

    @classmethod
    def open(cls, settings: Settings, registry: Registry, *, progress: Progress | None = None) -> Self:
        """Open the store that the settings name.

        Raises:
            StoreError: It cannot be opened, or needs a migration.
        """
        return cls(
            store=Store.open(settings.store, data_home=settings.data_home),
            registry=registry,
            models=settings.data_home / "models",
            executor=Threads(workers=settings.threads or os.cpu_count() or 1, timeout=settings.timeout),
            progress=progress or Silent(),
            trust_pickle=settings.trust_pickle,
        )

    def announce(self, result: RunResult) -> None:
        """Tell the plugins that observe runs; what goes wrong in one is logged and harms nothing."""
        for line in self.registry.manager.run_finished(result.to_dict()):
            _log.warning(line)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, reference: str) -> ModelRow:
        """The model that a user named: `NAME` (its champion), `NAME@alias` or `NAME:version`.

        Raises:
            UsageError: The reference is not of that form.
            UnknownNameError: There is no such model.
        """
        if not isinstance(reference, str):  # in Python, where `run.model` is at hand
            kind = type(reference).__name__
            raise UsageError(f"a model is named by a text such as that of run.model_name, got a {kind}")
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise UsageError(f"a model is named NAME, NAME@alias or NAME:version, got {reference!r}")
        version = match["version"]
        return self.store.model(match["name"], version=int(version) if version else None, alias=match["alias"])

    def load(self, reference: str) -> tuple[Model, ModelRow]:
        """Find a model and read its files.

        Raises:
            UsageError: The reference is not of the form that `find` takes.
            UnknownNameError: There is no such model.
            ModelFileError: Its files are missing or damaged, or hold a pickle and are not trusted.
        """
        row = self.find(reference)
        model = model_files.load(
            self.models,
            row.hash,
            self.registry,
            name=f"{row.name}:{row.version}",
            executor=self.executor,
            trust_pickle=self.trust_pickle,
        )
        return model, row

    @contextmanager
    def running(
        self, kind: Kind, table: Table, *, params: Mapping[str, Any], seed: int = 0, model: ModelRow | None = None
    ) -> Iterator[str]:
        """Keep a run alive in the store while the body works; give its id.

        The body commits the run. Where it raises, the run is stored as failed, or as cancelled when interrupted.
        """
        dataset = DatasetRow(
            fingerprint=table.fingerprint, source=table.source, rows=len(table), columns=tuple(table.frame.columns)
        )
        run_id = self.store.start_run(kind, dataset, params=params, seed=seed, model=model)
        with self.store.lease(run_id):
            try:
                yield run_id
            except KeyboardInterrupt:
                with suppress(StoreError):  # a run that was already stored stays as it is
                    self.store.cancel_run(run_id)
                raise
            except Exception as error:
                with suppress(StoreError):  # what went wrong first is what the user must hear
                    self.store.fail_run(run_id, one_line(error))
                raise
