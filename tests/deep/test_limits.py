from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from anomalist.deep.limits import check_limit, limit
from anomalist.errors import DetectorError, DetectorTimeoutError


def test_without_a_limit_nothing_happens() -> None:
    check_limit("knn")


def test_time_is_up() -> None:
    with limit(seconds=0), pytest.raises(DetectorTimeoutError, match="knn did not finish in 0 s; give it more time"):
        check_limit("knn")
    check_limit("knn")


def test_cancelled() -> None:
    asked = threading.Event()
    with limit(cancelled=asked.is_set):
        check_limit("knn")
        asked.set()
        with pytest.raises(DetectorError, match="knn was cancelled"):
            check_limit("knn")


def test_an_outer_limit_stays_in_force() -> None:
    with limit(seconds=0), limit(seconds=60), pytest.raises(DetectorTimeoutError, match="in 0 s"):
        check_limit("knn")


def test_a_limit_is_of_its_own_thread() -> None:
    errors: list[Exception] = []

    def check() -> None:
        try:
            check_limit("knn")
        except DetectorTimeoutError as error:
            errors.append(error)

    with limit(seconds=0):
        thread = threading.Thread(target=check)
        thread.start()
        thread.join()
    assert errors == []


def test_importing_it_does_not_import_torch() -> None:
    code = "import sys, anomalist.deep.limits; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
