"""Every test that asks for `url` or `store` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anomalist.store.repository import Store
from tests.store.postgres import NoServerError, empty, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a running server; the test is skipped, and says why, where none can be started."""
    started = server()
    try:
        address = started.__enter__()
    except NoServerError as reason:
        pytest.skip(f"no PostgreSQL here: {reason}")
    yield address
    started.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    address: str = request.getfixturevalue("postgres")
    empty(address)
    return address


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """A brand-new store."""
    with Store.open(url, data_home=tmp_path) as opened:
        yield opened
