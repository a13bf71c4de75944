"""Bad inputs: one clear line, the documented exit code, nothing half-stored, no traceback."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.bad_inputs import BAD_DATA, BAD_FEEDBACK, BAD_NEW_ROWS, Bad
from tests.cli.bad_usage import BAD_NAMES, BAD_OPTIONS, BAD_SETTINGS, BAD_STORES
from tests.cli.samples import FOREST, payments, stored, type_in
from tests.helpers import anomalist

if TYPE_CHECKING:
    from tests.cli.samples import Typed


def is_refused(done: Typed, code: int, *says: str) -> None:
    """Nothing on stdout, one line on stderr that says these things, this exit code."""
    assert (done.code, done.out) == (code, ""), done.err
    assert done.err.startswith("error: ")
    assert done.err.endswith("\n")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    assert "error: unexpected" not in done.err
    for words in says:
        assert words in done.err


def check(bad: Bad, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Type it and see that it is refused, and that the store shows no more than before."""
    for name, content in bad.files.items():
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    for name, value in bad.environ.items():
        monkeypatch.setenv(name, value)
    before = stored(home)
    done = type_in(f"--quiet {bad.typed}")
    is_refused(done, bad.code, *bad.says)
    assert "s3cret" not in done.err
    after = stored(home)
    assert after == before


@pytest.fixture
def other(home: Path) -> None:
    """A database of something else, other.db, and good data, payments.csv."""
    with closing(sqlite3.connect("other.db")) as database, database:
        database.execute("CREATE TABLE t (a INTEGER)")
    Path("payments.csv").write_text(payments())


@pytest.mark.parametrize("bad", BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data(bad: Bad, home: Path, other: None, monkeypatch: pytest.MonkeyPatch) -> None:
    check(bad, home, monkeypatch)


@pytest.mark.parametrize("bad", BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_options(bad: Bad, home: Path, other: None, monkeypatch: pytest.MonkeyPatch) -> None:
    check(bad, home, monkeypatch)


@pytest.mark.parametrize("bad", BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_bad_settings(bad: Bad, home: Path, other: None, monkeypatch: pytest.MonkeyPatch) -> None:
    check(bad, home, monkeypatch)


@pytest.mark.parametrize("bad", BAD_STORES.values(), ids=BAD_STORES)
def test_bad_stores(bad: Bad, home: Path, other: None, monkeypatch: pytest.MonkeyPatch) -> None:
    check(bad, home, monkeypatch)


@pytest.mark.parametrize("bad", BAD_NEW_ROWS.values(), ids=BAD_NEW_ROWS)
def test_bad_new_rows(bad: Bad, fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(bad, fitted, monkeypatch)


@pytest.mark.parametrize("bad", BAD_FEEDBACK.values(), ids=BAD_FEEDBACK)
def test_bad_feedback(bad: Bad, fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(bad, fitted, monkeypatch)


@pytest.mark.parametrize("bad", BAD_NAMES.values(), ids=BAD_NAMES)
def test_bad_names(bad: Bad, fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(bad, fitted, monkeypatch)


def test_the_catalogue_is_large_and_no_entry_stands_in_it_twice() -> None:
    every = [BAD_DATA, BAD_OPTIONS, BAD_SETTINGS, BAD_STORES, BAD_NEW_ROWS, BAD_FEEDBACK, BAD_NAMES]
    ids = [name for catalogue in every for name in catalogue]
    assert len(ids) == len(set(ids)) >= 60
    typed = [(bad.typed, str(bad.files), str(bad.environ)) for catalogue in every for bad in catalogue.values()]
    assert len(typed) == len(set(typed))


@pytest.mark.parametrize(
    "content",
    [
        payments(rows=1),
        payments(city=lambda i, _: "Rome"),
        payments(amount=lambda i, _: ""),
        payments(amount=lambda i, value: "inf" if i == 3 else value),
        payments(extra=lambda i, _: str(i)),
        "city,when,weight,amount\nBern,2024-01-05,1.5,52\n",
    ],
    ids=["one row", "unseen categories", "a column without values", "infinity", "an extra column", "another order"],
)
def test_unusual_new_rows_are_scored(content: str, fitted: Path) -> None:
    Path("new.csv").write_text(content)
    done = type_in("--quiet score new.csv --model m --json")
    assert (done.code, done.err) == (0, "")
    assert done.json["run"]["rows"] == content.count("\n") - 1


@pytest.mark.parametrize(
    "content",
    [
        payments(amount=lambda i, value: "inf" if i == 3 else value),
        payments(empty=lambda i, _: "", constant=lambda i, _: "x"),
        "naïve,n\n".encode("cp1252") + b"".join(b"%d,%d\n" % (i, i * i % 7) for i in range(30)),
        payments().replace(",", ";").encode("utf-16"),
    ],
    ids=["infinity", "empty and constant columns", "Windows-1252", "UTF-16 with semicolons"],
)
def test_what_is_repaired_or_left_out_is_said(content: str | bytes, home: Path) -> None:
    Path("a.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    done = type_in(f"run a.csv {FOREST} --json")
    assert done.code == 0
    notes = done.json["run"]["notes"]
    assert notes
    assert [line for line in done.err.splitlines() if line.startswith("note: ")] == [f"note: {note}" for note in notes]


@pytest.mark.parametrize("damage", ["a changed manifest", "a missing file", "a changed file", "no folder"])
def test_a_damaged_model_is_refused(damage: str, fitted: Path) -> None:
    (folder,) = (fitted / "models").iterdir()
    arrays = next(folder.glob("*.safetensors"))
    if damage == "no folder":
        shutil.rmtree(folder)
    elif damage == "a missing file":
        arrays.unlink()
    elif damage == "a changed file":
        arrays.write_bytes(arrays.read_bytes()[:-8] + b"12345678")
    else:
        manifest = folder / "manifest.json"
        manifest.write_text(manifest.read_text().replace("isolation_forest", "isolation_florest"))
    before = stored(fitted)
    for command in (
        "score payments.csv --model m",
        "explain latest r20",
        "evaluate payments.csv --label fraud --model m",
    ):
        is_refused(type_in(f"--quiet {command}"), 1, folder.name)
    assert stored(fitted) == before
    assert type_in("models show m").code == 0  # what the store knows of it is still there


def test_a_store_of_a_newer_schema_is_exit_3_for_every_command(fitted: Path) -> None:
    with closing(sqlite3.connect(fitted / "anomalist.db")) as database, database:
        database.execute("UPDATE anomalist_version SET version_num = '9999'")
    before = stored(fitted)
    for command in (
        f"run payments.csv {FOREST}",
        "score payments.csv --model m",
        "evaluate latest --label fraud",
        "explain latest r1",
        "top latest",
        "show latest",
        "runs",
        "models list",
        "models show m",
        "feedback add latest r7 anomaly",
        "feedback list",
        "retrain m",
        "models promote m",
        "models rollback m",
        "db upgrade",
    ):
        is_refused(type_in(f"--quiet {command}"), 3, "anomalist.db has schema 9999", "upgrade anomalist")
    assert stored(fitted) == before


@pytest.mark.parametrize("kept", [5_000, 4_096 * 3])
def test_a_truncated_store_is_exit_1(fitted: Path, kept: int) -> None:
    path = fitted / "anomalist.db"
    path.write_bytes(path.read_bytes()[:kept])
    is_refused(type_in("--quiet runs"), 1, "anomalist.db", "malformed")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_may_not_be_written_is_exit_1(fitted: Path) -> None:
    fitted.chmod(stat.S_IRUSR | stat.S_IXUSR)
    (fitted / "anomalist.db").chmod(stat.S_IRUSR)
    try:
        is_refused(type_in(f"--quiet run payments.csv {FOREST}"), 1, "anomalist.db", "writable")
    finally:
        fitted.chmod(stat.S_IRWXU)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_scores_to_a_folder_that_may_not_be_written_are_refused_before_the_run(home: Path) -> None:
    Path("payments.csv").write_text(payments())
    folder = Path("locked")
    folder.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    is_refused(
        type_in(f"--quiet run payments.csv --out locked/s.csv {FOREST}"), 2, "locked/s.csv", "may not be written"
    )
    assert stored(home)["runs"] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_scores_to_a_full_disk_say_that_the_run_is_stored(ending: str, fitted: Path) -> None:
    Path(f"s.{ending}").symlink_to("/dev/full")
    is_refused(
        type_in(f"--quiet score payments.csv --model m --out s.{ending}"), 2, f"--out s.{ending}", "is stored all"
    )
    assert len(stored(fitted)["finished"]) == 2


def test_a_model_folder_that_cannot_be_made_leaves_no_model(home: Path) -> None:
    Path("payments.csv").write_text(payments())
    home.mkdir()
    (home / "models").write_text("in the way")
    is_refused(type_in(f"--quiet run payments.csv {FOREST}"), 1, "models", "cannot be written")
    (home / "models").unlink()
    after = stored(home)
    assert (after["finished"], after["models"]) == ([], [])
    assert [status for _, status in after["runs"]] == ["failed"]


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        (["run", "none.csv"], 4, "there is no file 'none.csv'"),
        (["run", "payments.csv", "--budget", "0"], 2, "budget must be"),
        (["--store", "payments.csv", "runs"], 1, "file is not a database"),
        (["show", "latest"], 2, "the store has no run yet"),
    ],
)
def test_the_program_itself_says_the_same(home: Path, typed: list[str], code: int, says: str) -> None:
    Path("payments.csv").write_text(payments())
    done = anomalist("--quiet", *typed, folder=Path.cwd(), ANOMALIST_DATA_HOME=str(home))
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
