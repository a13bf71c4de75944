"""Settings: which layer wins, where each value came from, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anomalist.config import SETTINGS, hide_password, load_settings
from anomalist.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "anomalist.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings(environ={"ANOMALIST_DATA_HOME": str(tmp_path)}, folder=tmp_path)
    assert settings.store == f"sqlite:///{tmp_path}/anomalist.db"
    assert (settings.panel, settings.budget, settings.combiner) == ("default", 0.01, "upper_half")
    assert (settings.threads, settings.timeout, settings.seed, settings.device) == (None, None, 0, "auto")
    assert (settings.analyst, settings.disable_plugins, settings.no_plugins) == (None, (), False)
    assert (settings.isolate, settings.memory, settings.trust_pickle) == (False, None, False)
    assert {name for name, origin in settings.origins.items() if origin != "default"} == {"data_home"}


def test_the_default_folder_is_the_users(tmp_path: Path) -> None:
    settings = load_settings(environ={}, folder=tmp_path)
    assert settings.data_home.is_absolute()
    assert settings.origins["data_home"] == "default"


def test_each_layer_goes_before_the_next(tmp_path: Path) -> None:
    path = write(tmp_path, 'seed = 1\npanel = "fast"\nbudget = 20\n')
    settings = load_settings(
        {"seed": 3, "device": None}, environ={"ANOMALIST_SEED": "2", "ANOMALIST_PANEL": "deep"}, folder=tmp_path
    )
    assert (settings.seed, settings.panel, settings.budget) == (3, "deep", 20.0)
    assert settings.origins["seed"] == "flag --seed"
    assert settings.origins["panel"] == "environment ANOMALIST_PANEL"
    assert settings.origins["budget"] == f"file {path}"
    assert settings.origins["device"] == "default"


def test_the_nearest_file_upwards_is_read(tmp_path: Path) -> None:
    write(tmp_path, "seed = 1")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert load_settings(environ={}, folder=deep).seed == 1
    write(tmp_path / "a", "seed = 2")
    assert load_settings(environ={}, folder=deep).seed == 2


def test_a_named_file_replaces_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "seed = 1")
    (tmp_path / "two.toml").write_text("seed = 2")
    (tmp_path / "three.toml").write_text("seed = 3")
    environ = {"ANOMALIST_CONFIG": "two.toml"}
    assert load_settings(environ=environ, folder=tmp_path).seed == 2
    assert load_settings(environ=environ, folder=tmp_path, config="three.toml").seed == 3


def test_paths_start_where_they_were_written(tmp_path: Path) -> None:
    elsewhere = tmp_path / "work"
    elsewhere.mkdir()
    write(tmp_path, 'data_home = "models"\nstore = "runs.db"')
    settings = load_settings(environ={}, folder=elsewhere)
    assert settings.data_home == tmp_path / "models"
    assert settings.store == f"sqlite:///{tmp_path}/runs.db"
    assert load_settings({"store": "runs.db"}, environ={}, folder=elsewhere).store == f"sqlite:///{elsewhere}/runs.db"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("runs.db", "sqlite:////base/runs.db"),
        ("/x/runs.db", "sqlite:////x/runs.db"),
        ("sqlite:///runs.db", "sqlite:////base/runs.db"),
        ("sqlite:////x/runs.db?timeout=3", "sqlite:////x/runs.db?timeout=3"),
        ("postgresql://ann@db/runs", "postgresql://ann@db/runs"),
    ],
)
def test_a_store_is_a_url_or_a_file(given: str, url: str) -> None:
    assert load_settings({"store": given}, environ={}, folder=Path("/base")).store == url


@pytest.mark.parametrize(
    ("given", "budget"), [("1%", 0.01), ("0.5 %", 0.005), ("50", 50.0), (50, 50.0), ("0.02", 0.02), (0.02, 0.02)]
)
def test_budgets(given: object, budget: float, tmp_path: Path) -> None:
    assert load_settings({"budget": given}, environ={}, folder=tmp_path).budget == pytest.approx(budget)


def test_an_empty_variable_is_not_set_and_none_resets(tmp_path: Path) -> None:
    write(tmp_path, "threads = 2\ntimeout = 60")
    settings = load_settings(environ={"ANOMALIST_THREADS": "", "ANOMALIST_TIMEOUT": "none"}, folder=tmp_path)
    assert (settings.threads, settings.timeout) == (2, None)


def test_plugins_to_disable(tmp_path: Path) -> None:
    environ = {"ANOMALIST_DISABLE_PLUGINS": "knn, my-plugin,"}
    assert load_settings(environ=environ, folder=tmp_path).disable_plugins == ("knn", "my-plugin")
    write(tmp_path, 'disable_plugins = ["vae"]')
    assert load_settings(environ={}, folder=tmp_path).disable_plugins == ("vae",)


BAD_VALUES: list[tuple[str, Any]] = [
    ("store", " "),
    ("store", "what?.db"),
    ("panel", ""),
    ("budget", "0"),
    ("budget", "-3"),
    ("budget", "100%"),
    ("budget", "1%%"),
    ("budget", "2.5"),
    ("budget", "nan"),
    ("budget", "some"),
    ("budget", True),
    ("threads", "0"),
    ("threads", "two"),
    ("threads", 1.5),
    ("timeout", "0"),
    ("timeout", "inf"),
    ("seed", "-1"),
    ("seed", "1.5"),
    ("seed", 2**32),
    ("device", "gpu"),
    ("analyst", " "),
    ("analyst", 3),
    ("disable_plugins", 3),
    ("no_plugins", "perhaps"),
    ("isolate", 2),
    ("memory", "0"),
    ("memory", "2 G of it"),
    ("memory", True),
    ("trust_pickle", "me"),
]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_a_bad_value_names_its_place(name: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({name: value}, environ={}, folder=tmp_path)
    message = str(caught.value)
    assert message.startswith(
        f"flag --{name.replace('_', '-')}: {name} must be {SETTINGS[name].expected}, got {value!r}"
    )
    assert "\n" not in message


def test_numbers_in_the_file_are_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, 'seed = "7"')
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={}, folder=tmp_path)
    assert str(caught.value) == f"file {path}: seed must be a whole number from 0 to 4294967295, got '7'"


def test_unknown_keys_get_a_suggestion(tmp_path: Path) -> None:
    path = write(tmp_path, "sead = 7")
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={}, folder=tmp_path)
    assert str(caught.value) == f"file {path}: there is no setting 'sead'; did you mean 'seed'?"
    with pytest.raises(ConfigError, match="there is no setting 'bugdet'; did you mean 'budget'"):
        load_settings({"bugdet": 3}, environ={}, folder=tmp_path.parent)


def test_a_slip_in_a_variable_is_found_and_other_variables_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^environment ANOMALIST_SEDE: .* did you mean 'ANOMALIST_SEED'\?$"):
        load_settings(environ={"ANOMALIST_SEDE": "7"}, folder=tmp_path)
    load_settings(environ={"ANOMALIST_MY_PLUGIN_TOKEN": "x", "OTHER": "y"}, folder=tmp_path)


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xfe", b"[seed]\nx = 1"])
def test_a_broken_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "anomalist.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^file {path}"):
        load_settings(environ={}, folder=tmp_path)


def test_a_named_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^flag --config: there is no file .*none\.toml$"):
        load_settings(config="none.toml", environ={}, folder=tmp_path)
    with pytest.raises(ConfigError, match=r"^environment ANOMALIST_CONFIG: there is no file"):
        load_settings(environ={"ANOMALIST_CONFIG": "none.toml"}, folder=tmp_path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3c@ret@db/x", "postgresql://ann:***@db/x"),
        ("postgresql+psycopg://ann:s3cret@db:5432/x?a=b", "postgresql+psycopg://ann:***@db:5432/x?a=b"),
        ("postgresql:///x?user=ann&password=s3cret", "postgresql:///x?user=ann&password=***"),
        ("postgresql:///x?sslPassword=s3cret&user=ann", "postgresql:///x?sslPassword=***&user=ann"),
        ("postgresql://ann:s3/cr?e@t@h/x", "postgresql://ann:***@h/x"),
        ("postgresql://ann@db/x", "postgresql://ann@db/x"),
        ("sqlite:////a:b@c/x.db", "sqlite:////a:b@c/x.db"),
    ],
)
def test_passwords_are_never_shown(url: str, shown: str) -> None:
    assert hide_password(url) == shown


def test_to_dict_hides_the_password(tmp_path: Path) -> None:
    settings = load_settings({"store": "postgresql://ann:s3cret@db/x"}, environ={}, folder=tmp_path)
    shown = settings.to_dict()
    assert shown["store"] == {"value": "postgresql://ann:***@db/x", "source": "flag --store"}
    assert list(shown) == list(SETTINGS)


@pytest.mark.parametrize(
    ("given", "size"),
    [("500M", 500 * 2**20), ("2 GiB", 2**31), ("1.5g", 3 * 2**29), ("4096", 4096), (4096, 4096), ("none", None)],
)
def test_a_size_has_a_unit(given: object, size: int | None, tmp_path: Path) -> None:
    assert load_settings({"isolate": True, "memory": given}, environ={}, folder=tmp_path).memory == size


@pytest.mark.parametrize(("text", "meant"), [("1", True), ("yes", True), ("False", False), ("off", False)])
def test_truth_is_read_from_words(text: str, meant: bool, tmp_path: Path) -> None:
    assert load_settings(environ={"ANOMALIST_ISOLATE": text}, folder=tmp_path).isolate is meant


def test_a_limit_of_memory_needs_processes_to_limit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"flag --memory: .* add --isolate"):
        load_settings({"memory": "1G"}, environ={}, folder=tmp_path)
    assert load_settings(environ={"ANOMALIST_MEMORY": "1G"}, folder=tmp_path).memory == 2**30
