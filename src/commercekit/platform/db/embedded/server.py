"""The launcher: makes, starts, adopts, recovers and stops a PostgreSQL on a shop's data folder."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import asyncpg
import psutil

from commercekit.errors import ConfigurationError
from commercekit.platform.db.embedded import binaries as programs
from commercekit.platform.db.embedded.account import Account
from commercekit.platform.db.embedded.binaries import Binaries
from commercekit.platform.db.embedded.folder import DataFolder
from commercekit.platform.db.embedded.postmaster import Postmaster, clear_away

__all__ = ["EmbeddedServer"]

T = TypeVar("T")

_ROLE = "commercekit"
_SETTINGS = {
    "max_connections": "60",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "fsync": "on",
    "synchronous_commit": "on",
}
_TRIES = 5
_PATIENCE = 60.0
_HEARTBEAT = 1.0
_logger = logging.getLogger(__name__)
_SOCKET_PATH_LIMIT = 85  # the kernel allows 107 bytes, and PostgreSQL adds its own file name


class EmbeddedServer:
    """The PostgreSQL of the shop whose data lives in ``data``; all of it is in ``data/postgres``.

    Every process of the shop makes one of these on the same folder: the first starts the server, the
    others adopt it, and the last one that closes stops it. A process that is killed counts as closed,
    and a server that was killed is started again with its data by whoever comes next. ::

        with EmbeddedServer(data) as server:
            database = Database(server.dsn, clock=SystemClock())

    It listens on 127.0.0.1 on a free port, kept across restarts where possible, and on a Unix socket;
    both ask for the password in ``data/postgres/password``. Nothing here is asynchronous; call it
    before the event loop, or in a thread.
    """

    def __init__(
        self,
        data: Path,
        *,
        user: str | None = None,
        programs_folder: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing happens until :meth:`start`.

        ``user`` is the account that a root parent lends (``nobody``, or the owner of existing data);
        ``programs_folder`` names PostgreSQL's programs instead of searching for them; ``settings`` are
        PostgreSQL's own, and only the process that starts the server has a say.
        """
        self.folder = DataFolder(data)
        self._user = user
        self._programs_folder = programs_folder
        self._settings = dict(settings or {})
        self._membership: int | None = None
        self._watch: threading.Thread | None = None
        self._over = threading.Event()
        self._port = 0

    @property
    def dsn(self) -> str:
        """Where the shop's database is, password included: never log it."""
        return self.dsn_of(_ROLE)

    def dsn_of(self, database: str) -> str:
        """Where another database of the same server is, for tests."""
        if not self._port:
            message = "start the server before asking where it is"
            raise RuntimeError(message)
        password = self.folder.password.read_text().strip()
        address = f"{_ROLE}:{password}@127.0.0.1:{self._port}/{database}"
        return f"postgresql://{address}?sslmode=disable"  # it never leaves the machine

    @property
    def pid(self) -> int | None:
        """The server's process, or ``None`` while there is none."""
        postmaster = Postmaster.read(self.folder.cluster)
        return postmaster.pid if postmaster and postmaster.is_alive(self.folder.cluster) else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> str:
        """Start the server, or adopt it when it runs already; gives the :attr:`dsn`.

        Raises :class:`~commercekit.errors.ConfigurationError` when the folder is another user's,
        another program's, of another major version or out of the account's reach, or when the server
        does not come up; the sentence says what, where, and the way out.
        """
        folder = self.folder
        folder.make()
        with folder.alone():
            account = Account.of(
                folder.cluster if folder.cluster.exists() else folder.home, self._user
            )
            folder.claim(account)
            if folder.version:
                server = self._programs(int(folder.version))
            else:
                server = programs.choose(folder=self._programs_folder)
                server = programs.within_reach(server, account, self.folder.home)
                self._initialise(server, account)
            postmaster = Postmaster.read(self.folder.cluster)
            if postmaster is None or not postmaster.is_alive(self.folder.cluster):
                server = programs.within_reach(server, account, self.folder.home)
                self._launch(server, account)
            self._port = self._wait_until_ready()
            folder.port = self._port
            self._make_database()
            self._join()
        return self.dsn

    def keep_alive(self) -> None:
        """Start the server again whenever it dies, until :meth:`close`; looks every second.

        Every process of the shop may do so: the first to notice starts it, on the same port, and the
        pools of all of them reconnect.
        """
        if self._watch is None:
            self._over.clear()
            self._watch = threading.Thread(
                target=self._revive, name="commercekit:postgres", daemon=True
            )
            self._watch.start()

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Make another database, a copy of ``template``, on the started server; gives its DSN.

        For tests. Nobody may be connected to ``template`` meanwhile.
        """
        _finish(_ask(self.dsn_of("postgres"), f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        return self.dsn_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and throw out who is connected to it; not there is no error."""
        _finish(_ask(self.dsn_of("postgres"), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def databases(self) -> set[str]:
        """The names of all databases of the started server."""
        names = "SELECT array_agg(datname::text) FROM pg_database"
        return set(_finish(_ask(self.dsn_of("postgres"), names)))

    def is_abandoned(self) -> bool:
        """Whether no living process uses the server, running or not: its users were killed."""
        try:
            descriptor = os.open(self.folder.users, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Leave the server; the last one to leave stops it. Closing twice is no error."""
        self._look_away()
        if self._membership is None:
            return
        with self.folder.alone():
            try:
                fcntl.flock(self._membership, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._leave()
            else:
                self.stop()

    def stop(self) -> None:
        """Stop the server whoever else uses it; not running is no error."""
        self._leave()
        if self.pid is None:
            return
        account = Account.of(self.folder.cluster, self._user)
        server = programs.within_reach(
            self._programs(int(self.folder.version)), account, self.folder.home
        )
        control = server.program("pg_ctl")
        account.run([control, "stop", "-D", self.folder.cluster, "-m", "fast", "-w", "-t", "30"])

    def _programs(self, major: int) -> Binaries:
        try:
            return programs.choose(major=major, folder=self._programs_folder)
        except ConfigurationError as error:
            message = (
                f"the data in {self.folder.cluster} was made by PostgreSQL {major}, and this machine has: "
                f"{error.extra.get('found', 'none')}. Install PostgreSQL {major} (Debian: "
                f"postgresql-{major}), or move the folder away to start with an empty shop, or take the "
                "data over with pg_dump and pg_restore"
            )
            raise ConfigurationError(message) from None

    # -- making, starting, adopting -----------------------------------------------------------------

    def _initialise(self, server: Binaries, account: Account) -> None:
        """Make the cluster under another name, so that it is there whole or not at all."""
        password = self.folder.password
        if not password.exists():
            descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24) + "\n")
        account.give(password, 0o600)
        unfinished = self.folder.home / "cluster.unfinished"
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        locales = [builtin] if server.major >= 17 else [["--locale=C.UTF-8"], ["--locale=C"]]
        outcome: subprocess.CompletedProcess[str] | None = None
        for locale in locales:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            account.give(unfinished, 0o700)
            command: list[str | Path] = [
                server.program("initdb"),
                "-D",
                unfinished,
                "-U",
                _ROLE,
                "-E",
                "UTF8",
            ]
            options = ["--auth=scram-sha-256", f"--pwfile={password}"]
            if self._settings.get("fsync") == "off":
                options.append("--no-sync")
            outcome = account.run([*command, *options, *locale])
            if outcome.returncode == 0:
                break
        if outcome is None or outcome.returncode != 0:
            said = outcome.stdout.strip() if outcome else ""
            message = f"initdb could not make a database in {self.folder.home}: {said[-500:]}"
            raise ConfigurationError(message)
        unfinished.rename(self.folder.cluster)

    def _launch(self, server: Binaries, account: Account) -> None:
        clear_away(self.folder.cluster, self.folder.sockets)
        log = self.folder.log
        control: list[str | Path] = [
            server.program("pg_ctl"),
            "start",
            "-D",
            self.folder.cluster,
            "-l",
            log,
            "-w",
            "-t",
            "30",
        ]
        for attempt in range(_TRIES):
            options = shlex.join(self._options(_free_port(self.folder.port if attempt < 2 else 0)))
            outcome = account.run([*control, "-o", options], output=subprocess.DEVNULL)
            if outcome.returncode == 0:
                return
            # The last of a killed server may still be going, or the port went to somebody else.
            time.sleep(0.2 * (attempt + 1))
            clear_away(self.folder.cluster, self.folder.sockets)
        said = (
            log.read_text(errors="replace")[-800:].strip() if log.exists() else "nothing in its log"
        )
        message = f"PostgreSQL does not start on {self.folder.cluster}; {log} ends with: {said}"
        raise ConfigurationError(message)

    def _options(self, port: int) -> Iterator[str]:
        sockets: Path | str = self.folder.sockets
        if len(str(sockets)) > _SOCKET_PATH_LIMIT:
            sockets = ""
        fixed = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
        }
        sized = {"shared_buffers": f"{_cache_megabytes()}MB"}
        for name, value in {**_SETTINGS, **sized, **self._settings, **fixed}.items():
            yield from ("-c", f"{name}={value}")

    def _wait_until_ready(self) -> int:
        folder = self.folder
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            postmaster = Postmaster.read(folder.cluster)
            if postmaster is not None and postmaster.is_ready and postmaster.port:
                return postmaster.port
            time.sleep(0.02)
        message = (
            f"a PostgreSQL holds {folder.cluster} and does not become ready: look into {folder.log}, "
            "end it, and start again"
        )
        raise ConfigurationError(message)

    def _make_database(self) -> None:
        folder = self.folder
        if not folder.password.exists():
            message = (
                f"the password of the database in {folder.home} is missing: put back {folder.password} "
                "from a backup, or move the folder away to start with an empty shop"
            )
            raise ConfigurationError(message)
        try:
            place = _finish(_ask(self.dsn, "SHOW data_directory"))
        except asyncpg.InvalidCatalogNameError:
            _finish(_ask(self.dsn_of("postgres"), f'CREATE DATABASE "{_ROLE}"'))
            return
        except asyncpg.InvalidPasswordError:
            message = (
                f"the password in {folder.password} is not the one of the database in {folder.cluster}: "
                "put back the right file from a backup"
            )
            raise ConfigurationError(message) from None
        if Path(place).resolve() != folder.cluster.resolve():
            message = (
                f"port {self._port} is answered by the server of {place}, not of {folder.cluster}: remove "
                f"{folder.cluster}/postmaster.pid if no PostgreSQL runs there, and start again"
            )
            raise ConfigurationError(message)

    def _revive(self) -> None:
        while not self._over.wait(_HEARTBEAT):
            if self.pid is None:
                _logger.warning("the embedded PostgreSQL is gone; starting it again")
                try:
                    self.start()
                except ConfigurationError:
                    _logger.exception("the embedded PostgreSQL does not come back")

    def _look_away(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            self._over.set()
            watch.join()

    def _join(self) -> None:
        """Count as a user of the server until :meth:`close` or the end of the process."""
        if self._membership is None:
            self._membership = self.folder.open_users()
            fcntl.flock(self._membership, fcntl.LOCK_SH)

    def _leave(self) -> None:
        self._port = 0
        if self._membership is not None:
            os.close(self._membership)
            self._membership = None


def _cache_megabytes() -> int:
    """A sixteenth of the machine's memory, which is taken as it is used, between 128 and 512 MB.

    With 100,000 products their rows and indexes are 300 MB, and a search that looks at hundreds of rows
    spread over them should not have to ask the operating system for each.
    """
    memory = psutil.virtual_memory().total // 1024**2
    return max(128, min(512, memory // 16))


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    message = "there is no free port on 127.0.0.1"
    raise ConfigurationError(message)


async def _ask(dsn: str, sql: str) -> Any:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end, also when the caller is itself called from an event loop."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()
