"""The tables of the store, typed, and its one view. The migrations build the same; a test holds the two equal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa

from anomalist.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = [
    "BLOCK_ROWS",
    "TOP_SCORES",
    "VERSION_TABLE",
    "UtcTime",
    "dataset",
    "feedback",
    "metadata",
    "model",
    "model_alias",
    "promotion",
    "record",
    "run",
    "run_member",
    "score",
    "score_block",
    "threshold",
]

BLOCK_ROWS = 65_536
"""The rows of one block of member scores; part of the stored format, never to be changed."""

VERSION_TABLE = "anomalist_version"
"""Where Alembic keeps the revision: its own name, so that a database may be shared with another application."""


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, ISO text on SQLite; a datetime without a zone is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into UTC; SQLite keeps it without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise StoreError(f"a time must have a zone, got {value.isoformat()}")
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give a stored moment its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


_Type: TypeAlias = sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]


def _json() -> sa.JSON:
    return sa.JSON(none_as_null=True)


def _column(name: str, kind: _Type, *rest: Any, null: bool = False, **options: Any) -> sa.Column[Any]:
    """A column that refuses NULL unless told otherwise."""
    return sa.Column(name, kind, *rest, nullable=null, **options)


dataset = sa.Table(
    "dataset",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _column("fingerprint", sa.Text, unique=True),
    _column("source", sa.Text),
    _column("rows", sa.Integer),
    _column("columns", _json()),
    _column("created_at", UtcTime),
)

model = sa.Table(
    "model",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _column("name", sa.Text),
    _column("version", sa.Integer),
    _column("hash", sa.Text),
    _column("details", _json()),
    # The run that made it. Not a foreign key: `run.model_id` is one, and runs are never deleted, so a second one that
    # closes a circle would buy nothing and could not be created the same way on both databases.
    _column("made_by", sa.Text, unique=True),
    _column("created_at", UtcTime),
    sa.UniqueConstraint("name", "version"),
)

model_alias = sa.Table(
    "model_alias",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("alias", sa.Text, primary_key=True),
    _column("model_id", sa.Integer, sa.ForeignKey("model.id")),
    _column("set_at", UtcTime),
)

promotion = sa.Table(
    "promotion",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _column("model_id", sa.Integer, sa.ForeignKey("model.id")),
    _column("replaced_id", sa.Integer, sa.ForeignKey("model.id"), null=True),  # NULL where nothing was champion before
    _column("how", sa.Text),
    _column("run_id", sa.Integer, sa.ForeignKey("run.id"), null=True),
    _column("created_at", UtcTime),
    sa.CheckConstraint("how IN ('first', 'better', 'asked', 'rollback')", name="how"),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _column("slug", sa.Text, unique=True),
    _column("kind", sa.Text),
    _column("status", sa.Text),
    _column("dataset_id", sa.Integer, sa.ForeignKey("dataset.id")),
    _column("model_id", sa.Integer, sa.ForeignKey("model.id"), null=True),
    _column("source", sa.Text),
    _column("params", _json()),
    _column("seed", sa.BigInteger),
    _column("flagged", sa.Integer, null=True),
    _column("results", _json(), null=True),
    _column("notes", _json()),
    _column("error", sa.Text, null=True),
    _column("started_at", UtcTime),
    _column("finished_at", UtcTime, null=True),
    _column("host", sa.Text),
    _column("pid", sa.Integer),
    _column("lease_until", UtcTime),
    sa.CheckConstraint("kind IN ('fit', 'score', 'evaluate', 'retrain')", name="kind"),
    sa.CheckConstraint("status IN ('running', 'done', 'partial', 'failed', 'cancelled')", name="status"),
)

run_member = sa.Table(
    "run_member",
    metadata,
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    _column("name", sa.Text),
    _column("detector", sa.Text),
    _column("package", sa.Text),
    _column("params", _json()),
    _column("status", sa.Text),
    _column("seconds", sa.Double),
    _column("error", sa.Text, null=True),
    _column("notes", _json()),
    sa.UniqueConstraint("run_id", "name"),
    sa.CheckConstraint("status IN ('done', 'failed', 'timed_out', 'skipped')", name="status"),
)

threshold = sa.Table(
    "threshold",
    metadata,
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), primary_key=True),
    _column("policy", sa.Text),
    _column("settings", _json()),
    _column("value", sa.Double, null=True),
)

score = sa.Table(
    "score",
    metadata,
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),
    _column("key", sa.Text),
    _column("score", sa.Double),
    _column("level", sa.Double),
    _column("flagged", sa.Boolean),
    _column("rank", sa.Integer),
    _column("probability", sa.Double, null=True),  # NULL where the model has learned from no verdict
    sqlite_with_rowid=False,
)

sa.Index(
    "ix_score_flagged",
    score.c.run_id,
    score.c.rank,
    # SQLite takes a partial index only where the query repeats its condition, and SQLAlchemy asks `flagged = 1`.
    sqlite_where=sa.text("flagged = 1"),
    postgresql_where=sa.text("flagged"),
)

score_block = sa.Table(
    "score_block",
    metadata,
    sa.Column("run_id", sa.Integer, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("block", sa.Integer, primary_key=True),
    _column("data", sa.LargeBinary),
    sa.ForeignKeyConstraint(["run_id", "position"], ["run_member.run_id", "run_member.position"]),
)

record = sa.Table(
    "record",
    metadata,
    sa.Column("run_id", sa.Integer, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),
    _column("key", sa.Text),
    _column("row_values", _json()),
    _column("reasons", _json()),
    _column("members", _json()),
    _column("moved", _json(), null=True),  # what verdicts changed; NULL where nothing was learned from any
    sa.UniqueConstraint("run_id", "key"),
    sa.ForeignKeyConstraint(["run_id", "row"], ["score.run_id", "score.row"]),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _column("dataset_id", sa.Integer, sa.ForeignKey("dataset.id")),
    _column("key", sa.Text),
    _column("verdict", sa.Text, null=True),  # NULL takes back the verdict that it supersedes
    _column("cause", sa.Text, null=True),
    _column("note", sa.Text, null=True),
    _column("analyst", sa.Text),
    _column("asked", sa.Text, null=True),  # NULL where nobody was asked, for example an import
    _column("probability", sa.Double, null=True),
    _column("run_id", sa.Integer, sa.ForeignKey("run.id"), null=True),
    _column("row_values", _json()),
    _column("supersedes", sa.Integer, sa.ForeignKey("feedback.id"), null=True, unique=True),
    _column("created_at", UtcTime),
    _column("token", sa.Text, unique=True),  # a writer that is not sure it was heard says the same again under it
    sa.Index("ix_feedback_dataset_id_key", "dataset_id", "key"),
    sa.CheckConstraint(
        "verdict IN ('anomaly', 'expected', 'false_alarm', 'new_normal', 'unsure')",
        name="verdict",
    ),
    sa.CheckConstraint("asked IN ('top', 'uncertain', 'random', 'search')", name="asked"),
    sa.CheckConstraint("probability > 0 AND probability <= 1", name="probability"),
)

TOP_SCORES = """
CREATE VIEW top_scores AS
SELECT run.slug AS run, score.rank AS rank, score.key AS key, score.score AS score, score.level AS level,
       score.probability AS probability, score.flagged AS flagged, record.members AS members, record.reasons AS reasons
FROM record
JOIN score ON score.run_id = record.run_id AND score.row = record.row
JOIN run ON run.id = record.run_id
""".strip()
"""For analysts: the recorded rows of every run, with the level that each member gave, as JSON."""
