"""Model folders: JSON and safetensors under the hash of their own content; nothing in them can execute code.

<root>/<sha256 of manifest.json>/
    manifest.json             format, versions, what the model is, its parts, the sha256 of every other file
    00-encoder.json           the state of a part, each array replaced by its name
    00-encoder.safetensors    its arrays, where it has some
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import time
import uuid
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from anomalist.errors import ModelFileError
from anomalist.store.state import join_state, split_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from anomalist.detector import State

__all__ = ["FORMAT", "load_model", "remove_unfinished", "save_model"]

FORMAT = 1
MANIFEST = "manifest.json"
HASH = re.compile(r"[0-9a-f]{64}")
FILE = re.compile(r"[0-9]{2,}-[a-z0-9_-]{0,40}\.(json|safetensors)")
TEMPORARY = ".tmp-"
PACKAGES = ("anomalist", "numpy", "polars", "safetensors", "scikit-learn", "scipy", "torch")


def save_model(root: Path, manifest: Mapping[str, Any], parts: Mapping[str, State]) -> str:
    """Write a model and return its hash, the name of its folder under `root`; the same model again writes nothing.

    A folder is there whole or not at all: it is written under another name, flushed to the disk and renamed.

    Args:
        root: Where the model folders are; made where missing.
        manifest: What the model is, plain JSON values.
        parts: The state of each part, by name.

    Raises:
        ModelFileError: A state or the manifest holds something that is not plain, or the disk refused.
    """
    files = _files(parts)
    try:
        text = json.dumps(
            {
                "format": FORMAT,
                "versions": _versions(),
                "model": manifest,
                "parts": [[name, f"{stem}.json"] for name, stem in _stems(parts)],
                "files": {name: _sha256(data) for name, data in files.items()},
            },
            allow_nan=False,
            indent=1,
        )
    except (TypeError, ValueError) as problem:
        raise ModelFileError(f"the manifest must hold plain, finite values: {problem}") from None
    files[MANIFEST] = text.encode()
    name = _sha256(files[MANIFEST])
    try:
        root.mkdir(parents=True, exist_ok=True)
        _place(root / name, files)
    except OSError as problem:
        raise ModelFileError(f"{root}: the model cannot be written ({problem.strerror})") from problem
    return name


def _files(parts: Mapping[str, State]) -> dict[str, bytes]:
    files = {}
    for name, stem in _stems(parts):
        text, arrays = split_state(parts[name], name)
        files[f"{stem}.json"] = text.encode()
        if arrays:
            files[f"{stem}.safetensors"] = save(arrays)
    return files


def _stems(parts: Mapping[str, State]) -> list[tuple[str, str]]:
    """A safe and telling file name for each part, whatever characters are in the name of the part."""
    return [
        (name, f"{index:02d}-{re.sub('[^a-z0-9_]+', '-', name.lower())[:40]}")
        for index, name in enumerate(sorted(parts))
    ]


def _place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put the folder there in one step, unless it is there already."""
    if folder.exists():
        try:
            _read(folder)
        except ModelFileError:
            _discard(folder)  # damaged: what is written now takes its place
        else:
            os.utime(folder)  # as young as if it were written now, so that it is not taken for an orphan
            return
    temporary = folder.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        for name, data in files.items():
            with (temporary / name).open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        _flush_folder(temporary)
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first, with the same content
                raise
        _flush_folder(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _flush_folder(folder: Path) -> None:
    """Make new names last through a power cut; Windows neither allows nor needs it."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def load_model(root: Path, name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Read the model whose folder under `root` has this hash: its manifest, and the state of each part by name.

    Every file is compared with its hash before anything in it is looked at.

    Raises:
        ModelFileError: The folder or a file is missing, was changed or truncated, or is of a format that is not known.
    """
    if not HASH.fullmatch(name):
        raise ModelFileError(f"a model is named by 64 hexadecimal digits, got {name!r}")
    document, files = _read(root / name)
    try:
        parts = {}
        for part, file in document["parts"]:
            arrays = files.get(str(Path(file).with_suffix(".safetensors")))
            loaded = {} if arrays is None else load(arrays)
            writable = {key: np.require(array, requirements="W") for key, array in loaded.items()}
            parts[str(part)] = join_state(files[file].decode(), writable)
        return dict(document["model"]), parts
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, SafetensorError) as problem:
        raise ModelFileError(f"{root / name}: the model is not what anomalist writes ({problem!r})") from problem


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the content of every file that it lists, each as it was written."""
    if not folder.is_dir():
        raise ModelFileError(f"{folder}: there is no such model folder")
    text = _bytes(folder / MANIFEST)
    if _sha256(text) != folder.name:
        raise ModelFileError(f"{folder / MANIFEST}: the file was changed after it was written")
    try:
        document = json.loads(text)
        known, listed = document["format"], dict(document["files"])
    except (KeyError, TypeError, ValueError, RecursionError) as problem:
        raise ModelFileError(f"{folder / MANIFEST}: not a manifest ({problem!r})") from None
    if known != FORMAT:
        raise ModelFileError(f"{folder}: format {known!r}, this version reads format {FORMAT}: upgrade anomalist")
    files = {}
    for name, digest in listed.items():
        if not FILE.fullmatch(name):
            raise ModelFileError(f"{folder / MANIFEST}: {name!r} is not the name of a file of a model")
        data = _bytes(folder / name)
        if _sha256(data) != digest:
            raise ModelFileError(f"{folder / name}: the file was changed or cut short after it was written")
        files[name] = data
    return document, files


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise ModelFileError(f"{file}: the file cannot be read ({problem.strerror})") from None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def remove_unfinished(root: Path, *, older_than: timedelta) -> list[str]:
    """Remove what killed processes left half written, if it is old enough; returns the names of the folders.

    Another process may be writing right now: `older_than` must be longer than that takes, a day for example. Finished
    folders are left alone, whether or not a row of some store names them.
    """
    if not root.is_dir():
        return []
    limit = time.time() - older_than.total_seconds()
    removed = []
    for folder in sorted(root.iterdir()):
        ours = folder.name.startswith(TEMPORARY) and folder.is_dir() and not folder.is_symlink()
        with suppress(OSError):  # another process is removing it too, or we may not: no run fails for that
            if ours and folder.stat().st_mtime < limit:
                _discard(folder)
                removed.append(folder.name)
    return removed


def _discard(folder: Path) -> None:
    """Take a folder away in one step, then its files: half a model is never seen under its name."""
    unseen = folder.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
    folder.rename(unseen)
    shutil.rmtree(unseen, ignore_errors=True)  # what is left has a temporary name, and goes with the unfinished ones
