"""`anomalist features`, and `--features` of `anomalist run`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.samples import payments, stored, type_in
from tests.helpers import install_plugin

PLUGIN = '''
from dataclasses import dataclass
import polars as pl
from anomalist.detector import FeatureSpec, hookimpl
from anomalist.errors import UsageError

@dataclass
class Share:
    """The share of a row in its entity's total.

    Attributes:
        column: The column that is added up.
        digits: To how many digits it is rounded,
            at most.
    """
    column: str = "amount"
    digits: int = 4

    def fit(self, table):
        if table.entity is None:
            raise UsageError("name the column that says whose a row is with --entity")
        totals = table.frame.group_by(table.entity).agg(pl.col(self.column).sum())
        self.totals = dict(totals.sort(table.entity).iter_rows())
        return self

    def transform(self, table):
        print("made with care")
        total = table.frame[table.entity].replace_strict(self.totals, default=None, return_dtype=pl.Float64)
        return pl.DataFrame({f"{self.column}_share": (table.frame[self.column] / total).round(self.digits)})

    def state(self):
        return {"totals": self.totals}

    def restore(self, state):
        self.totals = state["totals"]
        return self

@hookimpl
def anomalist_features():
    return [FeatureSpec(name="share", summary="Shares of totals.", factory=f"{__name__}:Share")]
'''
RUN = "run payments.csv --key id --entity city --ignore fraud --detector mahalanobis --threads 1"


@pytest.fixture
def shares(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, payments.csv in the working directory, and the maker above."""
    (tmp_path / "site").mkdir()
    install_plugin(tmp_path / "site", "acme-shares", PLUGIN, version="2.1")
    monkeypatch.syspath_prepend(tmp_path / "site")
    Path("payments.csv").write_text(payments())
    return home


def test_the_makers_are_listed_and_explained(shares: Path) -> None:
    done = type_in("features")
    assert done.out.split() == ["name", "package", "summary", "share", "acme-shares", "Shares", "of", "totals."]
    about = {"name": "share", "summary": "Shares of totals.", "package": "acme-shares"}
    assert type_in("features --json").json == {"schema": 1, "features": [about]}
    for name in ("share", "acme-shares:share"):
        told = type_in(f"features {name}").out
        assert told.startswith("share: Shares of totals.\n\npackage  acme-shares\n")
        assert "digits     int   4        To how many digits it is rounded, at most." in told
        parameters = type_in(f"features {name} --json").json["feature"].pop("parameters")
        assert [one["name"] for one in parameters] == ["column", "digits"]
    unknown = type_in("features shares")
    assert (unknown.code, unknown.err) == (
        2,
        "error: no maker of features is called 'shares'; did you mean 'share'?\n",
    )


def test_without_any_the_list_says_so(home: Path) -> None:
    assert type_in("features").out == "no plugin makes features; docs/features.md shows how to write one\n"
    assert type_in("features --json").json["features"] == []


def test_a_run_names_them_and_its_model_keeps_them(shares: Path) -> None:
    done = type_in(f"--quiet {RUN} --features share:digits=3 --json")
    assert (done.code, done.err) == (0, "")
    assert done.json["top"][0]["key"] in ("r7", "r42")
    reasons = {reason["column"]: reason for reason in done.json["top"][0]["reasons"]}
    assert reasons["amount_share"]["actual"] > reasons["amount_share"]["typical"]
    said = f"amount_share {reasons['amount_share']['actual']:.4g} (typically "
    for typed in ("top latest", "explain latest r7 --json", "show latest --json"):
        assert type_in(typed).code == 0
    assert said in type_in("top latest -n 1").out
    assert type_in("explain latest r3 --json").json["finding"]["values"]["amount_share"] > 0
    assert "features       acme-shares:share:digits=3\n" in type_in("show latest").out
    shown = type_in("models show payments")
    assert "features: share:column=amount,digits=3 of acme-shares 2.1 makes amount_share\n" in shown.out
    (kept,) = type_in("models show payments --json").json["model"]["features"]
    assert kept["params"] == {"column": "amount", "digits": 3}
    scored = type_in("--quiet score payments.csv --model payments --json")
    assert [row["score"] for row in scored.json["top"]] == [row["score"] for row in done.json["top"]]
    drift = type_in("--quiet monitor payments payments.csv --json")
    assert [column["column"] for column in drift.json["columns"]][-1] == "amount_share"
    assert type_in("--quiet retrain payments --members refit").code == 0
    (again,) = type_in("models show payments:2 --json").json["model"]["features"]
    assert again == kept


def test_what_fails_is_one_line_and_its_own_exit_code(shares: Path) -> None:
    where = "error: features 'share' of acme-shares 2.1"
    for typed, code, says in (
        (
            "run payments.csv --detector mahalanobis --features share",
            2,
            f"{where}: name the column that says whose a row is with --entity",
        ),
        (f"{RUN} --features share:column=amuont", 1, f"{where} failed: ColumnNotFoundError: "),
        (f"{RUN} --features share --features share", 2, f"{where}: it makes a column 'amount_share', and so does "),
        (f"{RUN} --features shape", 2, "error: no maker of features is called 'shape'; did you mean 'share'?"),
        (f"{RUN} --features share:digits=few", 2, "error: share: digits must be int, got 'few'"),
    ):
        done = type_in(f"--quiet {typed}")
        assert (done.code, done.out, done.err.count("\n")) == (code, "", 1), typed
        assert done.err.startswith(says)
    assert not any(stored(shares)[what] for what in ("runs", "models", "folders"))
    assert type_in(f"--quiet {RUN} --features share").code == 0
    Path("less.csv").write_text(payments(city=None))
    done = type_in("--quiet score less.csv --model payments")
    assert (done.code, done.out) == (4, "")
    assert "less.csv lacks 'city', which there was in training" in done.err
    done = type_in("--quiet score payments.csv --model payments --no-plugins")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: the model needs features 'share' of acme-shares 2.1, and plugin 'plugin' is ")
