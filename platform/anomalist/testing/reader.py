"""The checks of readers of files."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from shutil import copyfile
from typing import Any

import polars as pl

from anomalist.data.readers import read_table
from anomalist.detector import ReaderSpec
from anomalist.errors import DataError
from anomalist.testing.bench import Bench
from anomalist.testing.description import add_description
from anomalist.testing.process import add_process
from anomalist.testing.promise import Checks, Failure, NotApplicable, attempting, told

__all__ = ["BENCH", "CHECKS"]

_GARBAGE = {"noise": bytes(range(256)) * 8, "nothing": b"", "text": b'}{ "not ;;; a\nfile of that kind <<<\n'}

CHECKS = Checks()
add_description(CHECKS)


class ReaderBench(Bench):
    """The reader that is checked, and a file that it reads."""

    @cached_property
    def path(self) -> Path:
        """The sample.

        Raises:
            NotApplicable: None was given.
        """
        if self.sample is None:
            raise NotApplicable("no file was given that it reads; give one by sample=")
        path = Path(self.sample)
        if not path.is_file():
            raise NotApplicable(f"there is no file {path}")
        return path

    @cached_property
    def ending(self) -> str:
        """An ending of the names of its files."""
        if isinstance(self.subject.spec, ReaderSpec) and self.subject.spec.suffixes:
            return self.subject.spec.suffixes[0]
        return Path(self.sample).suffix if self.sample is not None else ".file"

    @cached_property
    def frame(self) -> pl.DataFrame:
        """What it reads of the sample.

        Raises:
            NotApplicable: It does not read it, which a check of its own says.
        """
        try:
            found = self.loaded(self.path)
        except NotApplicable:
            raise
        except (Exception, SystemExit) as error:
            raise NotApplicable(f"it does not read the sample: {told(error)}") from error
        if not isinstance(found, pl.DataFrame):
            raise NotApplicable("it does not return a frame, which another check says")
        return found

    def work(self) -> None:
        """Read the sample, as a run does."""
        self.loaded(self.path)


BENCH = ReaderBench


@CHECKS.add("reads", "it reads the sample into a frame of polars")
def reads(bench: ReaderBench) -> None:
    """Rows and columns."""
    found: Any = None
    with attempting(f"it reads {bench.path.name}", "see what was raised"):
        found = bench.loaded(bench.path)
    if not isinstance(found, pl.DataFrame) or not found.height or not found.width:
        got = f"shape {found.shape}" if isinstance(found, pl.DataFrame) else f"a {type(found).__name__}"
        raise Failure(
            expected="a polars DataFrame with rows and columns",
            got=got,
            mend="collect what is lazy, and return the rows",
        )


@CHECKS.add("table", "a run can use what it reads")
def table(bench: ReaderBench) -> None:
    """Columns are typed and given roles as those of any file."""
    _ = bench.frame
    mend = "return columns of numbers, truth values, dates or text; lists and structs are spread into columns first"
    with attempting("a table can be made of what it reads", mend):
        found = read_table(bench.path, format=bench.ending, readers={bench.ending: bench.loaded})
    if len(found) != bench.frame.height:
        raise Failure(expected=f"{bench.frame.height} rows", got=f"{len(found)}", mend=mend)


@CHECKS.add("again", "reading twice gives the same rows")
def again(bench: ReaderBench) -> None:
    """The keys of rows without a key column are made of their content."""
    first, second = bench.frame, bench.loaded(bench.path)
    if not second.equals(first):
        raise Failure(
            expected=f"the same {first.height} rows in the same order the second time",
            got=f"shape {second.shape}, others in {', '.join(_differing(first, second)) or 'number'}",
            mend="keep no position between calls, and put rows in an order that does not depend on chance",
        )


@CHECKS.add("input", "it leaves the file as it is")
def input_kept(bench: ReaderBench) -> None:
    """It is not ours."""
    before = bench.path.read_bytes()
    bench.loaded(bench.path)
    if bench.path.read_bytes() != before:
        raise Failure(
            expected="the same bytes in the file", got="others", mend="open files for reading only: mode 'rb'"
        )


@CHECKS.add("any-name", "it reads a file of any name in any folder")
def any_name(bench: ReaderBench) -> None:
    """With spaces and letters of other alphabets."""
    expected = bench.frame
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "März 2024", f"Zähler [1]{bench.ending}")
        path.parent.mkdir()
        copyfile(bench.path, path)
        with attempting(f"it reads a file called {path.name!r}", "give the path to open() as it is"):
            found = bench.loaded(path)
    if not found.equals(expected):
        raise Failure(
            expected="the rows of the sample", got=f"shape {found.shape}", mend="let nothing depend on the file's name"
        )


@CHECKS.add("garbage", "a file that it cannot read is refused in one line")
def garbage(bench: ReaderBench) -> None:
    """The user named the wrong file, or it is damaged."""
    with tempfile.TemporaryDirectory() as folder:
        for what, content in _GARBAGE.items():
            path = Path(folder, f"{what}{bench.ending}")
            path.write_bytes(content)
            try:
                found = bench.loaded(path)
            except DataError as error:
                if "\n" not in str(error):
                    continue
                got = "a message of several lines"
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is what was got
                got = told(error)
            else:
                if isinstance(found, pl.DataFrame):
                    continue  # it makes some sense of it, which is its business
                got = f"a {type(found).__name__}"
            raise Failure(
                expected=f"of a file that holds {what}, a frame or a DataError in one line",
                got=got,
                mend="catch what the library raises, and raise anomalist.errors.DataError: file, place, what to do",
            )


add_process(CHECKS)


def _differing(first: pl.DataFrame, second: pl.DataFrame) -> list[str]:
    return [name for name in first.columns if name not in second or not second[name].equals(first[name])]
