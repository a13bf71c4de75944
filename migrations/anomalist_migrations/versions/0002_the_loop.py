"""What the loop needs: tokens of feedback, the log of promotions, and the probability of each scored row.

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

    sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("feedback", sa.Column("token", sa.Text(), nullable=True))
    random = "lower(hex(randomblob(16)))" if sqlite else "replace(gen_random_uuid()::text, '-', '')"
    op.execute(f"UPDATE feedback SET token = {random}")  # noqa: S608 - constants
    with op.batch_alter_table("feedback") as feedback:  # SQLite writes the table anew to add a constraint
        feedback.alter_column("token", existing_type=sa.Text(), nullable=False)
        feedback.create_unique_constraint(op.f("uq_feedback_token"), ["token"])


def downgrade() -> None:
    with op.batch_alter_table("feedback") as feedback:
        feedback.drop_constraint(op.f("uq_feedback_token"), type_="unique")
        feedback.drop_column("token")
    op.drop_table("promotion")
    op.execute("DROP VIEW top_scores")
    op.drop_column("score", "probability")
    op.execute(FIRST_VIEW)
