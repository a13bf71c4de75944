"""The loop from Python: retrain a model from verdicts, watch its data, say which version serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anomalist.config import load_settings
from anomalist.engine.api.frames import columns_frame
from anomalist.engine.api.opening import meant, opened, several, table_of
from anomalist.engine.api.run import Run
from anomalist.engine.fitting.request import RetrainOptions
from anomalist.engine.models import promotion
from anomalist.engine.monitoring import monitor as monitoring
from anomalist.engine.retraining import retrain as retraining
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from anomalist.config import Settings
    from anomalist.engine.api.opening import Data
    from anomalist.engine.fitting.request import Members
    from anomalist.store.rows import Promotion

__all__ = ["Drift", "Retrained", "monitor", "promote", "retrain", "rollback"]


class Retrained(Run):
    """The run that made the next version of a model, and what became of that version."""

    def __init__(self, found: retraining.Retrained, settings: Settings) -> None:
        super().__init__(found.result, settings)
        self._found = found

    @property
    def promoted(self) -> bool:
        """Whether the new version is the champion now."""
        return self._found.outcome.promoted

    @property
    def champion(self) -> str:
        """The version that it was compared with, such as `payments:1`."""
        return self._found.outcome.champion

    @property
    def reason(self) -> str:
        """What the comparison says, in one line."""
        return self._found.outcome.reason

    @property
    def comparison(self) -> dict[str, Any] | None:
        """What was measured on verdicts, plain values; None where the two could not be compared."""
        found: dict[str, Any] | None = self._found.outcome.to_dict()["comparison"]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what `anomalist retrain --json` prints."""
        return self._found.to_dict()


class Drift:
    """What `monitor` found; it is stored as a run."""

    def __init__(self, found: monitoring.Monitoring) -> None:
        self._found = found

    @property
    def id(self) -> str:
        """The id of the run in the store."""
        return self._found.run.id

    @property
    def found(self) -> bool:
        """Whether anything has moved."""
        return self._found.drift.found

    @property
    def verdict(self) -> str:
        """What to make of it, in one line that begins with `drift`, `no drift` or `cannot tell`."""
        return self._found.drift.verdict

    @property
    def columns(self) -> pl.DataFrame:
        """What has become of each column that the model uses, in source order.

        column, role, moved, psi, ks, p (None where too little is known to tell), changed (what changed most),
        missing_before, missing_now, new_share and new_levels (levels that training never saw), why (in which ways it
        has moved).
        """
        return columns_frame(self._found.drift.columns)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of the data, one line each; the command line prints these as notes."""
        return self._found.run.notes

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what `anomalist monitor --json` prints, with the scores and the precision by verdicts."""
        name, version = self._found.run.model or (None, None)
        return {"run": self.id, "model": {"name": name, "version": version}, **self._found.drift.to_dict()}

    def __repr__(self) -> str:
        return f"<anomalist run {self.id}: {self.verdict}>"


def retrain(
    model: str,
    data: Data | None = None,
    *,
    key: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    label: str | None = None,
    positive: Iterable[str] | str | None = None,
    ignore: Iterable[str] = (),
    members: Members | None = None,
    stacker: str = "gp",
    promote: bool | None = None,
    budget: float | str | None = None,
    seed: int | None = None,
    device: str | None = None,
    clean: bool | None = None,
    threads: int | None = None,
    timeout: float | None = None,
    isolate: bool | None = None,
    memory: int | str | None = None,
    trust_pickle: bool | None = None,
    store: str | None = None,
) -> Retrained:
    """Make the next version of a model from all verdicts, compare it with the champion, promote it if it is better.

    Both are judged by verdicts that they were not taught when they are judged. What is not promoted stays as
    `NAME@challenger`. The arguments not listed are those of `score`.

    Args:
        model: The model to start from: `"name"` (its champion), `"name@alias"` or `"name:version"`.
        data: Rows to fit on or to score, in place of those of the model. Rows that came from a frame are not kept: a
            model of such rows needs them again.
        members: Keep the members (`"reuse"`), fit them anew (`"refit"`) or fit them on (`"warm-start"`); by default
            they are kept, and fitted anew where there are `data`.
        stacker: What learns from verdicts: `"gp"`, `"gp:local=4"`, `"logistic"`.
        promote: Promote the new version or not, whatever the comparison says.
        budget: Flag at most so many rows; by default as before.
        seed: Where all randomness starts; by default as before.
        device: Where deep detectors train; by default as before.
        clean: The rows to fit on are known to be normal, or not; by default as before.

    Raises:
        UsageError: There is nothing to learn, or the model does not know where its rows are: give `data`.
        AnomalistError: The data, the model or the store cannot be used; the message says what to do.
    """
    given = {"budget": budget, "seed": seed, "device": device}
    how = {"threads": threads, "timeout": timeout, "isolate": isolate, "memory": memory, "trust_pickle": trust_pickle}
    settings = load_settings({**given, "store": store, **how})
    columns = {"key": key, "time": time, "entity": entity, "label": label, "ignore": several(ignore)}
    if data is None and any(columns.values()):
        said = ", ".join(name for name in columns if columns[name])
        raise UsageError(f"how to read rows is said ({said}), but not which: give them as data")
    options = RetrainOptions(
        members=members or ("reuse" if data is None else "refit"),
        stacker=stacker,
        promote=promote,
        clean=clean,
        **{name: getattr(settings, name) for name, value in given.items() if value is not None},
    )
    with opened(settings) as workspace:
        table = source = None
        if data is not None:
            fitted, _ = workspace.load(model)
            table, source = table_of(data, workspace.registry, **columns, like=fitted.encoder.reading)
        found = retraining.retrain(
            workspace,
            model,
            options,
            table=table,
            origin=None if source is None else source.to_dict(),
            positive=meant(positive),
        )
        return Retrained(found, settings)


def monitor(
    model: str,
    data: Data,
    *,
    key: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    label: str | None = None,
    ignore: Iterable[str] = (),
    threads: int | None = None,
    timeout: float | None = None,
    isolate: bool | None = None,
    memory: int | str | None = None,
    trust_pickle: bool | None = None,
    store: str | None = None,
) -> Drift:
    """Say whether rows are still like those that a model was fitted on: each column, the scores, the share flagged.

    The arguments are those of `score`.

    Raises:
        AnomalistError: The data, the model or the store cannot be used; the message says what to do.
    """
    how = {"threads": threads, "timeout": timeout, "isolate": isolate, "memory": memory, "trust_pickle": trust_pickle}
    with opened(load_settings({"store": store, **how})) as workspace:
        fitted, row = workspace.load(model)
        table, source = table_of(
            data,
            workspace.registry,
            key=key,
            time=time,
            entity=entity,
            label=label,
            ignore=several(ignore),
            like=fitted.encoder.reading,
        )
        return Drift(monitoring.monitor(workspace, table, fitted, row, origin=source.to_dict()))


def promote(model: str, *, store: str | None = None) -> Promotion:
    """Make a version the champion, the one that is used where none is named: `"name:version"` or `"name@alias"`.

    `"name"` alone is its challenger.

    Raises:
        UnknownNameError: There is no such model, or it has no challenger.
        UsageError: The version is the champion already.
    """
    with opened(load_settings({"store": store})) as workspace:
        return promotion.promote(workspace, model)


def rollback(name: str, *, store: str | None = None) -> Promotion:
    """Go back to the version that the champion replaced; again, one step further.

    A version holds its detectors, its scale and its threshold, so that rows get exactly the scores that they had.

    Raises:
        UnknownNameError: There is no such model.
        UsageError: There is nothing to go back to.
    """
    with opened(load_settings({"store": store})) as workspace:
        return workspace.store.rollback(name)
