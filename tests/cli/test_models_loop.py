"""`anomalist models promote|rollback|show|list`: which version is used, why, and how to go back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.looping import judge, retrain, set_out
from tests.cli.samples import stored, type_in
from tests.cli.shapes import NOISE, has
from tests.engine.looping import payments
from tests.helpers import anomalist

PROMOTION = {
    "name": str,
    "version": int,
    "replaced": (int, type(None)),
    "how": str,
    "run": (str, type(None)),
    "created_at": str,
}


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with payments.csv and three versions of `m`: as fitted, taught and promoted, poisoned and waiting."""
    folder = tmp_path_factory.mktemp("versions")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ANOMALIST_")]:
            patch.delenv(name)
        patch.setenv("ANOMALIST_DATA_HOME", str(folder / "home"))
        patch.chdir(folder)
        set_out()
        assert retrain("--json --budget 5").json["retrain"]["promoted"]
        judge(30, flip=True)
        assert not retrain("--json --budget 9").json["retrain"]["promoted"]
    return folder


@pytest.fixture
def loop(home: Path, three: Path) -> Path:
    shutil.copytree(three / "home", home)
    shutil.copy(three / "payments.csv", "payments.csv")
    return home


def written(model: str, name: str) -> bytes:
    """Every score that a model gives to new rows, as a file."""
    if not Path("new.csv").exists():
        payments(300, seed=12).write_csv("new.csv")
    done = type_in(f"--quiet score new.csv --model {model} --key id --out {name}")
    assert (done.code, done.err) == (0, "")
    return Path(name).read_bytes()


def aliases() -> dict[int, list[str]]:
    return {model["version"]: model["aliases"] for model in type_in("models list m --json").json["models"]}


def test_a_rollback_gives_back_every_score_to_the_last_digit(loop: Path) -> None:
    first, second = written("m:1", "1.csv"), written("m", "2.csv")
    assert first != second
    assert written("m:2", "2.csv") == second
    done = type_in("models rollback m")
    assert (done.code, done.out, done.err) == (0, "m:1 is the champion now, in place of m:2\n", "")
    assert written("m", "again.csv") == first
    assert type_in("models promote m:2").code == 0
    assert written("m", "again.csv") == second


def test_a_version_that_serves_no_more_is_said_to_have_been_champion(loop: Path) -> None:
    def served(version: int) -> str:
        lines = type_in(f"models show m:{version}").out.splitlines()
        return next(line for line in lines if "champion " in line and "aliases" not in line)

    assert served(2).startswith("champion ")
    assert served(3).split() == ["champion", "-"]
    type_in("models rollback m")
    assert served(1).startswith("champion ")
    assert served(2).startswith("was champion ")


def test_another_process_gives_the_same_scores_after_a_rollback(loop: Path) -> None:
    first = written("m:1", "1.csv")
    folder = {"folder": Path.cwd(), "ANOMALIST_DATA_HOME": str(loop)}
    assert anomalist("models", "rollback", "m", **folder).returncode == 0  # type: ignore[arg-type]
    done = anomalist("--quiet", "score", "new.csv", "--model", "m", "--key", "id", "--out", "again.csv", **folder)  # type: ignore[arg-type]
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("again.csv").read_bytes() == first


def test_the_threshold_goes_back_with_the_model(loop: Path) -> None:
    assert "5 rows" in type_in("models show m").out
    type_in("models rollback m")
    assert "a budget of 1% of the rows" in type_in("models show m").out


def test_a_challenger_is_promoted_by_the_name_of_the_model_alone(loop: Path) -> None:
    assert aliases() == {3: ["challenger"], 2: ["champion"], 1: []}
    done = type_in("models promote m --json")
    has(done.json["promotion"], PROMOTION)
    assert (done.json["promotion"]["version"], done.json["promotion"]["replaced"]) == (3, 2)
    assert done.json["promotion"]["how"] == "asked"
    assert aliases() == {3: ["champion"], 2: [], 1: []}


def test_rollbacks_walk_back_step_by_step(loop: Path) -> None:
    type_in("models promote m@challenger")
    found = [type_in("models rollback m --json").json["promotion"] for _ in range(2)]
    assert [(step["version"], step["replaced"], step["how"]) for step in found] == [
        (2, 3, "rollback"),
        (1, 2, "rollback"),
    ]
    before = stored(loop)
    done = type_in("models rollback m")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: m:1 replaced no other version: there is nothing to roll back to\n"
    assert stored(loop) == before
    assert aliases()[1] == ["champion"]


def test_a_model_tells_its_history(loop: Path) -> None:
    type_in("models rollback m")
    type_in("models promote m:2")
    done = type_in("models show m")
    assert done.code == 0
    line = next(line for line in done.out.splitlines() if line.startswith("champion"))
    assert "as somebody asked" in line
    assert "better than the champion before (run " in line
    assert "gp, taught by 30 verdicts, " in done.out
    assert not NOISE.search(done.out.replace("shrinkage=none", ""))
    shown = type_in("models show m --json").json["model"]
    assert [step["how"] for step in shown["promotions"]] == ["asked", "better"]
    assert shown["stack"]["verdicts"] == 30
    first = type_in("models show m:1 --json").json["model"]
    assert [step["how"] for step in first["promotions"]] == ["rollback", "first"]
    assert first["stack"] is None
    waiting = type_in("models show m@challenger --json").json["model"]
    assert (waiting["version"], waiting["promotions"]) == (3, [])


def test_what_was_learned_is_explained_of_a_row(loop: Path) -> None:
    judged = type_in("--quiet score payments.csv --model m --key id --json").json
    best = judged["top"][0]
    assert best["moved"]["columns"]["amount"] > 0
    said = type_in(f"explain latest {best['key']}").out
    assert "amount" in said
    assert "verdicts" in said


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("models promote m:2", "m:2 is the champion already"),
        ("models promote m@champion", "m:2 is the champion already"),
        ("models promote m:9", "no model m:9"),
        ("models promote m@best", "no model m@best"),
        ("models promote q", "no model 'q'"),
        ("models promote 'm:1:2'", "NAME:version, got 'm:1:2'"),
        ("models promote", "Missing argument 'NAME[@ALIAS|:VERSION]'"),
        ("models rollback q", "no model 'q'"),
        ("models rollback m:2", "m:2"),
        ("models rollback", "Missing argument 'NAME'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(loop: Path, typed: str, says: str) -> None:
    before = aliases()
    done = type_in(typed)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert says in done.err
    assert aliases() == before


def test_without_a_challenger_the_version_has_to_be_named(loop: Path) -> None:
    type_in("models promote m")
    done = type_in("models promote m")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: m has no challenger; name a version: `anomalist models list m` shows them\n"
