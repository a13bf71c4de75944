"""Whatever a plugin does, the host lives, the culprit is named in one line, and the other members finish."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.hostile.arena import GOOD_ONES
from tests.hostile.case import TIMEOUT
from tests.hostile.catalogue import CASES

if TYPE_CHECKING:
    from tests.hostile.case import Case
    from tests.hostile.conftest import Fights

IN_THREADS = [case for case in CASES if case.threads.dies != "no memory"]  # that one would be hard on the machine
"""Those that are let loose in the very process of the program, to see which it survives."""


def ident(value: object) -> str | None:
    return getattr(value, "name", None)


def check(fights: Fights, case: Case, *, isolate: bool) -> None:
    fate, fight = case.fate(isolate=isolate), fights.fight(case.name, isolate=isolate)
    reference = fights.reference.result()
    assert reference.code == 0, reference.err
    if fate.dies:
        assert fight.code == CODES[fate.dies], fight.err
        if fate.dies == "broken output":
            with pytest.raises(ValueError, match="Expecting value"):
                json.loads(fight.out)
        return
    assert fight.code == 0, fight.err
    members = fight.members
    found = members[case.name]
    assert found["status"] == fate.status, found["error"]
    if fate.status != "done":
        assert fate.line in found["error"]
        assert case.distribution in found["error"]
        assert "\n" not in found["error"]
        assert len(found["error"]) < 1000
    assert fate.told.replace("NAME", case.name.replace("_", "-")) in fight.err.replace("_", "-")
    for name in GOOD_ONES:
        assert members[name]["status"] == "done"
        np.testing.assert_array_equal(fight.surprises[name], reference.surprises[name])
    lost = any(member["status"] in ("failed", "timed_out") for member in members.values())
    assert fight.status == json.loads(fight.out)["run"]["status"] == ("partial" if lost else "done")
    if case.waits or case.by_itself(isolate=isolate):
        assert fight.seconds <= TIMEOUT + max(5.0, 3.0 * reference.seconds)  # on a busy machine even a start takes long


CODES = {
    "exit code 1": 1,
    "exit code 3": 3,
    "exit code 130": 130,
    "broken output": 0,
    "no end": None,
    "SIGSEGV": -signal.SIGSEGV,
    "SIGKILL": -signal.SIGKILL,
    "SIGTERM": -signal.SIGTERM,
}


@pytest.mark.parametrize("case", IN_THREADS, ids=ident)
@pytest.mark.parametrize("isolate", [False], ids=["threads"])
def test_in_one_process(fights: Fights, case: Case, isolate: bool) -> None:
    check(fights, case, isolate=isolate)


@pytest.mark.parametrize("case", [case for case in CASES if case.isolate is not None], ids=ident)
@pytest.mark.parametrize("isolate", [True], ids=["isolate"])
def test_in_processes_of_their_own(fights: Fights, case: Case, isolate: bool) -> None:
    check(fights, case, isolate=isolate)


def test_none_is_more_than_isolation_survives() -> None:
    assert len(CASES) >= 25
    assert not [case.name for case in CASES if case.fate(isolate=True).dies]
