"""The benchmarks of ensembles: what they ask for can be missed, and who learns from what is as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import numpy as np
import pytest
from click.testing import CliRunner

from tests.benchmarks import ensembles
from tests.benchmarks.ensembles_labelled import labelled_rows
from tests.benchmarks.ensembles_peers import LSCP, SUOD, at_most
from tests.benchmarks.ensembles_targets import CONSENSUS, Target, of_accuracy, of_time, published

if TYPE_CHECKING:
    from pathlib import Path

SETS = {
    "one": {CONSENSUS: (0.9, 0.5, 1.0), "knn": (0.8, 0.4, None), SUOD: (0.8, 0.3, 9.0), LSCP: (0.7, 0.2, 9.0)},
    "two": {CONSENSUS: (0.8, 0.5, 1.0), "knn": (0.9, 0.4, None), SUOD: (0.7, 0.3, 9.0)},
}


def missed(targets: list[Target]) -> list[str]:
    return [target.what for target in targets if not target.met]


def test_every_target_can_be_missed() -> None:
    assert missed(of_time(0.25)) == []
    assert missed(of_time(0.26)) == ["CPU time over SUOD's"]
    assert missed(of_accuracy(SETS, ["knn"], None)) == ["ROC AUC, its best member"]  # as good is not enough
    worse = {name: {**found, CONSENSUS: (0.1, 0.1, 1.0)} for name, found in SETS.items()}
    assert len(missed(of_accuracy(worse, ["knn"], None))) == len(of_accuracy(worse, ["knn"], None)) == 8


def test_a_peer_that_failed_is_compared_where_it_did_not() -> None:
    lscp = next(one for one in of_accuracy(SETS, ["knn"], None) if one.what == "ROC AUC, LSCP")
    assert (lscp.got, lscp.bound) == (0.9, 0.7)


def test_published_means_are_of_as_many_sets(tmp_path: Path) -> None:
    table = tmp_path / "means.csv"
    lines = ["table,method,n,mean", "adbench_paper_D4_AUCROC_unsup,KNN,2,91", "adbench_paper_D5_AUCPR_unsup,KNN,2,30"]
    table.write_text("\n".join([*lines, "dte_paper_unsup_aucroc,DTE,3,99"]))
    others = published(table, 2)
    assert others == ({"KNN, adbench": 0.91}, {"KNN, adbench": 0.3})
    assert missed(of_accuracy(SETS, [], others)) == [
        "ROC AUC, PyOD's best detector",
        "ROC AUC, the best published (KNN, adbench)",
    ]
    with pytest.raises(click.ClickException, match="no published means over 7 sets"):
        published(table, 7)


def test_a_check_that_would_leave_targets_out_is_refused() -> None:
    assert CliRunner().invoke(ensembles.main, ["--check"]).exit_code == 2


def endless() -> None:
    while True:
        sum(range(1000))


def test_a_peer_that_takes_too_long_has_failed() -> None:
    with pytest.raises(TimeoutError, match=r"0\.02 CPU seconds"), at_most(0.02):
        endless()


def test_a_share_of_both_kinds_of_rows_is_labelled() -> None:
    labels = np.r_[np.zeros(95, dtype=int), np.ones(5, dtype=int)]
    rows = labelled_rows(labels, 0.1, seed=0)
    assert len(set(rows)) == len(rows) == 11
    assert labels[rows].sum() == 1
