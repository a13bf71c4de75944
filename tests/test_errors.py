"""Errors in one line, whatever whoever raised them made of them."""

from __future__ import annotations

import pytest

from anomalist.errors import AnomalistError, DetectorError, one_line


class MuteError(DetectorError):
    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DetectorError("\x1b[31mred\r\n\x07 alert"), "?[31mred ? alert"),
        (ValueError("\x1b[31mred\u2028two"), "ValueError: ?[31mred two"),
        (MuteError(), "its message cannot be read"),
        (KeyError(), "KeyError"),
    ],
    ids=["ours", "of others", "mute", "empty"],
)
def test_an_error_is_one_line_that_can_be_printed(error: BaseException, line: str) -> None:
    assert one_line(error) == line


@pytest.mark.parametrize(("kind", "most"), [(AnomalistError, 4010), (ValueError, 530)])
def test_a_line_has_an_end(kind: type[Exception], most: int) -> None:
    assert len(one_line(kind("no " * 10_000))) < most
