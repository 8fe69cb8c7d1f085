"""Where a fake vendor lives: its address, the shop it tells, and the folder that keeps its keys."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["VendorHome"]


@dataclass(frozen=True, slots=True)
class VendorHome:
    """What a fake needs to know about its surroundings when it is made."""

    folder: Path
    """Its own, readable by nobody else."""
    address: str
    """Where it is reached, such as ``http://127.0.0.1:8811``, without a slash at the end."""
    shop: str
    """Where the shop is, for vendors who are told once and for all where to send notifications."""

    def keep(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The bytes kept under ``name``, made now if this is the first time.

        Keys stay the same over restarts, so that the shop's settings go on fitting.
        """
        file = self.folder / name
        if not file.exists():
            self.write(name, make())
        return file.read_bytes()

    def write(self, name: str, content: bytes) -> Path:
        """Put ``content`` under ``name``, whole or not at all, and give the path."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.folder / name
        draft = self.folder / f".{name}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
        draft.replace(file)
        return file
