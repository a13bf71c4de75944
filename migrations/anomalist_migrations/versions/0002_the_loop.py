"""What the loop needs: tokens of feedback, the log of promotions, and what was learned of each scored row.

Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FIRST_VIEW = """
CREATE VIEW top_scores AS
SELECT run.slug AS run, score.rank AS rank, score.key AS key, score.score AS score, score.level AS level,
       score.flagged AS flagged, record.members AS members, record.reasons AS reasons
FROM record
JOIN score ON score.run_id = record.run_id AND score.row = record.row
JOIN run ON run.id = record.run_id
"""
VIEW = FIRST_VIEW.replace("score.flagged AS flagged", "score.probability AS probability, score.flagged AS flagged")


def upgrade() -> None:
    op.execute("DROP VIEW top_scores")
    op.add_column("score", sa.Column("probability", sa.Double(), nullable=True))
    op.add_column("record", sa.Column("moved", sa.JSON(none_as_null=True), nullable=True))
    op.execute(VIEW)

    op.create_table(
        "promotion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("replaced_id", sa.Integer(), nullable=True),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("how IN ('first', 'better', 'asked', 'rollback')", name=op.f("ck_promotion_how")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_promotion_model_id")),
        sa.ForeignKeyConstraint(["replaced_id"], ["model.id"], name=op.f("fk_promotion_replaced_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_promotion_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion")),
    )
    # Until now only the first model of a name became its champion, so that nothing is lost here.
    op.execute(
        """
        INSERT INTO promotion (model_id, how, run_id, created_at)
        SELECT model.id, 'first', run.id, model_alias.set_at
        FROM model_alias
        JOIN model ON model.id = model_alias.model_id
        LEFT JOIN run ON run.slug = model.made_by
        WHERE model_alias.alias = 'champion'
        ORDER BY model_alias.set_at, model.id
        """
    )

    if op.get_bind().dialect.name == "sqlite":
        _rebuild_feedback(with_token=True)
    else:
        op.add_column("feedback", sa.Column("token", sa.Text(), nullable=True))
        op.execute("UPDATE feedback SET token = replace(gen_random_uuid()::text, '-', '')")
        op.alter_column("feedback", "token", nullable=False)
        op.create_unique_constraint(op.f("uq_feedback_token"), "feedback", ["token"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_feedback(with_token=False)
    else:
        op.drop_column("feedback", "token")
    op.drop_table("promotion")
    op.execute("DROP VIEW top_scores")
    op.drop_column("record", "moved")
    op.drop_column("score", "probability")
    op.execute(FIRST_VIEW)


def _rebuild_feedback(*, with_token: bool) -> None:
    """Write the table anew with or without its tokens, which SQLite cannot add in place.

    Alembic's own way of it fails on this table: its copy refers to the old one, which then cannot be dropped.
    """
    token: list[sa.schema.SchemaItem] = []
    if with_token:
        token = [
            sa.Column("token", sa.Text(), nullable=False),
            sa.UniqueConstraint("token", name=op.f("uq_feedback_token")),
        ]
    columns = (
        'id, dataset_id, "key", verdict, cause, note, analyst, asked, probability, run_id, row_values, supersedes, '
        "created_at"
    )
    op.execute("CREATE TABLE feedback_before AS SELECT * FROM feedback")
    op.drop_table("feedback")
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("analyst", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("row_values", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *token,
        sa.CheckConstraint("asked IN ('top', 'uncertain', 'random', 'search')", name=op.f("ck_feedback_asked")),
        sa.CheckConstraint(
            "verdict IN ('anomaly', 'expected', 'false_alarm', 'new_normal', 'unsure')",
            name=op.f("ck_feedback_verdict"),
        ),
        sa.CheckConstraint("probability > 0 AND probability <= 1", name=op.f("ck_feedback_probability")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_feedback_dataset_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_feedback_run_id")),
        sa.ForeignKeyConstraint(["supersedes"], ["feedback.id"], name=op.f("fk_feedback_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_feedback_supersedes")),
    )
    filled, values = columns, columns
    if with_token:
        filled, values = f"{columns}, token", f"{columns}, lower(hex(randomblob(16)))"
    op.execute(f"INSERT INTO feedback ({filled}) SELECT {values} FROM feedback_before ORDER BY id")  # noqa: S608 - constants
    op.drop_table("feedback_before")
    op.create_index("ix_feedback_dataset_id_key", "feedback", ["dataset_id", "key"])
