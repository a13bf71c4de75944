"""All fights of the hostile plugins, each fought once, two at a time: a program takes a second to start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.hostile.arena import Arena
from tests.hostile.case import TIMEOUT
from tests.hostile.catalogue import CASES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hostile.arena import Fight

Key = tuple[str, bool]
"""The name of a case, and whether it is isolated."""

_AT_ONCE = 3  # some only wait
_UNHURRIED = ("--timeout", "30")  # where nobody runs into the deadline, it is far, however busy the machine is


class Fights:
    """The fights that the chosen tests are about, begun when the first of them asks."""

    def __init__(self, arena: Arena, wanted: set[Key]) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._arena = arena
        start = self._pool.submit
        self.reference = start(arena.fight, "reference", [])
        self._fights = {}
        for isolate in (False, True):
            cases = [case for case in CASES if (case.name, isolate) in wanted]
            options = ("--isolate",) if isolate else ()
            crowd = [case for case in cases if not case.by_itself(isolate=isolate)]
            threads = "4" if isolate else "1"
            together = {
                "late": ([case for case in crowd if case.waits], ("--threads", "16")),
                "quick": (
                    [case for case in crowd if not case.waits],
                    (*_UNHURRIED, "--threads", threads),
                ),
            }
            for name, (group, more) in together.items():
                if group:
                    fight = start(arena.fight, f"{name}-{isolate}", group, *options, *more)
                    self._fights |= {(case.name, isolate): fight for case in group}
            for case in cases:
                if case.by_itself(isolate=isolate):
                    endless = case.fate(isolate=isolate).dies == "no end"
                    patience = {"patience": TIMEOUT + 5.0} if endless else {}
                    name = f"{case.name}-{isolate}"
                    more = case.options if isolate else ()
                    self._fights[case.name, isolate] = start(arena.fight, name, [case], *options, *more, **patience)

    def fight(self, name: str, *, isolate: bool) -> Fight:
        """The fight of a case."""
        return self._fights[name, isolate].result()

    def close(self) -> None:
        """Wait for those that nobody asked for."""
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def fights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fights]:
    """The fights of the tests that were chosen."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = {(param["case"].name, param["isolate"]) for param in params if {"case", "isolate"} <= param.keys()}
    found = Fights(Arena(tmp_path_factory.mktemp("arena")), wanted)
    yield found
    found.close()
