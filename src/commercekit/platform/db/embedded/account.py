"""Who PostgreSQL runs as: it refuses root, so a root parent lends it an unprivileged account."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commercekit.errors import ConfigurationError

__all__ = ["Account", "reachable_folder"]

_STRAY = ("PG", "LD_", "DYLD_", "LC_", "LANG")


@dataclass(frozen=True)
class Account:
    """A user of the machine, and whether this process has to become it first."""

    uid: int
    gid: int
    name: str
    is_lent: bool
    """Whether this process is root and drops to the account for every command."""

    @classmethod
    def of(cls, folder: Path, wanted: str | None = None) -> Account:
        """The account for a server in ``folder``: its owner, or who we are, or for root ``wanted``.

        Raises :class:`~commercekit.errors.ConfigurationError` when the folder is another user's and we
        are not root, or when the machine has no account called ``wanted`` (``nobody`` by default).
        """
        owner = folder.stat().st_uid if folder.exists() else None
        me = os.geteuid()
        if me != 0:
            if owner is not None and owner != me:
                message = (
                    f"the database folder {folder} belongs to user {_name(owner)}, and this is user "
                    f"{_name(me)}: run as {_name(owner)}, or give another folder in DATA"
                )
                raise ConfigurationError(message)
            return cls(me, os.getegid(), _name(me), is_lent=False)
        try:
            entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(wanted or "nobody")
        except KeyError:
            who = f"number {owner}" if owner else wanted or "nobody"
            message = (
                f"PostgreSQL does not run as root, and this machine has no user {who} to run it as: "
                "run as an ordinary user, or name a server of your own as database.dsn"
            )
            raise ConfigurationError(message) from None
        return cls(entry.pw_uid, entry.pw_gid, entry.pw_name, is_lent=True)

    def run(
        self, command: Sequence[str | Path], *, timeout: float = 60, output: int = subprocess.PIPE
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` as this account and give its outcome; nothing of our environment leaks in.

        ``output`` is ``subprocess.DEVNULL`` for commands that leave a server behind: it would hold
        the pipe open.
        """
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_STRAY)
        }
        environment["LC_ALL"] = "C"
        become = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_lent else {}
        return subprocess.run(  # type: ignore[call-overload,no-any-return] # one dict, three types
            [str(part) for part in command],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            umask=0o077,
            check=False,
            **become,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether the account can reach what lies in ``folder``, as the machine itself judges."""
        try:
            outcome = self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder], timeout=10)
        except OSError:
            return False
        return outcome.returncode == 0

    def can_execute(self, program: Path) -> bool:
        """Whether the account can start ``program``: its folder may be closed or mounted noexec."""
        try:
            return self.run([program, "--version"], timeout=20).returncode == 0
        except OSError:
            return False

    def barrier(self, folder: Path) -> Path:
        """The first folder on the way to ``folder`` that the account may not enter."""
        for ancestor in [*reversed(folder.parents), folder]:
            status = ancestor.stat()
            if status.st_uid == self.uid:
                needed = stat.S_IXUSR
            elif status.st_gid == self.gid:
                needed = stat.S_IXGRP
            else:
                needed = stat.S_IXOTH
            if not status.st_mode & needed:
                return ancestor
        return folder

    def give(self, path: Path, mode: int) -> None:
        """Make ``path`` the account's own, with ``mode``. Links are refused, not followed."""
        if path.is_symlink():
            message = f"{path} is a link, which CommerceKit never makes there: remove it"
            raise ConfigurationError(message)
        path.chmod(mode)
        if self.is_lent:
            os.chown(path, self.uid, self.gid)


def reachable_folder(preferred: Path) -> Path:
    """``preferred``, or where root should keep a shop's data when PostgreSQL could not reach it there.

    A checkout below root's own home is closed to everyone else; the data then lives in
    ``/var/lib/commercekit/`` under the name of the folder, so that the same checkout finds it again.
    """
    preferred = preferred.absolute()
    if os.geteuid() != 0:
        return preferred
    existing = next(folder for folder in [preferred, *preferred.parents] if folder.exists())
    if Account.of(preferred / "postgres").can_enter(existing):
        return preferred
    name = "-".join(part for part in preferred.parts if part != "/").replace(" ", "-")
    return Path("/var/lib/commercekit") / name


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"
