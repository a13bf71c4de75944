"""`anomalist db`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.helpers import anomalist

if TYPE_CHECKING:
    from pathlib import Path


def test_a_store_is_made_and_checked(tmp_path: Path) -> None:
    missing = anomalist("--store", "runs.db", "db", "check", folder=tmp_path)
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1
    assert not (tmp_path / "runs.db").exists()

    made = json.loads(anomalist("db", "upgrade", "--json", "--store", "runs.db", folder=tmp_path).stdout)
    assert made["store"]["state"] == "current"
    assert made["store"]["revision"] == made["store"]["head"]
    checked = anomalist("db", "check", "--json", folder=tmp_path, ANOMALIST_STORE="runs.db")
    assert checked.returncode == 0
    assert json.loads(checked.stdout) == made


def test_a_schema_of_another_version_is_exit_3(tmp_path: Path) -> None:
    anomalist("db", "upgrade", "--store", "runs.db", folder=tmp_path)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database, database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        (table,) = (name for name in tables if "version" in name)
        database.execute(f"UPDATE {table} SET version_num = '9999'")
    done = anomalist("db", "check", "--store", "runs.db", folder=tmp_path)
    assert done.returncode == 3
    assert "newer" in done.stdout
    refused = anomalist("db", "upgrade", "--store", "runs.db", folder=tmp_path)
    assert refused.returncode == 3
    assert refused.stderr.startswith("error: ")
