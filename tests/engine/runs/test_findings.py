"""Findings: which rows are worth a look, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.findings import findings_of, worth_a_look
from anomalist.engine.runs.run import run
from anomalist.ensemble.model import Scores

if TYPE_CHECKING:
    from anomalist.data.table import Table
    from anomalist.engine.workspace import Workspace


def scores(values: list[float], flagged: list[int]) -> Scores:
    score = np.array(values)
    chosen = np.isin(np.arange(score.size), flagged)
    return Scores(members=("a",), surprises=score[:, None], score=score, flagged=chosen)


@pytest.mark.parametrize(
    ("flagged", "top", "expected"),
    [([], 2, [3, 1]), ([3, 1, 4], 2, [3, 1, 4]), ([3], 3, [3, 1, 4]), ([], 99, [3, 1, 4, 2, 0]), ([], 0, [])],
)
def test_the_flagged_rows_and_the_highest_are_worth_a_look(flagged: list[int], top: int, expected: list[int]) -> None:
    assert worth_a_look(scores([1.0, 4.0, 2.0, 5.0, 4.0], flagged), top).tolist() == expected


def test_a_finding_says_what_the_scores_say(workspace: Workspace, table: Table) -> None:
    result = run(workspace, table, RunOptions(detectors=("distance", "explaining:power=1")))
    found = findings_of(result.model, table, result.model.encoder.encode(table), result.scores, np.array([100, 7, 5]))
    assert [finding.row for finding in found] == [100, 7, 5]
    for finding in found:
        assert finding.key == f"r{finding.row}"
        assert finding.score == result.scores.score[finding.row]
        assert finding.level == pytest.approx(1 - 2**-finding.score)
        assert finding.flagged == result.scores.flagged[finding.row]
        surprises = result.scores.surprises[finding.row]
        assert list(finding.members) == ["distance", "explaining"]
        assert list(finding.members.values()) == pytest.approx((1 - 2**-surprises).tolist())
        assert finding.values == table.values(finding.row)
        assert sum(reason.share for reason in finding.reasons) <= 1 + 1e-9
        shares = [reason.share for reason in finding.reasons]
        assert shares == sorted(shares, reverse=True)
    assert (
        findings_of(
            result.model, table, result.model.encoder.encode(table), result.scores, np.array([], dtype=np.int64)
        )
        == ()
    )


def test_a_finding_as_plain_values(workspace: Workspace, table: Table) -> None:
    result = run(workspace, table, RunOptions(detectors=("distance",)))
    shown = result.findings[0].to_dict()
    assert set(shown) == {"key", "row", "score", "level", "probability", "flagged", "members", "reasons", "moved"}
    assert set(shown["reasons"][0]) == {"column", "actual", "typical", "share"}
