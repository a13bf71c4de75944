from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config

from anomalist.errors import MigrationNeededError
from anomalist.store.connection import Database, parse_url
from anomalist.store.repository import Store
from anomalist.store.rows import NewFeedback
from tests.helpers import anomalist
from tests.store.test_schema import definitions

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DAY = "'2026-01-02 03:04:05.000000'"
CONTENT = f"""
INSERT INTO dataset (fingerprint, source, "rows", columns, created_at) VALUES ('f1', 'sales.csv', 2, '["a"]', {DAY});
INSERT INTO run (slug, kind, status, dataset_id, source, params, seed, flagged, notes, started_at, finished_at, host,
                 pid, lease_until)
VALUES ('abc234', 'fit', 'done', 1, 'sales.csv', '{{}}', 0, 1, '[]', {DAY}, {DAY}, 'here', 1, {DAY}),
       ('abc235', 'fit', 'done', 1, 'sales.csv', '{{}}', 0, 1, '[]', {DAY}, {DAY}, 'here', 1, {DAY});
INSERT INTO model (name, version, hash, details, made_by, created_at)
VALUES ('sales', 1, 'h1', '{{}}', 'abc234', {DAY}), ('sales', 2, 'h2', '{{}}', 'abc235', {DAY});
INSERT INTO model_alias (name, alias, model_id, set_at) VALUES ('sales', 'champion', 1, {DAY});
UPDATE run SET model_id = id;
INSERT INTO score (run_id, "row", "key", score, level, flagged, rank)
VALUES (1, 0, 'x', 0.5, 0.3, FALSE, 2), (1, 1, 'y', 9.5, 0.9, TRUE, 1);
INSERT INTO record (run_id, "row", "key", row_values, reasons, members) VALUES (1, 1, 'y', '{{"a": 7}}', '[]', '{{}}');
INSERT INTO feedback (dataset_id, "key", verdict, note, analyst, asked, probability, run_id, row_values, supersedes,
                      created_at)
VALUES (1, 'y', 'anomaly', 'why', 'ann', 'top', 1.0, 1, '{{"a": 7}}', NULL, {DAY}),
       (1, 'y', 'expected', NULL, 'ann', NULL, NULL, NULL, '{{"a": 7}}', 1, {DAY}),
       (1, 'y', 'unsure', NULL, 'bob', 'random', 0.25, 1, '{{"a": 7}}', NULL, {DAY}),
       (1, 'y', NULL, NULL, 'bob', NULL, NULL, NULL, '{{"a": 7}}', 3, {DAY})
"""
"""A store of the first schema, with something in every table that the second one changes."""


def with_database(url: str, act: Callable[[Database], Any]) -> Any:
    database = Database(parse_url(url, Path()))
    try:
        return act(database)
    finally:
        database.close()


def move(url: str, revision: str) -> None:
    """Bring a database to a revision, up or down."""

    def act(database: Database) -> None:
        settings = Config()
        settings.set_main_option("script_location", str(files("anomalist_migrations")))
        with database.write() as connection:
            settings.attributes["connection"] = connection
            (command.downgrade if revision < "0002" else command.upgrade)(settings, revision)

    with_database(url, act)


def make_first(url: str) -> None:
    """Make a store of the first schema."""

    def act(database: Database) -> None:
        settings = Config()
        settings.set_main_option("script_location", str(files("anomalist_migrations")))
        with database.write() as connection:
            settings.attributes["connection"] = connection
            command.upgrade(settings, "0001")
            for statement in CONTENT.split(";\n"):
                connection.exec_driver_sql(statement)

    with_database(url, act)


def everything(database: Database) -> tuple[Any, Any]:
    """The definitions and the content of the tables that changed."""
    columns = "id, dataset_id, key, verdict, note, analyst, asked, probability, run_id, row_values, supersedes"
    queries = [
        f"SELECT {columns}, created_at FROM feedback ORDER BY id",
        "SELECT run_id, row, key, score, level, flagged, rank FROM score ORDER BY row",
        "SELECT run, rank, key, score, level, flagged, members, reasons FROM top_scores",
    ]
    with database.read() as connection:
        return definitions(connection), [connection.exec_driver_sql(query).all() for query in queries]


def test_a_store_of_the_first_schema_is_upgraded_with_all_that_is_in_it(url: str, tmp_path: Path) -> None:
    make_first(url)
    with pytest.raises(MigrationNeededError, match=r"schema 0001, this version needs 0002: run `anomalist db upgrade`"):
        Store.open(url, data_home=tmp_path)
    assert Store.upgrade(url, data_home=tmp_path).revision == "0002"
    with Store.open(url, data_home=tmp_path) as store:
        log = store.feedback(standing=False)
        assert [(row.id, row.verdict, row.analyst, row.supersedes) for row in log] == [
            (1, "anomaly", "ann", None),
            (2, "expected", "ann", 1),
            (3, "unsure", "bob", None),
            (4, None, "bob", 3),
        ]
        assert len({row.token for row in log if len(row.token) == 32}) == 4
        assert (log[0].note, log[0].asked, log[0].probability, log[0].run) == ("why", "top", 1.0, "abc234")
        assert log[0].values == {"a": 7}
        assert store.feedback(model="sales") == [log[1]]

        (first,) = store.promotions("sales")
        assert (first.version, first.replaced, first.how, first.run) == (1, None, "first", "abc234")
        assert first.created_at == log[0].created_at
        assert store.scores("abc234").probability is None
        assert store.top("abc234", 1)[0].probability is None

        again = NewFeedback(fingerprint="f1", key="y", verdict="anomaly", analyst="ann", values={}, token=log[0].token)
        assert store.add_feedback([again]) == [log[0]]
        new = NewFeedback(fingerprint="f1", key="y", verdict="unsure", analyst="ann", values={})
        assert [(row.id, row.supersedes) for row in store.add_feedback([new])] == [(5, 2)]
        store.promote("sales", 2)
        assert store.rollback("sales").version == 1


def test_going_back_to_the_first_schema_loses_only_what_is_new(url: str, tmp_path: Path) -> None:
    make_first(url)
    before = with_database(url, everything)
    for _ in range(2):
        Store.upgrade(url, data_home=tmp_path)
        assert with_database(url, everything)[1] == before[1]
        move(url, "0001")
        assert with_database(url, everything) == before
    assert Store.check(url, data_home=tmp_path).state == "older"


def test_the_rebuilt_table_holds_to_its_keys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    make_first(url)
    Store.upgrade(url, data_home=tmp_path)

    def check(database: Database) -> None:
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"

    with_database(url, check)


def test_the_program_asks_for_the_upgrade_and_then_goes_on(tmp_path: Path) -> None:
    make_first(f"sqlite:///{tmp_path / 'store.db'}")
    refused = anomalist("--store", "store.db", "runs", folder=tmp_path)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.count("\n") == 1
    assert "has schema 0001, this version needs 0002: run `anomalist db upgrade`" in refused.stderr
    assert anomalist("--store", "store.db", "db", "upgrade", folder=tmp_path).returncode == 0
    listed = anomalist("--store", "store.db", "runs", folder=tmp_path)
    assert listed.returncode == 0
    assert "abc235" in listed.stdout
