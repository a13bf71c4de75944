from __future__ import annotations

import os
import sqlite3
import threading
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from anomalist.errors import AnomalistError, ConfigError, StoreError
from anomalist.store.connection import Database, parse_url
from anomalist.store.repository import Store
from anomalist.store.tables import UtcTime
from tests.store.samples import dataset, stored


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("store.db", "the store URL cannot be read"),
        ("", "the store URL cannot be read"),
        ("sqlite://", "a SQLite store needs a file"),
        ("sqlite:///:memory:", "a SQLite store needs a file"),
        ("sqlite://host/file.db", "a SQLite store needs a file"),
        ("mysql://me:secret@host/db", "a store cannot be on mysql"),
        ("postgresql+asyncpg://me:secret@host/db", "a store cannot be on postgresql.asyncpg"),
        ("postgresql://me:secret@host:port/db", "the store URL cannot be read"),
    ],
)
def test_a_wrong_url_is_refused_without_showing_the_password(url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Store.open(url, data_home=tmp_path)
    assert "secret" not in str(caught.value)
    assert "sqlite:///FILE" in str(caught.value)


def test_a_file_that_cannot_have_a_write_ahead_log_is_used_without(tmp_path: Path) -> None:
    database = Database(sa.make_url(f"sqlite:///file:{tmp_path / 'store.db'}?vfs=unix-dotfile&uri=true"))
    try:
        database.share()
        with database.write() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    finally:
        database.close()


def no_database(folder: Path) -> str:
    (folder / "notes.txt").write_text("this is not a database, however long one looks at it\n" * 100)
    return f"sqlite:///{folder / 'notes.txt'}"


def damaged(folder: Path) -> str:
    file = folder / "damaged.db"
    Store.open(f"sqlite:///{file}", data_home=folder).close()
    data = bytearray(file.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    file.write_bytes(data)
    return f"sqlite:///{file}"


def file_for_a_folder(folder: Path) -> str:
    (folder / "file").touch()
    return f"sqlite:///{folder / 'file' / 'store.db'}"


def folder_for_a_file(folder: Path) -> str:
    return f"sqlite:///{folder}"


def no_right_to_write(folder: Path) -> str:
    return "sqlite:////proc/anomalist/store.db" if Path("/proc").is_dir() else file_for_a_folder(folder)


def nobody_listens(folder: Path) -> str:
    return "postgresql://me:sec%20ret@127.0.0.1:1/db?password=secret"


def no_socket(folder: Path) -> str:
    return f"postgresql://me:secret@/db?host={folder}"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_database, "file is not a database; name another file"),
        (damaged, "damaged.db: .*(malformed|not a database)"),
        (file_for_a_folder, "the folder cannot be made"),
        (folder_for_a_file, "unable to open database file; check that the folder can be written to"),
        (no_right_to_write, "the folder cannot be made"),
        (nobody_listens, r"postgresql://me:\*\*\*@127.0.0.1:1/db.*refused.*is the server running\?"),
        (no_socket, r"postgresql://me:\*\*\*@/db"),
    ],
)
def test_a_store_that_cannot_be_opened_says_so_in_one_line(make: object, message: str, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(StoreError, match=message) as caught:
        Store.open(make(tmp_path), data_home=tmp_path)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "sec%20ret" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_store_refuses_in_one_line(tmp_path: Path) -> None:
    with Store.open(data_home=tmp_path) as store:
        stored(store)
    (tmp_path / "anomalist.db").chmod(0o400)
    with Store.open(data_home=tmp_path) as store, pytest.raises(StoreError, match="readonly database"):
        stored(store)


def test_check_does_not_make_a_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file yet"):
        Store.check(data_home=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_password_is_hidden_wherever_it_is(tmp_path: Path) -> None:
    database = Database(parse_url("postgresql://me:secret@host/db?password=secret&sslpassword=secret", tmp_path))
    assert "secret" not in database.shown
    assert database.shown.startswith("postgresql://me:***@host/db?")


def test_sqlite_is_set_up_for_sharing(tmp_path: Path) -> None:
    with Store.open(data_home=tmp_path) as store, store._database.read() as connection:
        for pragma, value in (("foreign_keys", 1), ("journal_mode", "wal"), ("busy_timeout", 60_000)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_foreign_keys_are_enforced(store: Store) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"), store._database.write() as connection:
        connection.exec_driver_sql("INSERT INTO threshold (run_id, policy, settings) VALUES (99, 'none', '{}')")


def test_a_write_takes_the_lock_at_its_start_and_readers_go_on(tmp_path: Path) -> None:
    with Store.open(data_home=tmp_path) as store:
        run_id = store.start_run("fit", dataset(3), params={}, seed=0)
        with store._database.write():
            assert store.run(run_id).id == run_id
            other = sqlite3.connect(tmp_path / "anomalist.db", timeout=0)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            other.close()


def test_who_waits_too_long_for_the_lock_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(data_home=tmp_path) as store, Store.open(data_home=tmp_path) as other:
        monkeypatch.setattr("anomalist.store.connection.BUSY_SECONDS", 0.05)
        with store._database.write(), pytest.raises(StoreError, match="is locked; another process is writing"):
            other.start_run("fit", dataset(3), params={}, seed=0)
        assert other.run(other.start_run("fit", dataset(3), params={}, seed=0)).status == "running"


def test_ddl_is_part_of_the_transaction(store: Store) -> None:
    class StopHereError(Exception):
        """Ends a transaction."""

    def stop_halfway() -> None:
        with store._database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
            raise StopHereError

    with pytest.raises(StopHereError):
        stop_halfway()
    with store._database.read() as connection:
        assert "half" not in sa.inspect(connection).get_table_names()


def test_a_store_serves_several_threads(store: Store) -> None:
    failures: list[AnomalistError] = []

    def work(seed: int) -> None:
        try:
            stored(store, 50, seed=seed)
        except AnomalistError as problem:
            failures.append(problem)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [run.status for run in store.runs(100)] == ["partial"] * 8


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(StoreError, match="a time must have a zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), sa.create_engine("sqlite://").dialect)
