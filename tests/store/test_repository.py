from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.errors import DataError, StoreError, UnknownNameError
from anomalist.store.repository import Store
from anomalist.store.rows import NewModel, RecordRow, Scores
from anomalist.store.tables import BLOCK_ROWS
from tests.store.samples import NAMES, commit, dataset, stored

if TYPE_CHECKING:
    from pathlib import Path


def start(store: Store, rows: int = 100, **options: Any) -> str:
    return store.start_run("fit", dataset(rows), params={"budget": 0.01}, seed=3, **options)


def counts(store: Store) -> dict[str, int]:
    with store._database.read() as connection:
        return {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("run", "dataset", "run_member", "threshold", "score", "score_block", "record", "model")
        }


def test_a_started_run_is_running_and_has_nothing_else(store: Store) -> None:
    run = store.run(start(store))
    assert (run.status, run.kind, run.seed, run.params) == ("running", "fit", 3, {"budget": 0.01})
    assert run.dataset == dataset(100)
    assert run.model is None
    assert run.finished_at is None
    assert run.seconds is None
    assert run.started_at.utcoffset().total_seconds() == 0
    assert counts(store) == dict.fromkeys(counts(store), 0) | {"run": 1, "dataset": 1}
    with pytest.raises(UnknownNameError, match="has no scores: it is running"):
        store.top(run.id)


def test_a_committed_run_gives_back_what_went_in(store: Store) -> None:
    content = commit(100)
    run = store.commit_run(start(store), **content, results={"roc_auc": np.float64(0.9)}, notes=["left out: id"])
    assert run == store.run(run.id)
    assert (run.status, run.flagged, run.results, run.notes) == ("partial", 5, {"roc_auc": 0.9}, ("left out: id",))
    assert run.seconds >= 0
    assert store.members(run.id) == content["members"]
    assert store.threshold(run.id) == content["threshold"]

    given, back = content["scores"], store.scores(run.id)
    assert back.keys.equals(given.keys)
    for name in ("score", "level", "flagged"):
        np.testing.assert_array_equal(getattr(back, name), getattr(given, name))
    np.testing.assert_array_equal(np.argsort(back.rank), np.argsort(-given.score))

    for index, name in enumerate(NAMES[:2]):
        column = store.member_column(run.id, name)
        assert column.dtype == np.float32
        np.testing.assert_array_equal(column, content["surprises"][:, index])
    assert store.member_scores(run.id, 42) == dict(zip(NAMES, content["surprises"][42].tolist(), strict=False))

    kept = content["records"][0]
    assert store.record(run.id, kept.key) == kept
    assert store.score_of(run.id, kept.key).record == kept


def test_top_is_in_rank_order_and_stops_at_the_flagged_rows_when_asked(store: Store) -> None:
    run = stored(store)
    top = store.top(run.id, 8)
    assert [row.rank for row in top] == list(range(1, 9))
    assert [row.flagged for row in top] == [True] * 5 + [False] * 3
    assert [row.record is not None for row in top] == [True] * 5 + [False] * 3
    assert [row.score for row in top] == sorted((row.score for row in top), reverse=True)
    assert store.top(run.id, 8, flagged_only=True) == top[:5]
    assert store.top(run.id, 3) == top[:3]
    assert len(store.top(run.id, 1000)) == 100


def test_a_row_that_was_not_recorded_is_found_by_its_key(store: Store) -> None:
    run = stored(store)
    last = store.top(run.id, 100)[-1]
    assert store.score_of(run.id, last.key) == last
    with pytest.raises(UnknownNameError, match=r"no\. 100 of the run"):
        store.record(run.id, last.key)
    with pytest.raises(UnknownNameError, match="no row with the key 'row-100'"):
        store.score_of(run.id, "row-100")
    with pytest.raises(DataError, match="a text cannot be stored or looked up"):
        store.score_of(run.id, "\ud800")


def test_the_view_shows_the_recorded_rows_with_their_member_levels(store: Store) -> None:
    run = stored(store)
    stored(store, seed=1)
    member = "json_extract(members, '$.knn')" if store.url_shown.startswith("sqlite") else "members ->> 'knn'"
    with store._database.read() as connection:
        rows = connection.exec_driver_sql(
            f"SELECT rank, key, score, level, flagged, {member} AS knn FROM top_scores"
            f" WHERE run = '{run.id}' ORDER BY rank"
        ).all()
    for row, expected in zip(rows, store.top(run.id, 5), strict=True):
        assert tuple(row[:5]) == (expected.rank, expected.key, expected.score, expected.level, expected.flagged)
        assert float(row.knn) == expected.record.members["knn"]


def probable(rows: int) -> dict[str, Any]:
    """A commit with the probability of each row."""
    content = commit(rows)
    probability = np.linspace(0.0, 1.0, rows)
    return content | {"scores": replace(content["scores"], probability=probability)}


def test_probabilities_come_back_wherever_scores_are_shown(store: Store) -> None:
    content = probable(100)
    run = store.commit_run(start(store), **content)
    given = content["scores"].probability
    np.testing.assert_array_equal(store.scores(run.id).probability, given)
    top = store.top(run.id, 10)
    assert [row.probability for row in top] == [given[row.row] for row in top]
    assert store.score_of(run.id, "row-99").probability == 1.0
    with store._database.read() as connection:
        query = f"SELECT probability FROM top_scores WHERE run = '{run.id}' ORDER BY rank"
        assert connection.exec_driver_sql(query).scalars().all() == [row.probability for row in top[:5]]


def test_a_run_without_probabilities_has_none(store: Store) -> None:
    run = stored(store)
    assert store.scores(run.id).probability is None
    assert {row.probability for row in store.top(run.id, 100)} == {None}


def test_blocks_join_without_a_seam(store: Store) -> None:
    rows = BLOCK_ROWS + 3
    content = commit(rows) | {"records": []}
    run = store.commit_run(start(store, rows), **content)
    np.testing.assert_array_equal(store.member_column(run.id, "knn"), content["surprises"][:, 1])
    for row in (0, BLOCK_ROWS - 1, BLOCK_ROWS, rows - 1):
        assert list(store.member_scores(run.id, row).values()) == content["surprises"][row].tolist()
    np.testing.assert_array_equal(store.scores(run.id).score, content["scores"].score)


def test_scoring_the_same_rows_again_is_a_new_run_over_one_dataset(store: Store) -> None:
    first, second = stored(store), stored(store)
    assert first.id != second.id
    expected = {"run": 2, "dataset": 1, "run_member": 6, "threshold": 2, "score": 200, "score_block": 4, "record": 10}
    assert counts(store) == expected | {"model": 0}


def test_a_copy_of_a_file_keeps_its_own_name_in_the_run(store: Store) -> None:
    stored(store)
    copy = store.start_run("score", dataset(100, source="copy.csv"), params={}, seed=0)
    assert store.run(copy).dataset.source == "copy.csv"
    assert counts(store)["dataset"] == 1


def test_a_run_ends_once(store: Store) -> None:
    run = stored(store)
    before = counts(store)
    with pytest.raises(StoreError, match=f"run {run.id} is already partial"):
        store.commit_run(run.id, **commit(100))
    with pytest.raises(StoreError, match="already partial"):
        store.fail_run(run.id, "no")
    with pytest.raises(UnknownNameError, match="no run 'zzzzzz'"):
        store.commit_run("zzzzzz", status="done")
    assert counts(store) == before
    assert store.heartbeat(run.id) is False


def test_failed_and_cancelled_runs_say_why_in_one_line(store: Store) -> None:
    failed, cancelled = start(store), start(store)
    store.fail_run(failed, "all members failed:\n  knn", members=commit(100)["members"])
    store.cancel_run(cancelled)
    assert (store.run(failed).status, store.run(failed).error) == ("failed", "all members failed: knn")
    assert [member.status for member in store.members(failed)] == ["done", "done", "failed"]
    assert (store.run(cancelled).status, store.run(cancelled).error) == ("cancelled", "interrupted")
    with pytest.raises(UnknownNameError, match=r"it is failed \(all members failed: knn\)"):
        store.scores(failed)


def test_messages_and_names_of_files_are_kept_whatever_is_in_them(store: Store) -> None:
    run_id = store.start_run("fit", dataset(3, source="caf\udce9\x00.csv"), params={}, seed=0)
    assert store.run(run_id).dataset.source == "caf??.csv"
    store.fail_run(run_id, "bad\x00\ud800\nworse")
    assert store.run(run_id).error == "bad?? worse"


def test_a_run_without_scores_keeps_its_results(store: Store) -> None:
    run = store.commit_run(start(store), status="done", results={"roc_auc": 0.5})
    assert (run.status, run.flagged, run.results) == ("done", None, {"roc_auc": 0.5})
    assert store.threshold(run.id) is None


def test_runs_are_found_by_id_prefix_and_latest(store: Store) -> None:
    with pytest.raises(UnknownNameError, match="no run yet"):
        store.run("latest")
    ids = [start(store) for _ in range(40)]
    assert len(set(ids)) == 40
    assert [run.id for run in store.runs(3)] == ids[:-4:-1]
    assert store.run("latest").id == ids[-1]
    assert store.run(ids[7].upper()).id == ids[7]
    assert store.run(ids[7][:5]).id == ids[7]
    shared = next(letter for letter in "abcdefghjkmnpqrstuvwxyz" if sum(i.startswith(letter) for i in ids) > 1)
    with pytest.raises(UnknownNameError, match="beginning of several runs"):
        store.run(shared)
    for none in ("", "%", "_" * 6, "l"):
        with pytest.raises(UnknownNameError, match="no run"):
            store.run(none)


def test_models_count_up_and_aliases_move(store: Store) -> None:
    first = stored(store, model=NewModel(name="sales", hash="a", details={"columns": 2}, aliases=("champion",)))
    stored(store, model=NewModel(name="sales", hash="b"))
    stored(store, model=NewModel(name="other", hash="c"))
    assert first.model == ("sales", 1)
    assert [(row.name, row.version) for row in store.models()] == [("other", 1), ("sales", 2), ("sales", 1)]
    assert store.aliases("sales") == {"champion": 1}
    champion = store.model("sales")
    assert (champion.version, champion.hash, champion.run) == (1, "a", first.id)
    assert champion.details == {"columns": 2}
    assert store.model("sales", version=2).hash == "b"
    assert store.model("other").hash == "c"
    stored(store, model=NewModel(name="sales", hash="d", aliases=("challenger", "latest")))
    assert store.aliases("sales") == {"champion": 1, "challenger": 3, "latest": 3}
    stored(store, model=NewModel(name="sales", hash="e", aliases=("challenger",)))
    assert store.aliases("sales") == {"champion": 1, "challenger": 4, "latest": 3}

    scored = store.start_run("score", dataset(100), params={}, seed=0, model=champion)
    assert store.run(scored).model == ("sales", 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "nope"}, "no model 'nope': the store has sales"),
        ({"name": "sales", "version": 9}, "no model sales:9: there are 1"),
        ({"name": "sales", "alias": "challenger"}, "no model sales@challenger: there are champion"),
    ],
)
def test_an_unknown_model_is_answered_with_the_known_ones(store: Store, arguments: Any, message: str) -> None:
    with pytest.raises(UnknownNameError, match="the store has none yet"):
        store.model("sales")
    stored(store, model=NewModel(name="sales", hash="a", aliases=("champion",)))
    with pytest.raises(UnknownNameError, match=message):
        store.model(**arguments)


def test_an_unknown_member_is_answered_with_the_known_ones(store: Store) -> None:
    run = stored(store)
    with pytest.raises(UnknownNameError, match="there are forest, knn, autoencoder"):
        store.member_column(run.id, "vae")
    with pytest.raises(UnknownNameError, match="it is failed"):
        store.member_column(run.id, "autoencoder")
    with pytest.raises(UnknownNameError, match="rows 0 to 99, got 100"):
        store.member_scores(run.id, 100)


def broken(name: str) -> dict[str, Any]:
    """A commit of 100 rows with one thing wrong."""
    content = commit(100)
    good: Scores = content["scores"]
    parts = {field: getattr(good, field) for field in ("keys", "score", "level", "flagged", "rank")}
    nan = good.score.copy()
    nan[7] = np.nan
    twice = np.concatenate([[1], np.arange(1, 100)])
    keys = good.keys.to_list()
    changes: dict[str, dict[str, Any]] = {
        "nan score": {"score": nan},
        "infinite level": {"level": np.where(np.arange(100) == 3, np.inf, good.level)},
        "level above 1": {"level": good.level + 1},
        "short level": {"level": good.level[1:]},
        "nan probability": {"probability": np.where(np.arange(100) == 4, np.nan, 0.5)},
        "probability above 1": {"probability": np.full(100, 1.5)},
        "negative probability": {"probability": np.full(100, -0.1)},
        "short probability": {"probability": np.full(99, 0.5)},
        "flags as numbers": {"flagged": good.flagged.astype(int)},
        "flagged not on top": {"flagged": ~good.flagged},
        "rank twice": {"rank": twice},
        "double key": {"keys": pl.Series([*keys[:-1], keys[0]])},
        "null key": {"keys": pl.Series([*keys[:-1], None])},
        "number keys": {"keys": pl.Series(range(100))},
        "NUL key": {"keys": pl.Series([*keys[:-1], "a\0"])},
        "no rows": {"keys": pl.Series([], dtype=pl.String)},
        "other rows": {name: parts[name][:99] for name in ("keys", "score", "level", "flagged")},
    }
    if name in changes:
        return content | {"scores": Scores(**(parts | changes[name])), "surprises": None, "records": []}
    kept: RecordRow = content["records"][0]
    record = {"row": kept.row, "key": kept.key, "values": kept.values, "reasons": kept.reasons, "members": kept.members}
    surprise = content["surprises"].astype(np.float64)
    surprise[60, 1] = {"nan surprise": np.nan, "huge surprise": 1e300}.get(name, 0)
    others: dict[str, dict[str, Any]] = {
        "nan surprise": {"surprises": surprise},
        "huge surprise": {"surprises": surprise},
        "too many surprises": {"surprises": np.zeros((100, 3))},
        "record of another row": {"records": [RecordRow(**(record | {"key": "row-x"}))]},
        "nan in a record": {"records": [RecordRow(**(record | {"values": {"price": float("nan")}}))]},
        "NUL in a record": {"records": [RecordRow(**(record | {"values": {"town": "a\0"}}))]},
        "surrogate in a record": {"records": [RecordRow(**(record | {"values": {"town": "\ud800"}}))]},
        "object in a record": {"records": [RecordRow(**(record | {"values": {"town": object()}}))]},
    }
    return content | others[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nan score", r"score of row 7 \(row-7\) is nan"),
        ("infinite level", r"level of row 3 \(row-3\) is inf"),
        ("level above 1", "level must be 0 to 1"),
        ("short level", r"level has shape \(99,\), expected \(100,\)"),
        ("nan probability", r"probability of row 4 \(row-4\) is nan"),
        ("probability above 1", "probability must be 0 to 1, got 1.5 to 1.5"),
        ("negative probability", "probability must be 0 to 1, got -0.1 to -0.1"),
        ("short probability", r"probability has shape \(99,\), expected \(100,\)"),
        ("flags as numbers", "flagged must be true or false, got int64"),
        ("flagged not on top", "the flagged rows must be those of the first ranks"),
        ("rank twice", "rank must hold each of 1 to 100 once"),
        ("double key", "keys must be 100 different texts"),
        ("null key", "keys must be 100 different texts"),
        ("number keys", "got 100 of Int64"),
        ("NUL key", "a key holds the character NUL"),
        ("no rows", "at least one row"),
        ("other rows", "99 scores for a run over 100 rows"),
        ("nan surprise", "knn gave row 60 nan"),
        ("huge surprise", r"knn gave row 60 1e\+300"),
        ("too many surprises", r"shape \(100, 3\), expected \(100, 2\): forest, knn"),
        ("record of another row", r"\(row-x\) is not of a row that was scored"),
        ("nan in a record", "cannot be stored as JSON"),
        ("NUL in a record", "holds the character NUL"),
        ("surrogate in a record", "cannot be stored as JSON"),
        ("object in a record", "object is not a plain value"),
    ],
)
def test_what_must_not_be_stored_is_refused_whole(tmp_path: Path, name: str, message: str) -> None:
    with Store.open(data_home=tmp_path) as store:
        run_id = start(store)
        before = counts(store)
        with pytest.raises(DataError, match=message) as caught:
            store.commit_run(run_id, **broken(name))
        assert "\n" not in str(caught.value)
        assert counts(store) == before
        assert store.run(run_id).status == "running"
        assert store.commit_run(run_id, **commit(100)).status == "partial"


def test_a_refused_commit_leaves_nothing_behind_on_either_database(store: Store) -> None:
    run_id = start(store)
    before = counts(store)
    content = commit(100)
    late = (record for record in [content["records"][0], content["records"][0]])  # found out by the database itself
    with pytest.raises(StoreError):
        store.commit_run(run_id, **(content | {"records": late}))
    assert counts(store) == before
    assert store.run(run_id).status == "running"


def test_a_given_rank_is_kept(store: Store) -> None:
    content = commit(4, flagged=1) | {"records": [], "surprises": None}
    given: Scores = content["scores"]
    equal = Scores(
        keys=given.keys,
        score=np.ones(4),
        level=np.ones(4),
        flagged=np.array([False, False, True, False]),
        rank=np.array([2, 4, 1, 3]),
    )
    run = store.commit_run(start(store, 4), **(content | {"scores": equal}))
    assert [row.row for row in store.top(run.id, 4)] == [2, 0, 3, 1]


def test_the_flagged_rows_are_found_through_their_index(store: Store) -> None:
    run = stored(store, 2000)
    with store._database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    sqlite = store.url_shown.startswith("sqlite")
    condition = "flagged = 1" if sqlite else "flagged"
    explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
    with store._database.read() as connection:
        plan = connection.exec_driver_sql(
            f"{explain} SELECT * FROM score WHERE run_id = 1 AND {condition} ORDER BY rank LIMIT 10"
        ).all()
    assert "ix_score_flagged" in str(plan)
    assert len(store.top(run.id, 10, flagged_only=True)) == 5
