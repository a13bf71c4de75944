from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anomalist.errors import ModelFileError
from anomalist.store.artifacts import FORMAT, load_model, remove_unfinished, save_model

MANIFEST = {"detectors": ["forest", "knn:k=5"], "columns": 3, "threshold": {"policy": "budget", "value": None}}


def parts() -> dict[str, dict[str, Any]]:
    grid = np.arange(12, dtype=np.float64).reshape(3, 4)
    return {
        "knn:k=5/../x": {"points": grid.T[::2], "fortran": np.asfortranarray(grid), "k": 5, "low": -np.inf},
        "forest": {"split": np.zeros((0, 2), dtype=np.uint16), "on": np.array(True), "big": np.arange(3, dtype=">i4")},
        "encoder": {"levels": ["a", "b"], "none": None, "nested": {"$array": "not one", "mean": np.float32(0.5)}},
    }


def test_a_model_comes_back_bit_for_bit_and_writable(tmp_path: Path) -> None:
    manifest, back = load_model(tmp_path, save_model(tmp_path, MANIFEST, parts()))
    assert manifest == MANIFEST
    assert set(back) == set(parts())
    for name, state in parts().items():
        assert list(back[name]) == list(state)
        for key, value in state.items():
            if isinstance(value, np.ndarray):
                assert back[name][key].dtype == value.dtype.newbyteorder("=")
                np.testing.assert_array_equal(back[name][key], value)
                assert back[name][key].shape == value.shape
                assert back[name][key].flags.writeable
            else:
                assert back[name][key] == value


def test_the_folder_is_named_by_its_content(tmp_path: Path) -> None:
    name = save_model(tmp_path, MANIFEST, parts())
    text = (tmp_path / name / "manifest.json").read_bytes()
    document = json.loads(text)
    assert hashlib.sha256(text).hexdigest() == name
    assert document["format"] == FORMAT
    assert {"python", "numpy", "safetensors", "anomalist"} <= set(document["versions"])
    files = {file.name for file in (tmp_path / name).iterdir()}
    assert files == {
        "manifest.json",
        "00-encoder.json",
        "01-forest.json",
        "01-forest.safetensors",
        "02-knn-k-5-x.json",
        "02-knn-k-5-x.safetensors",
    }
    assert set(document["files"]) == files - {"manifest.json"}


def test_saving_again_writes_nothing_and_makes_it_young(tmp_path: Path) -> None:
    name = save_model(tmp_path, MANIFEST, parts())
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / name).iterdir()}
    os.utime(tmp_path / name, (0, 0))
    assert save_model(tmp_path, MANIFEST, dict(reversed(parts().items()))) == name
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / name).iterdir()} == before
    assert [folder.name for folder in tmp_path.iterdir()] == [name]
    assert time.time() - (tmp_path / name).stat().st_mtime < 60


def test_a_damaged_folder_is_written_again(tmp_path: Path) -> None:
    name = save_model(tmp_path, MANIFEST, parts())
    (tmp_path / name / "00-encoder.json").write_text("{}")
    assert save_model(tmp_path, MANIFEST, parts()) == name
    assert load_model(tmp_path, name)[0] == MANIFEST
    assert [folder.name for folder in tmp_path.iterdir()] == [name]


def test_another_value_is_another_model(tmp_path: Path) -> None:
    changed = parts()
    changed["forest"]["on"] = np.array(False)
    names = {save_model(tmp_path, MANIFEST, parts()), save_model(tmp_path, MANIFEST, changed)}
    names.add(save_model(tmp_path, MANIFEST | {"columns": 4}, parts()))
    assert len(names) == 3


def _save(root: str) -> str:
    return save_model(Path(root), MANIFEST, parts())


def test_processes_that_save_the_same_model_at_once_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        names = set(pool.map(_save, [str(tmp_path)] * 12, chunksize=1))
    assert [folder.name for folder in tmp_path.iterdir()] == list(names)
    assert load_model(tmp_path, names.pop())[0] == MANIFEST


def remanifest(folder: Path, **changes: Any) -> str:
    """Change the manifest and name the folder by it again, as someone who knows the format could."""
    document = json.loads((folder / "manifest.json").read_text())
    text = json.dumps(document | changes).encode()
    (folder / "manifest.json").write_bytes(text)
    return folder.rename(folder.parent / hashlib.sha256(text).hexdigest()).name


def flip(file: Path, where: int) -> None:
    data = bytearray(file.read_bytes())
    data[where] ^= 1
    file.write_bytes(data)


def damage(kind: str, folder: Path) -> str:
    """Damage a model folder in one way; returns the name to load it by."""
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    match kind:
        case "no folder":
            folder.rename(folder.parent / "elsewhere")
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "no file":
            (folder / "01-forest.safetensors").unlink()
        case "changed manifest":
            flip(folder / "manifest.json", 40)
        case "changed byte":
            flip(folder / "01-forest.safetensors", -1)
        case "cut short":
            os.truncate(folder / "01-forest.json", 10)
        case "empty file":
            os.truncate(folder / "01-forest.json", 0)
        case "folder for a file":
            (folder / "01-forest.json").unlink()
            (folder / "01-forest.json").mkdir()
        case "unknown format":
            return remanifest(folder, format=FORMAT + 1)
        case "path out":
            return remanifest(folder, files=listed | {"../../secret": "0" * 64})
        case "absolute path":
            return remanifest(folder, files=listed | {"/etc/passwd": "0" * 64})
        case "unlisted part":
            return remanifest(folder, parts=[["forest", "../x.json"]])
        case "no list of files":
            return remanifest(folder, files=None)
        case "manifest is a list":
            (folder / "manifest.json").write_bytes(b"[1]")
            return folder.rename(folder.parent / hashlib.sha256(b"[1]").hexdigest()).name
        case "bad JSON":
            (folder / "manifest.json").write_bytes(b"{")
            return folder.rename(folder.parent / hashlib.sha256(b"{").hexdigest()).name
        case "deep JSON":
            deep = b"[" * 100_000
            (folder / "manifest.json").write_bytes(deep)
            return folder.rename(folder.parent / hashlib.sha256(deep).hexdigest()).name
        case "bad part":
            (folder / "01-forest.json").write_bytes(b"nonsense")
            return remanifest(folder, files=listed | {"01-forest.json": hashlib.sha256(b"nonsense").hexdigest()})
        case "bad arrays":
            (folder / "01-forest.safetensors").write_bytes(b"nonsense")
            return remanifest(folder, files=listed | {"01-forest.safetensors": hashlib.sha256(b"nonsense").hexdigest()})
        case "arrays not listed":
            return remanifest(folder, files={k: v for k, v in listed.items() if k != "01-forest.safetensors"})
    return folder.name


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("no folder", "there is no such model folder"),
        ("no manifest", "manifest.json: the file cannot be read"),
        ("no file", "01-forest.safetensors: the file cannot be read"),
        ("changed manifest", "manifest.json: the file was changed"),
        ("changed byte", "01-forest.safetensors: the file was changed or cut short"),
        ("cut short", "01-forest.json: the file was changed or cut short"),
        ("empty file", "01-forest.json: the file was changed or cut short"),
        ("folder for a file", "01-forest.json: the file cannot be read"),
        ("unknown format", "format 2, this version reads format 1: upgrade anomalist"),
        ("path out", "'../../secret' is not the name of a file of a model"),
        ("absolute path", "'/etc/passwd' is not the name of a file of a model"),
        ("unlisted part", "not what anomalist writes"),
        ("no list of files", "not a manifest"),
        ("manifest is a list", "not a manifest"),
        ("bad JSON", "not a manifest"),
        ("deep JSON", "not a manifest"),
        ("bad part", "not what anomalist writes"),
        ("bad arrays", "not what anomalist writes"),
        ("arrays not listed", "not what anomalist writes"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, kind: str, message: str) -> None:
    name = damage(kind, tmp_path / save_model(tmp_path, MANIFEST, parts()))
    with pytest.raises(ModelFileError, match=message) as caught:
        load_model(tmp_path, name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["", "..", "../x", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_hash_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelFileError, match="named by 64 hexadecimal digits"):
        load_model(tmp_path, name)


def test_what_cannot_be_saved_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="knn: a state holds"):
        save_model(tmp_path, MANIFEST, {"knn": {"tree": object()}})
    with pytest.raises(ModelFileError, match="plain, finite values"):
        save_model(tmp_path, {"value": float("nan")}, {})
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ModelFileError, match="the model cannot be written"):
        save_model(file, MANIFEST, parts())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_was_left_unfinished_goes_when_it_is_old_and_nothing_else_does(tmp_path: Path) -> None:
    kept = save_model(tmp_path, MANIFEST, parts())
    for name in (".tmp-old", ".tmp-young", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / ".tmp-link").symlink_to(tmp_path / "notes")
    for name in (kept, ".tmp-old", "notes"):
        os.utime(tmp_path / name, (0, 0))
    assert remove_unfinished(tmp_path, older_than=timedelta(days=1)) == [".tmp-old"]
    assert {path.name for path in tmp_path.iterdir()} == {kept, ".tmp-young", ".tmp-link", "notes"}
    assert remove_unfinished(tmp_path / "missing", older_than=timedelta(0)) == []


def test_several_may_remove_what_was_left_unfinished(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f".tmp-{number}").mkdir()
        (tmp_path / f".tmp-{number}" / "manifest.json").touch()
        os.utime(tmp_path / f".tmp-{number}", (0, 0))
    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(remove_unfinished, tmp_path, older_than=timedelta(days=1)) for _ in range(4)]
    removed = [name for task in done for name in task.result() if len(name) < 10]
    assert sorted(removed) == sorted(f".tmp-{number}" for number in range(100))
    assert list(tmp_path.iterdir()) == []
