"""``DATA/run/server.json``: what runs, so that other commands find it."""

import os
from pathlib import Path

import msgspec
import psutil

__all__ = ["ServerFile", "run_folder"]


def run_folder(data: Path) -> Path:
    """Where a running shop keeps what is true only while it runs."""
    return data / "run"


class ServerFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the last ``commercekit run`` on a data folder left; readable by its owner only."""

    pid: int
    started_at: float
    """When the process was made, as the system says: a pid alone may be somebody else's by now."""
    base_url: str
    config: str = ""
    token: str = ""
    """The staff token of this run."""
    token_id: str = ""
    running: bool = True

    @classmethod
    def read(cls, data: Path) -> "ServerFile | None":
        """What is there; None when nothing is, or nothing legible."""
        try:
            return msgspec.json.decode(_path(data).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, data: Path) -> None:
        """Replace the file in one step, unreadable to others from the start."""
        path = _path(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(self))
        draft.replace(path)

    def is_alive(self) -> bool:
        """Whether the process that wrote it still runs, and is the same one."""
        if not self.running:
            return False
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started_at) < 1.0
        except psutil.Error:
            return False

    def stopped(self) -> "ServerFile":
        """What is left to remember after an orderly end."""
        return msgspec.structs.replace(self, running=False, token="", token_id="")


def _path(data: Path) -> Path:
    return run_folder(data) / "server.json"
