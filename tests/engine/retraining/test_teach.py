"""Teaching: the panel and the verdicts put together, the share of anomalies that is expected, and the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from anomalist.data.table import Table
from anomalist.engine.feedback.verdicts import settle
from anomalist.engine.fitting.fit import Earlier
from anomalist.engine.fitting.request import RunOptions, ThresholdRequest
from anomalist.engine.models.stackers import recipe_from_text
from anomalist.engine.retraining.rejoin import rejoin
from anomalist.engine.retraining.teach import rate_expected, taught
from anomalist.store.rows import NewFeedback
from tests.engine.looping import PANEL, asked, is_fraud, payments, truth, verdicts

if TYPE_CHECKING:
    from anomalist.engine.retraining.rejoin import Panel
    from anomalist.engine.retraining.teach import Taught
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow

BUDGET = ThresholdRequest(parameter=0.02)


def panel_of(workspace: Workspace, table: Table, members: Any = "reuse") -> Panel:
    model, _ = workspace.load("m")
    return rejoin(
        workspace, Earlier(model=model, reference="m:1"), table, RunOptions(detectors=PANEL), members=members
    )()


def teach(workspace: Workspace, panel: Panel, request: ThresholdRequest = BUDGET, stacker: str = "gp") -> Taught:
    judged = settle(workspace.store.feedback())
    recipe = recipe_from_text(workspace.registry, stacker)
    return taught(panel, judged, recipe, request, seed=0, position=workspace.store.feedback_position())


def test_where_nobody_has_said_anything_the_consensus_stays_the_score(workspace: Workspace, table: Table) -> None:
    panel = panel_of(workspace, table)
    found = teach(workspace, panel)
    assert (found.verdicts, found.anomalies, found.model.stack, found.scores.probability) == (0, 0, None, None)
    np.testing.assert_array_equal(found.scores.score, panel.evidence.consensus)
    assert found.scores.flagged.sum() == 8  # 2 % of 400, as it was asked for


def test_the_model_says_of_the_table_what_is_in_its_scores(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 30))
    for members in ("reuse", "refit"):
        found = teach(workspace, panel_of(workspace, table, members))
        again = found.model.score(table)
        np.testing.assert_allclose(again.score, found.scores.score, rtol=1e-12)
        np.testing.assert_array_equal(again.flagged, found.scores.flagged)
        assert again.probability is not None
        assert found.scores.probability is not None
        np.testing.assert_allclose(again.probability, found.scores.probability, rtol=1e-12)
        assert found.scores.flagged.sum() == 8
        assert found.model.reference is not None
        assert found.model.reference.rows == 400
        assert found.model.reference.flagged == 8


def test_a_threshold_from_labels_is_that_of_what_was_learned(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 60))
    labelled = table.frame.with_columns(fraud=np.asarray(truth(table), dtype=np.int8))
    again = Table.from_frame(labelled, key="id", label="fraud", source=table.source)
    panel = panel_of(workspace, again)
    found = teach(workspace, panel, ThresholdRequest(policy="labels", parameter=1.0))
    assert found.verdicts == 60  # by value: the label makes it another dataset
    assert (found.scores.flagged == truth(again)).mean() > 0.97


def test_the_share_that_is_expected_follows_what_random_rows_were(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    panel = panel_of(workspace, table)
    rows = np.random.default_rng(0).permutation(400)[:60]
    entries = [
        NewFeedback(
            fingerprint=table.fingerprint,
            key=table.keys[int(row)],
            verdict="anomaly" if is_fraud(table.values(int(row))) else "expected",
            analyst="ann",
            values=table.values(int(row)),
            asked="random",
            probability=0.0025,
        )
        for row in rows
    ]
    workspace.store.add_feedback(entries)
    judged = settle(workspace.store.feedback())
    drawn = truth(table)[rows].mean()
    for request, guess in (
        (ThresholdRequest(parameter=0.2), 0.2),
        (ThresholdRequest(parameter=4), 0.01),
        (ThresholdRequest(policy="fpr", parameter=0.3), 0.01),
        (ThresholdRequest(policy="none"), 0.01),
        (ThresholdRequest(parameter=100_000), 0.5),
    ):
        found = rate_expected(judged, request, panel)
        low, high = sorted((guess, drawn))
        assert low <= found <= high  # between the guess and what was seen
    model = teach(workspace, panel).model
    assert model.stack is not None
    assert model.score(table).probability.mean() == pytest.approx(model.stack.about["rate"], rel=0.05)  # type: ignore[union-attr]


def test_of_rows_from_elsewhere_nobody_knows_how_many_there_are(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    keys = asked(workspace, made.id, 30)
    verdicts(workspace, table, keys)
    judged = settle(workspace.store.feedback())
    panel, other = panel_of(workspace, table), panel_of(workspace, Table.from_frame(payments(seed=3), key="id"))
    found = [row for row in judged if row.label]
    assert rate_expected(judged, BUDGET, panel) >= len(found) / 400  # those that were found are there
    assert rate_expected(judged, BUDGET, other) == pytest.approx(0.02)


def test_members_that_are_kept_are_not_fitted_and_what_was_learned_before_is_put_aside(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 30))
    model = teach(workspace, panel_of(workspace, table)).model
    kept = rejoin(
        workspace, Earlier(model=model, reference="m:2"), table, RunOptions(detectors=PANEL), members="reuse"
    )()
    assert kept.model.stack is None
    assert kept.model.members == model.members
    np.testing.assert_array_equal(kept.evidence.consensus, workspace.store.scores(made.id).score)
    assert [report.status for report in kept.reports] == ["done", "done"]
