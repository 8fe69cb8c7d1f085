"""One PostgreSQL for a whole test run, and a fresh database from a migrated template for every test."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil

import commercekit
from commercekit.kernel import SystemClock
from commercekit.platform.db import OUTAGES, Breach, Database, Invariant, Migrator, audit
from commercekit.platform.db.embedded import EmbeddedServer, reachable_folder

__all__ = ["TestServer", "core_piccolo_apps"]

T = TypeVar("T")

_PREFIX = "commercekit-tests-"
# Nobody needs the data of a test after a power cut; everything else is as in production.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "120",
    "max_wal_size": "256MB",
}
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - the system's own, open to every user as /tmp is
_ROOM = 4 * 10**9
"""Bytes: several times what a run takes."""


def core_piccolo_apps(*parts: str) -> list[str]:
    """The module paths of the core's Piccolo apps, found by looking for ``piccolo_app.py``.

    With ``parts`` only those below ``commercekit.<part>``: tests of a lower domain do not need the
    tables of the higher ones, ``core_piccolo_apps("platform", "markets")``.
    """
    package = Path(commercekit.__file__).parent
    found = sorted(
        path
        for part in parts or ("",)
        for path in (package / part.replace(".", "/")).glob("**/piccolo_app.py")
    )
    paths = [path.relative_to(package).with_suffix("").parts for path in found]
    return [".".join(["commercekit", *path]) for path in paths]


class TestServer:
    """The server of one test run; the workers of pytest-xdist share it by the name of the run."""

    __test__ = False  # pytest takes the name for that of tests

    def __init__(self, run: str, *, programs_folder: Path | None = None) -> None:
        """``programs_folder`` names another PostgreSQL than the embedded default."""
        self._folder = _folder(run)
        self._server = EmbeddedServer(
            self._folder, settings=_SETTINGS, programs_folder=programs_folder
        )
        self._templates: dict[tuple[str, ...], str] = {}

    def start(self) -> None:
        """Start or join the server, and clear away what killed test runs left behind."""
        _sweep(self._folder)
        self._folder.mkdir(exist_ok=True)
        self._folder.chmod(0o755)
        self._server.start()

    def close(self) -> None:
        """Leave; the last worker stops the server and removes its folder."""
        self._server.close()
        if self._server.pid is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def create(self, name: str, apps: Sequence[str]) -> str:
        """A new database with the schema of ``apps``; gives its DSN."""
        return self._server.create_database(name, template=self._template(apps))

    def audit(self, dsn: str, invariants: Sequence[Invariant]) -> list[Breach]:
        """What the test left broken in its books; nothing to say of a database that is gone."""

        async def look() -> list[Breach]:
            database = Database(dsn, clock=SystemClock(), pool_size=1)
            try:
                await database.open()
            except OUTAGES:
                return []
            try:
                return await audit(database, invariants)
            finally:
                await database.close()

        return _run(look())

    def drop(self, name: str) -> None:
        """Throw a test's database away, and whoever is still connected to it."""
        self._server.drop_database(name)

    def _template(self, apps: Sequence[str]) -> str:
        """The database that was migrated once for these apps, by whichever worker came first."""
        key = tuple(sorted(apps))
        if key not in self._templates:
            digest = hashlib.blake2b(" ".join(key).encode(), digest_size=6).hexdigest()
            name = f"template_{digest}"
            with self._alone():
                if name not in self._server.databases():
                    # Renamed only when whole: a worker that dies half way leaves nothing to trust.
                    unfinished = f"{name}_unfinished"
                    self._server.drop_database(unfinished)
                    dsn = self._server.create_database(unfinished)
                    _run(Migrator(dsn, key).forwards())
                    self._server.create_database(name, template=unfinished)
                    self._server.drop_database(unfinished)
            self._templates[key] = name
        return self._templates[key]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / ".template.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end in a loop of its own: pytest may have one of its own around us."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


def _folder(run: str) -> Path:
    """Where the run's server lives: root's server runs as another user, who must get there.

    In memory where there is plenty: a database is more than a thousand files, and making them takes a
    file system on a disk several times as long. ``TMPDIR`` overrides it.
    """
    if "TMPDIR" not in os.environ and _has_room_in_memory():
        return _IN_MEMORY / f"{_PREFIX}{run}"
    usual = Path(tempfile.gettempdir()) / f"{_PREFIX}{run}"
    return usual if reachable_folder(usual) == usual else Path("/var/tmp") / usual.name  # noqa: S108 - where every user gets


def _has_room_in_memory() -> bool:
    """Whether it is large, on a machine that is, and programs may run there.

    What is free at the moment does not count: all workers of a run have to come to the same answer.
    """
    try:
        found = os.statvfs(_IN_MEMORY)
    except OSError:
        return False
    return (
        os.access(_IN_MEMORY, os.W_OK)
        and not found.f_flag & os.ST_NOEXEC
        and found.f_blocks * found.f_frsize >= _ROOM
        and psutil.virtual_memory().total >= 2 * _ROOM
    )


def _sweep(own: Path) -> None:
    """Stop and remove the servers of test runs that were killed."""
    places = {own.parent, _IN_MEMORY, Path(tempfile.gettempdir())}
    for folder in (found for place in places for found in place.glob(f"{_PREFIX}*")):
        with suppress(FileNotFoundError):  # another run's workers sweep, too
            if folder == own or folder.stat().st_uid != os.geteuid():
                continue
            server = EmbeddedServer(folder)
            if folder.stat().st_mtime < time.time() - 30 and server.is_abandoned():
                server.stop()
                shutil.rmtree(folder, ignore_errors=True)
