from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from anomalist.errors import MigrationNeededError, StoreError
from anomalist.store.connection import Database, parse_url
from anomalist.store.repository import Store
from anomalist.store.tables import TOP_SCORES, VERSION_TABLE, metadata
from tests.store.samples import dataset, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(parse_url(url, Path()))
    yield opened
    opened.close()


def run_program(program: str, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    first = [str(path)] if path else []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*first, os.environ.get("PYTHONPATH", "")])}
    command_line = [sys.executable, "-W", "error", "-c", program, *arguments]
    return subprocess.run(command_line, capture_output=True, text=True, check=False, env=environment)


def definitions(connection: Connection) -> dict[str, list[str]]:
    """What the database itself says that each table, index, check and view is."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    else:
        query = """
            SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'
            UNION ALL SELECT table_name || '.' || column_name, concat_ws(' ', data_type, is_nullable, column_default)
                FROM information_schema.columns WHERE table_schema = 'public'
        """
    rows = connection.exec_driver_sql(query).all()
    return {name: _clauses(text) for name, text in rows if VERSION_TABLE not in name}


def _clauses(text: str) -> list[str]:
    """A definition, cut into its clauses, whose order does not matter; nor do quotes around the name of a table."""
    plain = re.sub(r"\s+", " ", text.replace('"', ""))
    return sorted(clause.strip(" ,)") for clause in re.split("(?=CONSTRAINT )", plain))


def test_the_migrations_build_what_the_tables_say(database: Database, url: str, tmp_path: Path) -> None:
    Store.upgrade(url, data_home=tmp_path)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        migrated = definitions(connection)
    with database.write() as connection:
        connection.exec_driver_sql("DROP VIEW top_scores")
        metadata.drop_all(connection)
        metadata.create_all(connection)
        connection.exec_driver_sql(TOP_SCORES)
        assert definitions(connection) == migrated


def test_a_brand_new_store_is_made_with_its_folders(tmp_path: Path) -> None:
    home = tmp_path / "a b%41" / "c"
    with Store.open(data_home=home) as store:
        assert store.runs() == []
    assert (home / "anomalist.db").exists()
    status = Store.check(data_home=home)
    assert (status.state, status.revision) == ("current", status.head)


def test_upgrade_makes_a_store_and_changes_nothing_the_second_time(url: str, tmp_path: Path) -> None:
    first = Store.upgrade(url, data_home=tmp_path)
    assert first.state == "current"
    with Store.open(url, data_home=tmp_path) as store:
        run = stored(store)
    assert Store.upgrade(url, data_home=tmp_path) == first
    with Store.open(url, data_home=tmp_path) as store:
        assert store.run(run.id) == run


def test_downgrading_takes_everything_away(database: Database, url: str, tmp_path: Path) -> None:
    Store.upgrade(url, data_home=tmp_path)
    settings = Config()
    settings.set_main_option("script_location", str(files("anomalist_migrations")))
    with database.write() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")
        assert set(sa.inspect(connection).get_table_names()) == {VERSION_TABLE}
    assert Store.check(url, data_home=tmp_path).state == "empty"
    Store.open(url, data_home=tmp_path).close()


def test_a_database_of_something_else_is_left_alone_until_asked(database: Database, url: str, tmp_path: Path) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE customer (id INTEGER)")
    with pytest.raises(MigrationNeededError, match=r"holds other tables and no store.*anomalist db upgrade"):
        Store.open(url, data_home=tmp_path)
    assert Store.check(url, data_home=tmp_path).state == "foreign"
    with database.read() as connection:
        assert sa.inspect(connection).get_table_names() == ["customer"]
    assert Store.upgrade(url, data_home=tmp_path).state == "current"
    with Store.open(url, data_home=tmp_path) as store:
        stored(store)


def test_tables_in_the_way_are_named(database: Database, url: str, tmp_path: Path) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE run (id INTEGER)")
    with pytest.raises(StoreError, match="already has a table run of something else"):
        Store.upgrade(url, data_home=tmp_path)
    with database.read() as connection:
        assert sa.inspect(connection).get_table_names() == ["run"]


LATER = '''"""A later schema."""
from alembic import op
import sqlalchemy as sa
revision, down_revision, branch_labels, depends_on = "9999", "0002", None, None
def upgrade():
    op.add_column("run", sa.Column("later", sa.Text()))
def downgrade():
    op.drop_column("run", "later")
'''
OPEN = """
import sys
from pathlib import Path
from anomalist.store.repository import Store
Store.open(sys.argv[1], data_home=Path(".")).close()
"""


def test_older_and_newer_schemas_are_refused_in_one_line(url: str, tmp_path: Path) -> None:
    with Store.open(url, data_home=tmp_path) as store:
        run_id = store.start_run("fit", dataset(3), params={}, seed=0)
    later = tmp_path / "later" / "anomalist_migrations"
    shutil.copytree(str(files("anomalist_migrations")), later, ignore=shutil.ignore_patterns("__pycache__"))
    (later / "versions" / "9999_later.py").write_text(LATER)

    older = run_program(OPEN, url, path=later.parent)
    assert "has schema 0002, this version needs 9999: run `anomalist db upgrade`" in older.stderr.splitlines()[-1]
    assert "MigrationNeededError" in older.stderr.splitlines()[-1]
    upgraded = run_program(OPEN.replace(".open(", ".upgrade(").replace(".close()", ""), url, path=later.parent)
    assert upgraded.stderr == ""

    for act in (Store.open, Store.upgrade):
        with pytest.raises(MigrationNeededError, match="has schema 9999, this version knows up to 0002: upgrade anom"):
            act(url, data_home=tmp_path)
    status = Store.check(url, data_home=tmp_path)
    assert (status.state, status.revision, status.head) == ("newer", "9999", "0002")
    assert run_id


BROKEN = LATER.replace(
    '    op.add_column("run", sa.Column("later", sa.Text()))',
    """
    op.create_table("half", sa.Column("id", sa.Integer()))
    op.execute("UPDATE run SET kind = NULL")
""",
)


def test_a_migration_that_fails_changes_nothing(url: str, tmp_path: Path) -> None:
    with Store.open(url, data_home=tmp_path) as store:
        run = stored(store)
    later = tmp_path / "later" / "anomalist_migrations"
    shutil.copytree(str(files("anomalist_migrations")), later, ignore=shutil.ignore_patterns("__pycache__"))
    (later / "versions" / "9999_broken.py").write_text(BROKEN)
    failed = run_program(OPEN.replace(".open(", ".upgrade(").replace(".close()", ""), url, path=later.parent)
    assert "anomalist.errors.StoreError" in failed.stderr
    assert Store.check(url, data_home=tmp_path).state == "current"
    with Store.open(url, data_home=tmp_path) as store:
        assert store.run(run.id) == run
        with store._database.read() as connection:
            assert "half" not in sa.inspect(connection).get_table_names()
