"""Runs, members and thresholds: the queries behind `Store`. Every function works inside a transaction of the caller."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from anomalist.errors import ParameterError, StoreError, UnknownNameError
from anomalist.store.connection import one_line
from anomalist.store.lease import lease_end, process_is_gone, this_host
from anomalist.store.rows import DatasetRow, MemberRow, RunRow, RunStatus, ThresholdRow
from anomalist.store.tables import dataset, model, run, run_member, threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from anomalist.store.rows import Kind

__all__ = [
    "add_members",
    "add_run",
    "add_threshold",
    "end_run",
    "find_run",
    "members_of",
    "recent_runs",
    "renew",
    "threshold_of",
    "trials_of",
]

LETTERS = "abcdefghjkmnpqrstuvwxyz"  # without i, l and o, which look like 1 and 0; so no id is "latest" either
DIGITS = "23456789"
ID_LENGTH = 6

RUN_COLUMNS = (
    run,
    dataset.c.fingerprint,
    dataset.c.rows.label("dataset_rows"),
    dataset.c.columns.label("dataset_columns"),
    model.c.name.label("model_name"),
    model.c.version.label("model_version"),
)
RUNS = sa.select(*RUN_COLUMNS).select_from(run.join(dataset).outerjoin(model))

QUESTION = run.c.params["trial"]["question"].as_string()
"""What the search of a trial was asked; NULL for a run that is no trial."""


def new_slug() -> str:
    """Draw an id that is easy to read out and to type: it begins with a letter and has no look-alikes."""
    return secrets.choice(LETTERS) + "".join(secrets.choice(LETTERS + DIGITS) for _ in range(ID_LENGTH - 1))


def add_run(
    connection: Connection,
    *,
    kind: Kind,
    data: DatasetRow,
    model_id: int | None,
    params: Mapping[str, Any],
    seed: int,
) -> str:
    """Add a running run, and its dataset where the store does not have it yet; returns the id of the run."""
    if not -(2**63) <= seed < 2**63:
        raise ParameterError(f"seed must fit in 64 bits, got {seed}")
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    now = datetime.now(UTC)
    connection.execute(
        insert(dataset)
        .values(
            fingerprint=data.fingerprint,
            source=one_line(data.source),
            rows=data.rows,
            columns=list(data.columns),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["fingerprint"])
    )
    dataset_id = connection.scalar(sa.select(dataset.c.id).where(dataset.c.fingerprint == data.fingerprint))
    while True:
        slug = new_slug()
        added = connection.execute(
            insert(run)
            .values(
                slug=slug,
                kind=kind,
                status="running",
                dataset_id=dataset_id,
                model_id=model_id,
                source=one_line(data.source),
                params=params,
                seed=int(seed),
                notes=[],
                started_at=now,
                host=this_host(),
                pid=os.getpid(),
                lease_until=lease_end(),
            )
            .on_conflict_do_nothing(index_elements=["slug"])
        )
        if added.rowcount:
            return slug


def renew(connection: Connection, slug: str) -> bool:
    """Prolong the lease; False where the run is not running."""
    statement = sa.update(run).where(run.c.slug == slug, run.c.status == "running").values(lease_until=lease_end())
    return connection.execute(statement).rowcount == 1


def end_run(connection: Connection, slug: str, status: RunStatus, **values: Any) -> tuple[int, int]:
    """Give a running run its final status; returns its number and the number of rows of its dataset.

    Raises:
        StoreError: It is not running any more.
        UnknownNameError: There is no such run.
    """
    ended = connection.execute(
        sa.update(run)
        .where(run.c.slug == slug, run.c.status == "running")
        .values(status=status, finished_at=datetime.now(UTC), **values)
    )
    query = sa.select(run.c.id, run.c.status, dataset.c.rows).join_from(run, dataset).where(run.c.slug == slug)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise UnknownNameError(f"no run {slug!r}")
    if ended.rowcount != 1:
        raise StoreError(f"run {slug} is already {found.status}: a run ends once")
    return found.id, found.rows


def find_run(connection: Connection, name: str, *, scored: bool = False) -> tuple[int, RunRow]:
    """Find a run by its id, the beginning of it, or `latest`; returns its number and its row.

    With `scored`, `latest` is the newest run that has scores, where there is one; it is never a trial of a search.

    Raises:
        UnknownNameError: No run, or more than one, is called so.
    """
    newest_first = RUNS.order_by(run.c.id.desc())
    if name == "latest":
        newest_first = newest_first.where(QUESTION.is_(None))
        with_scores = newest_first.where(run.c.flagged.is_not(None)).limit(1)
        found = connection.execute(with_scores).all() if scored else []
        found = found or connection.execute(newest_first.limit(1)).all()
        if not found:
            raise UnknownNameError("the store has no run yet: make one with `anomalist run DATA`")
    else:
        wanted = run.c.slug.startswith(name.lower(), autoescape=True)
        found = connection.execute(newest_first.where(wanted).limit(4)).all() if name else []
    if not found:
        raise UnknownNameError(f"no run {name!r}: `anomalist runs` lists them")
    if len(found) > 1:
        some = ", ".join(row.slug for row in found[:3])
        raise UnknownNameError(f"{name!r} is the beginning of several runs ({some}, ...): give more of it")
    return int(found[0].id), _run_row(found[0])


def recent_runs(connection: Connection, limit: int, *, trials: bool) -> list[RunRow]:
    """The newest runs, the newest first, with the trials of searches or without."""
    wanted = RUNS if trials else RUNS.where(QUESTION.is_(None))
    return [_run_row(row) for row in connection.execute(wanted.order_by(run.c.id.desc()).limit(limit))]


def trials_of(connection: Connection, question: str) -> list[RunRow]:
    """The trials of all searches that were asked the same, the oldest first."""
    return [_run_row(row) for row in connection.execute(RUNS.where(question == QUESTION).order_by(run.c.id))]


def _run_row(row: sa.Row[Any]) -> RunRow:
    return RunRow(
        id=row.slug,
        kind=row.kind,
        status=_shown_status(row),
        dataset=DatasetRow(
            fingerprint=row.fingerprint, source=row.source, rows=row.dataset_rows, columns=tuple(row.dataset_columns)
        ),
        model=None if row.model_name is None else (row.model_name, row.model_version),
        params=row.params,
        seed=row.seed,
        flagged=row.flagged,
        results=row.results,
        notes=tuple(row.notes),
        error=row.error,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _shown_status(row: sa.Row[Any]) -> RunStatus:
    """A run that should be running, but whose lease ran out or whose process is gone, has crashed."""
    status: RunStatus = row.status
    if status == "running" and (row.lease_until < datetime.now(UTC) or process_is_gone(row.host, row.pid)):
        return "crashed"
    return status


def add_members(connection: Connection, run_id: int, members: Sequence[MemberRow]) -> None:
    """Add the panel, in its order."""
    if members:
        connection.execute(
            sa.insert(run_member),
            [
                {
                    "run_id": run_id,
                    "position": position,
                    "name": member.name,
                    "detector": member.detector,
                    "package": member.package,
                    "params": member.params,
                    "status": member.status,
                    "seconds": float(member.seconds),
                    "error": None if member.error is None else one_line(member.error),
                    "notes": [one_line(note) for note in member.notes],
                }
                for position, member in enumerate(members)
            ],
        )


def members_of(connection: Connection, run_id: int) -> list[MemberRow]:
    """The panel, in its order."""
    query = sa.select(run_member).where(run_member.c.run_id == run_id).order_by(run_member.c.position)
    return [
        MemberRow(
            name=row.name,
            detector=row.detector,
            package=row.package,
            params=row.params,
            status=row.status,
            seconds=row.seconds,
            error=row.error,
            notes=tuple(row.notes),
        )
        for row in connection.execute(query)
    ]


def add_threshold(connection: Connection, run_id: int, row: ThresholdRow) -> None:
    """Add the threshold in force."""
    value = None if row.value is None else float(row.value)
    connection.execute(
        sa.insert(threshold).values(run_id=run_id, policy=row.policy, settings=row.settings, value=value)
    )


def threshold_of(connection: Connection, run_id: int) -> ThresholdRow | None:
    """The threshold in force, or None for a run without one."""
    row = connection.execute(sa.select(threshold).where(threshold.c.run_id == run_id)).one_or_none()
    return None if row is None else ThresholdRow(policy=row.policy, settings=row.settings, value=row.value)
