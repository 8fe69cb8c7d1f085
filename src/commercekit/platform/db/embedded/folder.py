"""The data folder: whose it is, who may get there, and one process at a time in it."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from commercekit.platform.db.embedded.account import Account

__all__ = ["DataFolder"]

_MARK = "COMMERCEKIT"
_MARK_TEXT = """\
This folder is the PostgreSQL of a CommerceKit shop. Stop the shop before you move or copy it.
"""
_PATIENCE = 60.0


class DataFolder:
    """``data`` of a shop, and ``data/postgres`` below it, the home of its server.

    The home belongs to whoever starts the shop. Under root the account of the server owns only what
    the server must write, ``cluster``, ``socket`` and ``log``: it can plant no link that root follows.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        self.home = self.data / "postgres"
        self.cluster = self.home / "cluster"
        self.sockets = self.home / "socket"
        self.log = self.home / "log"
        self.password = self.home / "password"
        self.users = self.home / "users"
        self._port = self.home / "port"

    def make(self) -> None:
        """Make ``data``; raises :class:`~commercekit.errors.ConfigurationError` when it cannot."""
        missing = [folder for folder in [self.data, *self.data.parents] if not folder.exists()]
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            for folder in missing:
                folder.chmod(0o755)  # whatever the umask: the account must get through
            with (self.data / ".postgres.lock").open("a"):
                pass
        except OSError as error:
            message = (
                f"the data folder {self.data} cannot be written ({error.strerror}): give another "
                "one in DATA, or have its owner make it writable"
            )
            raise ConfigurationError(message) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process starts, adopts or stops the server of this folder."""
        with (self.data / ".postgres.lock").open("a") as lock:
            deadline = time.monotonic() + _PATIENCE
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        message = (
                            f"another process has been starting the database in {self.data} for "
                            f"{_PATIENCE:.0f} seconds: wait for it or end it, then try again"
                        )
                        raise ConfigurationError(message) from None
                    time.sleep(0.02)
            yield

    def claim(self, account: Account) -> None:
        """See that the home is ours and within the account's reach, and furnish it."""
        self._refuse_foreign()
        self._refuse_unreachable(account)
        self.home.mkdir(exist_ok=True)
        self.home.chmod(0o711 if account.is_lent else 0o700)
        mark = self.home / _MARK
        if not mark.exists():
            mark.write_text(_MARK_TEXT)
        self.sockets.mkdir(exist_ok=True)
        account.give(self.sockets, 0o700)
        self.log.touch()
        account.give(self.log, 0o600)

    @property
    def port(self) -> int:
        """Where the server listened last; 0 when it never did."""
        try:
            return int(self._port.read_text())
        except (FileNotFoundError, ValueError):
            return 0

    @port.setter
    def port(self, number: int) -> None:
        self._port.write_text(f"{number}\n")
        self._leave_to_owner(self._port)

    @property
    def version(self) -> str:
        """The major version that made the cluster; empty when there is none."""
        try:
            return (self.cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return ""

    def open_users(self) -> int:
        """A descriptor of the file that every living user of the server holds a lock on."""
        descriptor = os.open(self.users, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._leave_to_owner(self.users)
        return descriptor

    def _leave_to_owner(self, path: Path) -> None:
        """What root wrote in an ordinary user's shop is that user's, who would be locked out."""
        path.chmod(0o600)
        if os.geteuid() == 0:
            owner = self.home.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def _refuse_foreign(self) -> None:
        if not self.home.exists() or (self.home / _MARK).exists() or not any(self.home.iterdir()):
            return
        message = (
            f"{self.home} exists and was not made by CommerceKit: move it away, or give another "
            "folder in DATA"
        )
        raise ConfigurationError(message)

    def _refuse_unreachable(self, account: Account) -> None:
        if account.can_enter(self.data):
            return
        message = (
            f"PostgreSQL runs as user {account.name}, who may not enter "
            f"{account.barrier(self.data)} and so cannot reach the data in {self.data}: give a "
            "folder elsewhere in DATA, such as /var/lib/commercekit, or let others pass with "
            "chmod o+x"
        )
        raise ConfigurationError(message)
