"""Series from end to end: a stretch that is wrong is found, scored again and explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.export import scores_frame
from anomalist.engine.runs.look import look
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.engine.runs.sources import Source
from anomalist.errors import SchemaMismatchError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace

STEPS = 400
BROKEN = slice(250, 264)
RNN = "rnn:epochs=2,max_steps=20,hidden=8"


@pytest.fixture
def frame() -> pl.DataFrame:
    """Two machines, hourly; the heat of machine a stands still from row 250 to 263."""
    rng = np.random.default_rng(0)
    hours = np.arange(STEPS)
    parts = []
    for who in ("a", "b"):
        heat = 20 + 10 * np.sin(hours / 5) + rng.normal(0, 0.3, STEPS)
        load = 3 * np.cos(hours / 9) + rng.normal(0, 0.1, STEPS)
        if who == "a":
            heat[BROKEN] = 29.0
        when = pl.datetime_range(pl.datetime(2024, 3, 1), pl.datetime(2024, 12, 31), "1h", eager=True)[:STEPS]
        parts.append(pl.DataFrame({"when": when, "machine": who, "heat": heat, "load": load}))
    return pl.concat(parts)


@pytest.fixture
def source(frame: pl.DataFrame, tmp_path: Path) -> Source:
    frame.write_csv(tmp_path / "machines.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
    return Source(location=str(tmp_path / "machines.csv"), time="when", entity="machine")


@pytest.mark.parametrize("detectors", [("isolation_forest:trees=20",), (RNN,), ("distance", RNN)], ids=str)
def test_a_broken_stretch_is_found_scored_again_and_explained(
    workspace: Workspace, source: Source, detectors: tuple[str, ...]
) -> None:
    table = source.read(workspace.registry)
    options = RunOptions(detectors=detectors, top=5)
    made = run(workspace, table, options, name="machines", origin=source.to_dict())
    assert made.row.status == "done"
    views = {member.detector_name: member.view for member in made.model.members}
    assert views.get("rnn", "windows") == "windows"
    assert all(view == "statistics" for name, view in views.items() if name != "rnn")
    assert any("the rows are a series, seen through windows of" in note for note in made.row.notes)
    length = made.model.windower.length
    best = int(made.scores.score.argmax())
    assert BROKEN.start - length < best < BROKEN.stop + length
    assert made.findings[0].reasons[0].column == "heat"

    again = score(workspace, table, *workspace.load("machines"), origin=source.to_dict())
    np.testing.assert_allclose(again.scores.score, made.scores.score, atol=1e-5)
    found = look(workspace, again.row.id, again.table.keys[best])
    assert found.reasons[0].column == "heat"
    assert found.values["machine"] == "a"
    quiet = look(workspace, again.row.id, again.table.keys[STEPS + 50])  # read again, since it was not worth a record
    assert quiet.score < found.score
    assert {reason.column for reason in quiet.reasons} <= {"heat", "load"}


def test_the_order_of_the_rows_in_the_file_does_not_matter(workspace: Workspace, frame: pl.DataFrame) -> None:
    table = Table.from_frame(frame, time="when", entity="machine")
    made = run(workspace, table, RunOptions(detectors=("distance",)), name="m")
    order = np.random.default_rng(1).permutation(2 * STEPS)
    mixed = score(workspace, table.take(order), *workspace.load("m"))
    np.testing.assert_allclose(mixed.scores.score, made.scores.score[order], atol=1e-6)


def test_one_machine_alone_gets_the_scores_that_it_has_among_others(workspace: Workspace, frame: pl.DataFrame) -> None:
    table = Table.from_frame(frame, time="when", entity="machine")
    made = run(workspace, table, RunOptions(detectors=("distance",)), name="m")
    alone = score(workspace, table.take(slice(0, STEPS)), *workspace.load("m"))
    np.testing.assert_allclose(alone.scores.score, made.scores.score[:STEPS], atol=1e-6)


def test_records_that_merely_have_a_time_are_seen_one_by_one(workspace: Workspace, frame: pl.DataFrame) -> None:
    rng = np.random.default_rng(0)
    shuffled = frame.with_columns(
        heat=pl.Series(rng.normal(size=2 * STEPS)), load=pl.Series(rng.normal(size=2 * STEPS))
    )
    made = run(
        workspace, Table.from_frame(shuffled, time="when", entity="machine"), RunOptions(detectors=("distance",))
    )
    assert made.model.members[0].view == "rows"
    assert any("have a time but are no series" in note for note in made.row.notes)


def test_a_series_model_needs_the_time_and_the_entity(workspace: Workspace, frame: pl.DataFrame) -> None:
    run(
        workspace, Table.from_frame(frame, time="when", entity="machine"), RunOptions(detectors=("distance",)), name="m"
    )
    for missing in ("when", "machine"):
        with pytest.raises(SchemaMismatchError, match=f"column '{missing}' is missing"):
            score(workspace, Table.from_frame(frame.drop(missing)), *workspace.load("m"))


def test_without_a_time_a_detector_of_series_is_skipped_or_refused(workspace: Workspace, frame: pl.DataFrame) -> None:
    table = Table.from_frame(frame.drop("when", "machine"))
    with pytest.raises(UsageError, match="rnn needs rows in order"):
        run(workspace, table, RunOptions(detectors=("rnn",)))


def test_a_false_positive_rate_is_promised_on_the_latest_rows(workspace: Workspace, frame: pl.DataFrame) -> None:
    from anomalist.engine.fitting.request import ThresholdRequest

    request = ThresholdRequest(policy="fpr", parameter=0.05)
    table = Table.from_frame(frame, time="when", entity="machine")
    made = run(workspace, table, RunOptions(detectors=("distance",), threshold=request))
    assert made.model.threshold.policy == "fpr"
    assert made.scores.flagged[BROKEN].any()


def test_scores_and_findings_say_where_a_row_stands(workspace: Workspace, frame: pl.DataFrame) -> None:
    table = Table.from_frame(frame, source="machines.csv", time="when", entity="machine")
    made = run(workspace, table, RunOptions(detectors=("distance",)))
    scores = scores_frame(made)
    assert scores.columns[:4] == ["key", "machine", "when", "score"]
    assert scores["machine"].to_list() == frame["machine"].to_list()
    assert {finding.values["machine"] for finding in made.findings} <= {"a", "b"}
