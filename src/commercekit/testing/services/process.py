"""A server as a group of processes, watched by a guard that outlives nobody's kill -9.

The guard is a shell that waits at the end of a pipe. When this process ends, in whatever way, the pipe
closes; the guard then kills the group and removes the folder. The server's own shell says its process
number into the same pipe before it becomes the server, so that there is no moment in which a server
runs that the guard does not know.
"""

from __future__ import annotations

import os
import pwd
import random
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from commercekit.platform.db.embedded import reachable_folder

__all__ = ["GuardedProcess", "free_ports", "wait_until"]

_GUARD = """
trap '' HUP INT TERM
group=0
while read -r said; do group=$said; done
case "$group" in 0) ;; *) kill -s CONT -- "-$group"; kill -s KILL -- "-$group" ;; esac
rm -rf -- "$1"
"""
_ANNOUNCE = 'echo $$; exec 1>&2; exec "$@"'
# Below what systems hand out for outgoing connections, so that a server that was killed finds its port again.
_PORTS = range(15_000, 32_000)
_STRAY = ("RABBITMQ_", "ERL_", "LC_", "LANG", "NOTIFY_SOCKET")


class GuardedProcess:
    """One program with all its children, in a process group and a temporary folder of its own.

    Root lends it the account ``nobody``, which then owns the folder.
    """

    def __init__(self, name: str, *, lend: bool = True) -> None:
        """``name`` becomes part of the folder's, for whoever wonders what lies there.

        Without ``lend`` it runs as who we are, also when that is root.
        """
        self._user = "nobody" if lend and os.geteuid() == 0 else None
        self.folder = _temporary_folder(name)
        self.give(self.folder, 0o700)
        self.log = self.folder / "output"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "commercekit-guard", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    @property
    def pid(self) -> int | None:
        """The group's first process, while it lives; stopped by :meth:`pause` counts as living."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def give(self, path: Path, mode: int) -> None:
        """Let the account own ``path``, which lies in the folder."""
        path.chmod(mode)
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def write(self, name: str, text: str, *, mode: int = 0o600) -> Path:
        """A file of the account's in the folder."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        self.give(path, mode)
        return path

    def run(
        self, command: Sequence[str | Path], environment: Mapping[str, str], *, given: str = ""
    ) -> str:
        """What ``command`` prints, run as the account. Raises :class:`RuntimeError` when it fails."""
        outcome = subprocess.run(
            [str(part) for part in command],
            input=given,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            cwd=self.folder,
            env=self._environment(environment),
            user=self._user,
            extra_groups=[] if self._user else None,
        )
        if outcome.returncode:
            message = f"{command[0]} failed: {outcome.stdout}{outcome.stderr}"
            raise RuntimeError(message)
        return outcome.stdout

    def start(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        """Start the program. The one before must be over."""
        if self.pid is not None:
            message = "it runs already"
            raise RuntimeError(message)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _ANNOUNCE, "sh", *(str(part) for part in command)],
                stdin=subprocess.DEVNULL,
                stdout=self._guard.stdin,
                stderr=log,
                cwd=self.folder,
                env=self._environment(environment),
                process_group=0,
                user=self._user,
                extra_groups=[] if self._user else None,
                umask=0o077,
            )

    def terminate(self, *, patience: float = 20) -> None:
        """Ask the program to end, and kill what has not ended after ``patience`` seconds."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGCONT)
            os.kill(self._process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        self.kill()

    def kill(self) -> None:
        """End all of it at once, as a power cut would; when this returns, nothing of it runs."""
        if self._process is None:
            return
        group = self._process.pid
        family = _family(group)
        self.signal(signal.SIGKILL)
        self._process.wait(20)
        wait_until(
            lambda: not any(_lives(each) for each in family), 20, "the killed server lives on"
        )
        self._process = None
        self._tell_guard("0")

    def signal(self, number: signal.Signals) -> None:
        """Send it to every process of the group; none there is no error."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def freeze(self) -> None:
        """Stop every process of the group; when this returns, none of them does anything any more."""
        if self._process is None:
            return
        group = self._process.pid
        self.signal(signal.SIGSTOP)
        # A child may have a group of its own, as the broker's for its own children has.
        frozen = [each for each in _family(group) if _group_of(each) == group]
        wait_until(lambda: all(map(_stands_still, frozen)), 20, "the server does not stand still")

    def thaw(self) -> None:
        """Let what was frozen go on."""
        self.signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill what runs and remove the folder. Closing twice is no error."""
        self.kill()
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            self._guard.stdin.close()
        self._guard.wait(20)

    def tail(self, path: Path | None = None, *, lines: int = 20) -> str:
        """The last it said, for the sentence that tells why it did not start."""
        path = path or self.log
        said = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join(said[-lines:])

    def _tell_guard(self, line: str) -> None:
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            self._guard.stdin.write(f"{line}\n".encode())
            self._guard.stdin.flush()

    def _environment(self, additions: Mapping[str, str]) -> dict[str, str]:
        """Nothing of the caller's settings leaks into the server."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_STRAY)}
        return {**kept, "HOME": str(self.folder), "LC_ALL": "C.UTF-8", **additions}


def free_ports(number: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on just now."""
    found: list[int] = []
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == number:
            return found
    message = "no free ports on 127.0.0.1"
    raise RuntimeError(message)


def wait_until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Return as soon as ``condition`` holds; :class:`TimeoutError` saying ``otherwise`` when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.02)


def _temporary_folder(name: str) -> Path:
    """Root's server runs as another user, who must get there."""
    usual = Path(tempfile.gettempdir()) / f"commercekit-{name}-{secrets.token_hex(6)}"
    folder = usual if reachable_folder(usual) == usual else Path("/var/tmp") / usual.name  # noqa: S108 - where every user gets
    folder.mkdir(mode=0o700)
    return folder


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _group_of(process: psutil.Process) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(process.pid)
    return None


def _stands_still(process: psutil.Process) -> bool:
    try:
        return process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
    except psutil.NoSuchProcess:
        return True


def _lives(process: psutil.Process) -> bool:
    """What waits only to be buried by its parent is dead."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
