"""Vendors that a development shop plays beside itself: what they say is laid beneath its settings."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from commercekit.errors import ConfigurationError
from commercekit.platform.settings import laid_beneath

__all__ = ["FakeFolder", "settings_of_fakes"]


class FakeFolder:
    """What one played vendor keeps in the shop's data folder."""

    def __init__(self, data: Path, name: str) -> None:
        self.name = name
        self.path = data / "fakes" / name
        self.settings = self.path / "settings.toml"
        """What makes a shop talk to it; written whenever it begins to be played."""
        self.address_file = self.path / "address"

    @property
    def address(self) -> str | None:
        """Where it was played last, as ``host:port``."""
        try:
            return self.address_file.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    @property
    def port(self) -> int:
        """Where it should be played again, so that links stay right; 0 the first time."""
        said = (self.address or "").rpartition(":")[2]
        return int(said) if said.isdecimal() else 0


def settings_of_fakes(data: Path, names: Iterable[str]) -> dict[str, Any]:
    """What the played vendors want the shop to know; nothing of one that was never played."""
    together: dict[str, Any] = {}
    for name in names:
        file = FakeFolder(data, name).settings
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            message = f"{file} is no TOML; remove it, the next run writes it anew: {error}"
            raise ConfigurationError(message) from error
        together = laid_beneath(together, said)
    return together
