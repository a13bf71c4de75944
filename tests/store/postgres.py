"""A private PostgreSQL server in a temporary folder, for the time of the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60


class NoServerError(Exception):
    """A server cannot be started here; says why."""


def find_binaries() -> Path:
    """The folder of `initdb` and `postgres`; Debian keeps it out of the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: float(f.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoServerError("initdb and postgres are not installed (Debian: the package postgresql)")


def ordinary_user() -> dict[str, Any]:
    """Options that make a subprocess run as an ordinary user, whom alone the server accepts."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoServerError("run as root, and there is neither a user postgres nor nobody")


@contextmanager
def server() -> Iterator[str]:
    """Start a server; gives the URL of its one database, on a socket in a folder that only its user can enter."""
    binaries, user = find_binaries(), ordinary_user()
    with tempfile.TemporaryDirectory(prefix="anomalist-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        if user:
            os.chown(home, user["user"], user["group"])
        common: dict[str, Any] = {"cwd": home, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **user}
        options = ["-D", str(home / "data"), "-U", "anomalist", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run([binaries / "initdb", *options], capture_output=True, text=True, check=False, **common)
        if made.returncode:
            raise NoServerError(f"initdb failed: {made.stderr.strip().splitlines()[-1]}")
        settings = (
            "listen_addresses=",
            f"unix_socket_directories={home}",
            "fsync=off",
            "shared_buffers=32MB",
            "max_connections=50",
        )
        with (
            (home / "log").open("w") as log,
            subprocess.Popen(
                [
                    binaries / "postgres",
                    "-D",
                    home / "data",
                    *(part for setting in settings for part in ("-c", setting)),
                ],
                stdout=log,
                stderr=log,
                **common,
            ) as process,
        ):
            try:
                _wait(home, process)
                yield f"postgresql://anomalist@/postgres?host={home}"
            finally:
                process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
                process.wait(timeout=START_SECONDS)


def _wait(home: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(home), user="anomalist", dbname="postgres").close()
            return
        except psycopg.OperationalError as problem:
            if process.poll() is not None or time.monotonic() > deadline:
                last = (home / "log").read_text().strip().splitlines()[-1:]
                raise NoServerError(f"the server did not start: {last}") from problem
            time.sleep(0.05)


def empty(url: str) -> None:
    """Take everything out of the database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
