"""All hostile plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hostile.deadly import DEADLY
from tests.hostile.loading import LOADING
from tests.hostile.sharing import SHARING
from tests.hostile.waiting import WAITING
from tests.hostile.working import WORKING

if TYPE_CHECKING:
    from tests.hostile.case import Case

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (*LOADING, *WORKING, *SHARING, *WAITING, *DEADLY)
