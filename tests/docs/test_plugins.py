"""The packages on the page about plugins are complete: installed as written, they do what the page says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from anomalist.plugins.hooks import HOOKS
from anomalist.testing import checks_of
from tests.docs.pages import DEMO, ROOT, disagreements, play

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "plugins.md"
INSTALL = "pip install"
INSTALL_HERE = (
    "export PYTHONPATH=$PWD/site:$PYTHONPATH; "
    "python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --target site"
)
"""The same into the folder of the test, with nothing fetched."""
ROWS_OF_THE_DEMO = (
    'python -c "from pathlib import Path; from anomalist.engine.runs.demo import write_demo_data; '
    "write_demo_data(Path('anomalist-demo/cells.csv'))\""
)
"""Only the file, which is all that the page needs."""


def test_the_packages_install_and_work(tmp_path: Path) -> None:
    played = play(PAGE, tmp_path, instead={INSTALL: INSTALL_HERE, DEMO: ROWS_OF_THE_DEMO})
    assert len(played) > 20
    assert disagreements(PAGE, played) == []


def test_the_page_has_every_hook_with_its_arguments() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for hook, arguments in HOOKS.items():
        assert f"\n### {hook}\n" in text
        assert f"[`{hook}({', '.join(arguments)})`](#{hook})" in text
        assert f"\n{hook}({', '.join(arguments)}" in text


def test_the_page_says_how_many_checks_there_are() -> None:
    found = re.search(
        r"Of detectors there are (\d+), of\s+combiners (\d+), of stackers (\d+), of features (\d+), of readers (\d+)",
        PAGE.read_text(encoding="utf-8"),
    )
    assert found is not None
    kinds = ("detector", "combiner", "stacker", "features", "reader")
    assert [int(number) for number in found.groups()] == [len(checks_of(kind)) for kind in kinds]
