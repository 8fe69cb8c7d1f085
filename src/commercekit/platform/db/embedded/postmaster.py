"""What is known of a server that runs, or seems to run, on a data folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Postmaster", "clear_away"]

_PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Postmaster:
    """The contents of ``postmaster.pid``: whose process it says the server is."""

    pid: int
    port: int
    is_ready: bool

    @classmethod
    def read(cls, cluster: Path) -> Postmaster | None:
        """What the file says, or ``None`` when there is none or it is only half written."""
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
            port = int(lines[3]) if len(lines) > 3 else 0
            ready = len(lines) > 7 and lines[7].strip() == "ready"
            return cls(int(lines[0]), port, ready)
        except (FileNotFoundError, ValueError, IndexError):
            return None

    def is_alive(self, cluster: Path) -> bool:
        """Whether the process runs and is this folder's server.

        A killed server nobody has waited for is a zombie, which still takes signals, and its number
        may have gone to somebody else: neither is alive here.
        """
        if not _runs(self.pid):
            return False
        place = _working_folder(self.pid)
        return place is None or place == cluster.resolve()


def clear_away(cluster: Path, sockets: Path, *, patience: float = 3.0) -> None:
    """Make a folder startable again whose server was killed.

    Children of a killed server notice and end by themselves; those that have not after ``patience``
    seconds are ended, because a new server must not share the folder with them. Then the files of the
    dead go, which PostgreSQL would otherwise believe when its number is taken by a zombie.
    """
    if not _PROCESSES.is_dir():
        return  # cannot see who is there; PostgreSQL's own judgement has to do
    deadline = time.monotonic() + patience
    while (orphans := _working_in(cluster)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in orphans:
        _signal(pid, signal.SIGQUIT)
    deadline = time.monotonic() + patience
    while _working_in(cluster) and time.monotonic() < deadline:
        time.sleep(0.05)
    if not _working_in(cluster):
        for path in [cluster / "postmaster.pid", *sockets.glob(".s.PGSQL.*")]:
            path.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's, but it runs
    return _state(pid) not in {"", "Z", "X"}


def _state(pid: int) -> str:
    if _PROCESSES.is_dir():
        try:
            # The second field is the command in parentheses and may hold anything.
            return (_PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return ""
    ps = shutil.which("ps") or "/bin/ps"
    command = [ps, "-o", "stat=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip()[:1]


def _working_folder(pid: int) -> Path | None:
    try:
        return (_PROCESSES / str(pid) / "cwd").readlink()
    except OSError:
        return None  # no such file system, or not ours to see


def _working_in(cluster: Path) -> list[int]:
    """The live server processes whose working folder is the cluster; a shell in it is none."""
    place = cluster.resolve()
    pids = [int(entry.name) for entry in _PROCESSES.iterdir() if entry.name.isdigit()]
    return [
        pid
        for pid in pids
        if _working_folder(pid) == place and _command(pid) == "postgres" and _runs(pid)
    ]


def _command(pid: int) -> str:
    try:
        return (_PROCESSES / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
