"""Writes docs/hostile.md from the catalogue: `python -m tests.hostile.page`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.hostile.deadly import DEADLY
from tests.hostile.loading import LOADING
from tests.hostile.sharing import SHARING
from tests.hostile.waiting import WAITING
from tests.hostile.working import WORKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.hostile.case import Case, Fate

PAGE = Path(__file__).parents[2] / "docs" / "hostile.md"

INTRODUCTION = """<!-- Written by tests/hostile/page.py; do not edit. -->

# Hostile plugins

{count} plugins that break every promise are kept in `tests/hostile`. Each is installed, and the program runs with it
beside `mahalanobis` and `knn`, with `--timeout 4`. The tests hold what this page says: the program ends with exit code
0 within the deadline and 5 seconds, stdout is one JSON object, the two other members give the very scores that they
give without it, and the run in the store is `partial`, with one line that says what was wrong and names the package;
where no harm came of it, the run is `done`.

In one process that goes for {survived} of them. **{deadly} need `--isolate`**, which gives each detector a process of
its own; there it goes for all {count}. Use it for plugins that you have not read.

`--isolate` is no sandbox: a plugin runs with your rights. It can read and delete your files, and send signals to your
other processes. What it keeps apart are mistakes.
"""

SECTIONS: tuple[tuple[str, str, Sequence[Case]], ...] = (
    (
        "When they are loaded",
        "The plugin is left out, its detector is a member that failed, and `anomalist plugins list` says why.",
        LOADING,
    ),
    ("While they work", "The member fails.", WORKING),
    (
        "What all share",
        "A member that changes what all code of the process shares fails, since the numbers of the next one would "
        "depend on it; what it changed is put back. Detectors of anomalist itself are trusted. Where two of third "
        "parties ran side by side, both fail and name each other: `--threads 1` or `--isolate` tell which it was.",
        SHARING,
    ),
    (
        "Without end",
        "In one process a member that does not end is abandoned a second after its deadline: a thread cannot be ended, "
        "and uses a core until the program ends. With `--isolate` its process is.",
        WAITING,
    ),
    ("Deadly", "These take the program with them, unless they are isolated.", DEADLY),
)

OUTSIDE = (
    (
        "describes a detector called `knn`, a name that is taken",
        "the bundled one keeps its name; the other is `hostile-taken-name:knn`",
    ),
    ("observes runs, and raises or prints", "the run stands, the log names the plugin, stdout stays clean"),
    (
        "observes runs, and never ends",
        "the run is stored and the program waits; with `--isolate` the observer is ended after the time of a member",
    ),
    (
        "scores a row by the other rows, or otherwise in each call",
        "nothing shows it in a run: `anomalist plugins check` does",
    ),
    (
        "does not take its own state back",
        "the run is `done`; `anomalist score` ends with exit code 1 and names the package",
    ),
)
"""What no member of a run does."""


def page() -> str:
    """The whole page."""
    cases = [case for _, _, section in SECTIONS for case in section]
    deadly = sum(bool(case.threads.dies) for case in cases)
    parts = [INTRODUCTION.format(count=len(cases), survived=len(cases) - deadly, deadly=deadly)]
    parts += ["\n".join(_section(*section)) for section in SECTIONS]
    parts += ["\n## What is no member of a run\n", "| what it does | what happens |\n|---|---|"]
    return "\n".join([*parts, *(f"| {does} | {happens} |" for does, happens in OUTSIDE)]) + "\n"


def _section(title: str, about: str, cases: Sequence[Case]) -> Iterator[str]:
    yield f"\n## {title}\n\n{about}\n"
    yield "| plugin | what it does | in one process | with `--isolate` |\n|---|---|---|---|"
    for case in cases:
        here, away = _told(case, case.threads), _told(case, case.fate(isolate=True))
        yield f"| `{case.name}` | {case.does} | {here} | {'the same' if here == away else away} |"


def _told(case: Case, fate: Fate) -> str:
    """A fate as users meet with it."""
    if fate.dies:
        return f"the program dies: {fate.dies}"
    if fate.status == "done":
        told = fate.told.replace("hostile-NAME", case.distribution).replace("NAME", case.name)
        return f"no harm: `done`{f', and the log says `{told}`' if told else ''}"
    status = "timed out" if fate.status == "timed_out" else "failed"
    return f"{status}: `{fate.line}`".replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"written: {PAGE}\n")
