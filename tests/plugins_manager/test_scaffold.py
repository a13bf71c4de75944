"""New packages: how they are named, and that what is written installs, passes its tests and works."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from anomalist.cli.main import run
from anomalist.errors import UsageError
from anomalist.plugins.plugin import Kind
from anomalist.plugins.scaffold import Draft, supported_versions

if TYPE_CHECKING:
    from tests.fresh import Fresh

ROOT = Path(__file__).parents[2]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST = "a" * 40


@pytest.mark.parametrize(
    "text",
    ["My Detector", "my-detector", "MyDetector", "anomalist-my-detector", "anomalist_my.detector", " my  detector"],
)
def test_any_spelling_makes_the_same_names(text: str) -> None:
    draft = Draft.of(text, "detector")
    names = draft.distribution, draft.module, draft.name, draft.title
    assert names == ("anomalist-my-detector", "anomalist_my_detector", "my_detector", "MyDetector")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a plugin is named by at most 40 letters, digits and hyphens"),
        ("anomalist-", "a plugin is named by"),
        ("2fast", "a letter first, such as my-detector; got '2fast'"),
        ("größe", "got 'größe'"),
        ("../up", "got '../up'"),
        ("a" * 41, "at most 40 letters"),
        ("lambda", "'lambda' is a word of Python itself; choose another name, such as my-lambda"),
        ("None", "'none' is a word of Python itself"),
        ("test-x", "pytest takes a class 'TestX' for tests; choose another name, such as my-test-x"),
        ("Dataset", "'Dataset' is a class that the package imports"),
    ],
)
def test_what_cannot_be_a_name_is_refused_in_one_line(text: str, why: str) -> None:
    with pytest.raises(UsageError) as error:
        Draft.of(text, "detector")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["knn"], "'knn' is brought by anomalist already; choose another name"),
        (["KNN", "--kind", "reader"], "'knn' is brought by anomalist already"),
        (["median", "--kind", "combiner"], "'median' is a combiner of anomalist itself"),
        (["gp", "--kind", "stacker"], "'gp' is a stacker of anomalist itself"),
        (["csv", "--kind", "reader"], "'csv' is a reader of anomalist itself"),
        (["plugins"], "a module anomalist_plugins is installed already"),
    ],
)
def test_a_name_that_is_taken_is_refused_and_nothing_written(
    args: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plugins", "new", *args, "--folder", str(tmp_path)]) == 2
    assert why in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "anomalist-mine"
    there.mkdir()
    (there / "README.md").write_text("mine", encoding="utf-8")
    assert run(["plugins", "new", "mine", "--folder", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {there} is there already; nothing was written\n"
    assert [path.read_text(encoding="utf-8") for path in there.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(["plugins", "new", "mine", "--folder", str(tmp_path / "file")]) == 2
    assert "cannot be written: Not a directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("version", "range_"), [("0.1.0", ">=0.1,<0.2"), ("1.9.3", ">=1.9,<2"), ("0.3.0.dev1", ">=0.3.0.dev1,<0.4")]
)
def test_a_new_package_asks_for_the_versions_like_the_one_that_wrote_it(version: str, range_: str) -> None:
    assert supported_versions(version) == range_


def test_commands_are_for_this_environment_where_the_path_leads_to_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["plugins", "new", "mine", "--folder", str(tmp_path / "a b"), "--json"]) == 0
    commands = json.loads(capsys.readouterr().out)["commands"]
    folder = tmp_path / "a b" / "anomalist-mine"
    assert [shlex.split(line) for line in (*commands["install"], *commands["test"])] == [
        [sys.executable, "-m", "pip", "install", "-e", f"{folder}[test]"],
        [sys.executable, "-m", "pytest", str(folder)],
    ]
    assert shlex.split(commands["use"][0])[:5] == [sys.executable, "-m", "anomalist", "run", f"{folder}/example.csv"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A package of each kind, with a short and with the longest name."""
    folder = tmp_path_factory.mktemp("written")
    return [Draft.of(name, kind).write(folder / kind)[0] for kind in KINDS for name in (f"x {kind}", LONGEST)]


def test_what_is_written_is_clean_by_the_rules_of_anomalist(written: list[Path]) -> None:
    config = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), "--config", 'src = ["src"]']
    for package in written:
        for command in (["check", *config], ["format", "--check", *config], ["format", "--check", "--no-cache"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command], capture_output=True, text=True, check=False, cwd=package
            )
            assert done.returncode == 0, done.stdout


def test_what_is_written_has_types(written: list[Path]) -> None:
    sources = [package / "src" for package in written if LONGEST not in package.name]
    sources += sorted((ROOT / "tests" / "packages").glob("*/src"))
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *map(str, sources)]
    path = ":".join(["platform", "plugins", *map(str, sources)])
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env={"MYPYPATH": path})
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_has_its_values(written: list[Path]) -> None:
    for package in written:
        texts = {path: path.read_text(encoding="utf-8") for path in package.rglob("*") if path.is_file()}
        assert len(texts) >= 9
        assert not any("{{" in text.replace("${{", "") for text in texts.values())
        for path, text in texts.items():
            if path.suffix == ".py":
                assert ast.get_docstring(ast.parse(text)), path
        assert (package / ".github" / "workflows" / "tests.yml").is_file()
        assert (package / ".gitignore").is_file()


def test_an_afternoon_is_from_nothing_to_a_stored_run_in_at_most_six_commands(fresh: Fresh, tmp_path: Path) -> None:
    typed = ['anomalist plugins new "My Afternoon"']
    told = fresh.sh(typed[0], tmp_path)
    printed = [line.partition(" it:")[2].strip() for line in told.splitlines() if " it:" in line]
    assert len(printed) == 3
    assert printed[0] == 'python -m pip install -e "./anomalist-my-afternoon[test]"'

    detector = tmp_path / "anomalist-my-afternoon" / "src" / "anomalist_my_afternoon" / "detector.py"
    assert str(detector.relative_to(tmp_path)) in told
    text = detector.read_text(encoding="utf-8")
    assert "draws: int = 25" in text
    detector.write_text(text.replace("draws: int = 25", "draws: int = 5"), encoding="utf-8")  # what an author edits

    for command in printed:
        typed.append(command)
        fresh.sh(command, tmp_path)
    assert len(typed) <= 6
    stored = json.loads(fresh.sh("anomalist show latest --json", tmp_path))["run"]
    assert stored["status"] == "done"
    found = [(member["name"], member["package"], member["params"]["draws"]) for member in stored["members"]]
    assert found == [("my_afternoon", "anomalist-my-afternoon", 5)]


def test_the_wheel_of_a_new_detector_works_beside_that_of_anomalist(fresh: Fresh, tmp_path: Path) -> None:
    fresh.sh("anomalist plugins new from-wheel", tmp_path)
    fresh.sh("python -m pip wheel --quiet --no-deps -w wheels ./anomalist-from-wheel", tmp_path)
    fresh.sh("python -m pip install --quiet wheels/*.whl", tmp_path)
    where = "import anomalist, anomalist_from_wheel as mine; print(anomalist.__file__, mine.__file__, sep='\\n')"
    for file in fresh.sh(f'python -c "{where}"', tmp_path).splitlines():
        assert Path(file).is_relative_to(fresh.packages)

    shutil.rmtree(tmp_path / "anomalist-from-wheel" / "src")  # what is tested is what is installed
    assert " passed" in fresh.sh("python -m pytest anomalist-from-wheel", tmp_path)
    found = json.loads(
        fresh.sh("anomalist run anomalist-from-wheel/example.csv --detector from_wheel --json", tmp_path)
    )
    assert found["run"]["status"] == "done"
    assert "anomalist-from-wheel" in fresh.sh("anomalist detectors from_wheel", tmp_path)
    clash = "anomalist plugins new from-wheel --folder other 2>&1 || true"
    assert "anomalist-from-wheel 0.1.0 is installed already" in fresh.sh(clash, tmp_path)


def test_every_kind_passes_its_tests_and_works_as_printed(fresh: Fresh, tmp_path: Path) -> None:
    kinds = [kind for kind in KINDS if kind != "detector"]
    asked = [f"anomalist plugins new some-{kind} --kind {kind} --json" for kind in kinds]
    told = [json.loads(fresh.sh(command, tmp_path)) for command in asked]
    folders = [one["package"]["folder"] for one in told]
    fresh.sh(f"python -m pip install --quiet {' '.join(f'-e ./{folder}' for folder in folders)}", tmp_path)
    fresh.sh(f"python -m pytest {' '.join(folders)}", tmp_path)

    def use(commands: list[str], home: Path) -> list[str]:
        return [fresh.sh(command, tmp_path, ANOMALIST_DATA_HOME=str(home)) for command in commands]

    with ThreadPoolExecutor(2) as pool:
        homes = [tmp_path / kind for kind in kinds]
        printed = dict(zip(kinds, pool.map(use, [one["commands"]["use"] for one in told], homes), strict=True))
    fitted, imported, retrained = printed.pop("stacker")
    assert "20 verdicts imported" in imported
    for text in (fitted, retrained, *(text for (text,) in printed.values())):
        assert re.match(r"run \w+: done in ", text), text
    assert "temperature_within_machine" in printed["features"][0]
