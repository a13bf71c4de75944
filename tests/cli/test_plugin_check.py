"""`anomalist plugins check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.helpers import PLUGIN, anomalist, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

BAD = '''
from dataclasses import dataclass
from anomalist.detector import CombinerSpec, DetectorSpec, hookimpl

@dataclass
class Loud:
    """Prints."""

    def fit(self, data):
        print("fitting")
        self.width = data.width
        return self

    def score(self, data):
        data.check_width(self.width)
        return -(data.values.astype("float64") ** 2).sum(axis=1)

    def state(self):
        return {"width": self.width}

    def restore(self, state):
        self.width = state["width"]
        return self

@hookimpl
def anomalist_detectors():
    return [
        DetectorSpec(name="loud", summary="Loud.", factory=__name__ + ":Loud", family="other"),
        DetectorSpec(name="away", summary="Away.", factory=__name__ + ":Away", family="other", requires=("no_such",)),
    ]

def mean(surprises):
    return surprises.mean(axis=1)

@hookimpl
def anomalist_combiners():
    return [CombinerSpec(name="my_mean", summary="Mean.", factory=__name__ + ":mean")]
'''


def test_one_detector_is_shown_promise_by_promise(tmp_path: Path) -> None:
    done = anomalist("plugins", "check", "knn:neighbours=3", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "note: checking detector knn:neighbours=3\n")
    first, _, head, *rows = done.stdout.splitlines()
    assert first.startswith("detector knn:neighbours=3 of anomalist")
    assert first.endswith(": 47 passed, 3 do not apply")
    assert head.split() == ["check", "outcome", "promise"]
    assert "polarity         passed          rows far out score higher than ordinary ones" in rows
    assert any(row.endswith("(it has no method transfer)") for row in rows)


def test_a_package_is_checked_whole_and_what_fails_is_explained(tmp_path: Path) -> None:
    install_plugin(tmp_path, "loud-package", BAD, entry="loud_things")
    environ = {"PYTHONPATH": str(tmp_path)}
    done = anomalist("plugins", "check", "Loud_Package", folder=tmp_path, **environ)
    assert done.returncode == 1
    out = done.stdout
    assert "detector loud of loud-package 1.0: " in out
    assert "detector away of loud-package 1.0: not checked: it needs no_such: pip install 'no_such'" in out
    assert "combiner my_mean of loud-package 1.0: 15 passed, 1 do not apply" in out
    assert "polarity (failed): rows far out score higher than ordinary ones\n  expected: " in out
    assert "\n      mend: higher is more anomalous: return minus the score if it is the other way round" in out
    assert "  shape  " not in out  # of several things, what passed is only counted

    done = anomalist("plugins", "check", "loud_things", "--json", "--isolate", folder=tmp_path, **environ)
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (1, False)
    mean, loud, away = found["checked"]
    assert [loud["name"], loud["kind"], loud["package"]] == ["loud", "detector", "loud-package 1.0"]
    assert {"id", "sentence", "outcome", "message"} == set(loud["checks"][0])
    assert {check["id"] for check in loud["checks"] if check["outcome"] == "failed"} >= {"polarity", "silent"}
    assert away["checks"] == []
    assert all(check["outcome"] != "failed" for check in mean["checks"])


def test_what_cannot_be_checked_is_said_in_one_line(tmp_path: Path) -> None:
    install_plugin(tmp_path, "broken-package", "1 / 0", entry="broken")
    install_plugin(tmp_path, "simple-package", PLUGIN.replace("NAME", "simple"), entry="other")
    environ = {"PYTHONPATH": str(tmp_path)}
    done = anomalist("plugins", "check", "broken-package", folder=tmp_path, **environ)
    assert done.returncode == 1
    assert "plugin 'broken' of broken-package 1.0 failed: ZeroDivisionError" in done.stderr.splitlines()[-1]
    done = anomalist("plugins", "check", "simpel", folder=tmp_path, **environ)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("is called 'simpel'; did you mean 'simple'?")


def test_a_detector_that_never_ends_is_ended(tmp_path: Path) -> None:
    install_plugin(tmp_path, "endless", BAD.replace('print("fitting")', "while True: pass"), entry="endless")
    done = anomalist("plugins", "check", "loud", "--timeout", "4", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "got: it was still working after 4 s" in done.stdout
