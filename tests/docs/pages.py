"""Runs what a page of the documentation shows, in an empty folder, and compares what it prints with what the page says.

A page is its fenced blocks. In a `console` block, a line that begins with `$ ` is a command, lines that begin with `> `
belong to it, and what follows is its output; a `python` block is a program. The command before a `keys` block is run in
a terminal, where these keys are pressed. A block under a line that begins with the name of a file in backticks and ends
with a colon is that file. All steps of a page share one shell, so that `export` and `cd` last. In an output, a line
`...` stands for lines left out, and ` ...` for the rest of a line.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers import environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
TERMINAL = Path(__file__).with_name("terminal.py")
HOME = "/home/ann"
"""What the pages call the folder that they are played in."""

DEMO = "anomalist demo --quiet > demo.txt"
QUICK_DEMO = f"ANOMALIST_PANEL=fast {DEMO}"
"""Writes the same file, sooner, where no page shows what the demo finds."""

_FENCE = re.compile(r"(?:^`([\w./-]+)`[^\n]*:\n\n)?^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_RUN = re.compile(
    r"(?:^|<anomalist )run ([a-z0-9]{6})(?=:|$)|^([a-z0-9]{6}) +(?:fit|score|evaluate|retrain|tune|trial) ",
    re.MULTILINE,
)
_MASKS = (
    (r"\S+ \S+ \(typically .*", "REASONS"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", "TIME"),
    (r"(?<=TIME) +0$", " FLOAT"),
    (r"\b[0-9a-f]{16}([0-9a-f]{48})?\b", "HASH"),
    (r"-?\b\d[\d,]*\.\d+(e[+-]?\d+)?\b", "FLOAT"),
    (r"\d+%(?= *$)", "SHARE"),
    (r"[─═]+", "─"),
    (r" +", " "),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command or program of a page.

    Attributes:
        language: `console` or `python`.
        text: What is run.
        shown: What the page says that it prints; None where the page does not say.
        line: Where it is in the page.
        keys: What is typed into a terminal while it runs; None where there is none.
    """

    language: str
    text: str
    shown: str | None
    line: int
    keys: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A step that was run: its exit code and all that it printed."""

    step: Step
    code: int
    output: str


def blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """The fenced blocks of a language that are no files: the line that each begins on, and its text."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if found[1] is None and found[2] == language:
            yield text.count("\n", 0, found.start(3)) + 1, found[3]


def write_files(page: Path, folder: Path) -> None:
    """Write the files that a page shows."""
    for found in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if found[1] is not None:
            path = folder / found[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found[3], encoding="utf-8")


def steps(page: Path) -> list[Step]:
    """What a page runs, in order."""
    found = [Step(language="python", text=text, shown=None, line=line) for line, text in blocks(page, "python")]
    for first, text in blocks(page, "console"):
        for part in re.split(r"^(?=\$ )", text, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            size = 1 + next((i for i, line in enumerate(lines[1:]) if not line.startswith("> ")), len(lines) - 1)
            command = "\n".join(line[2:] for line in lines[:size])
            line = first + text[: text.index(part)].count("\n")
            found.append(Step(language="console", text=command, shown="\n".join(lines[size:]), line=line))
    found.sort(key=lambda step: step.line)
    for line, keys in blocks(page, "keys"):
        index = max(index for index, step in enumerate(found) if step.line < line)
        found[index] = replace(found[index], keys=keys)
    return found


def play(
    page: Path, folder: Path, *, instead: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> list[Played]:
    """Write the files of a page and run its steps in one shell.

    Args:
        page: The page.
        folder: Where it is played.
        instead: Which texts of the steps to replace.
        environ: All variables of the shell, in place of those of the running environment.
    """
    write_files(page, folder)
    script, todo, mark = [], steps(page), "=== end of step"
    for number, step in enumerate(todo):
        text = step.text
        for old, new in (instead or {}).items():
            text = text.replace(old, new)
        if step.language == "python":
            program = folder / f".step{number}.py"
            program.write_text(text, encoding="utf-8")
            text = f"python {shlex.quote(str(program))}"
        elif step.keys is not None:
            text = f"python {shlex.quote(str(TERMINAL))} {shlex.quote(step.keys)} {text}"
        script.append(f"{text}\n_code=$?; printf '{mark} %s\\n' $_code; (exit $_code)\n")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    here = environment(
        PATH=path, PYTHONIOENCODING="utf-8", OMP_NUM_THREADS="1", ANOMALIST_DATA_HOME=str(folder / "home")
    )
    done = subprocess.run(
        ["sh"],
        input="".join(script),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        cwd=folder,
        env=here if environ is None else environ,
    )
    parts = re.split(rf"{mark} (\d+)\n", done.stdout)
    outputs, codes = parts[:-1:2], map(int, parts[1::2])
    return [
        Played(step=step, code=code, output=output.replace(str(folder), HOME))
        for step, code, output in zip(todo, codes, outputs, strict=True)
    ]


def disagreements(page: Path, played: Sequence[Played]) -> list[str]:
    """What a page says that is not so: one text for each step that failed or printed something else.

    A step whose exit code the next one prints may end with any. An id that is printed once as that of a run is one
    wherever it stands.
    """
    wrong = []
    theirs = run_ids(page.read_text(encoding="utf-8"))
    ours = run_ids("".join(one.output for one in played))
    for one, following in zip(played, [*played[1:], None], strict=True):
        where = f"{page.name}:{one.step.line}: {shlex.quote(one.step.text)}"
        asked = following is not None and following.step.text == "echo $?"
        if one.code and not asked:
            wrong.append(f"{where} ended with {one.code}:\n{one.output}")
        elif one.step.shown is not None:
            shown, printed = stable(one.step.shown, theirs), stable(one.output, ours)
            if not agrees(shown, printed):
                compared = difflib.unified_diff(
                    shown.splitlines(), printed.splitlines(), "page", "printed", lineterm=""
                )
                wrong.append("\n".join([where, *compared]))
    return wrong


def agrees(shown: str, printed: str) -> bool:
    """Whether an output is what a page shows; both are texts from `stable`."""
    pattern = ""
    for line in shown.splitlines():
        if line == "...":
            pattern += r"(?:.*\n)*?"
        elif line.endswith(" ..."):
            pattern += re.escape(line.removesuffix(" ...")) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    return re.fullmatch(pattern, f"{printed}\n" if printed else "") is not None


def run_ids(text: str) -> set[str]:
    """The ids of runs that a text speaks of."""
    return {found[1] or found[2] for found in _RUN.finditer(text)}


def stable(text: str, runs: Iterable[str] = ()) -> str:
    """What does not change from run to run: ids, times, hashes and decimals masked, and no differences in spacing."""
    for run in runs:
        text = text.replace(run, "RUN")
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
