"""Which shop a command is about: its settings file and its data folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import rich_click as click

from commercekit.cli.serving.server_file import ServerFile

__all__ = ["Place", "pass_place"]

_DEFAULT_FILE: Final = Path("commercekit.toml")
_DEFAULT_DATA: Final = Path(".data")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shop's settings and data are; either may be left to the defaults."""

    config: Path | None
    data: Path | None

    @classmethod
    def find(cls, config: Path | None, data: Path | None) -> Place:
        """What was named, then the environment, then this folder, then what the data remembers.

        A data folder knows the settings file that it was last run with, so that commands find the
        shop of ``make run`` without being told. Where nothing names a folder, the default ``.data``
        moves where the embedded database can reach it: below root's home it could not.
        """
        config = config or _from_environment("COMMERCEKIT_CONFIG")
        if config is None and _DEFAULT_FILE.is_file():
            config = _DEFAULT_FILE
        data = data or _from_environment("COMMERCEKIT_DATA", "DATA")
        data = data or _reachable(config)
        if config is None and (left := ServerFile.read(data or _DEFAULT_DATA)) is not None:
            config = Path(left.config) if left.config else None
            data = data or _DEFAULT_DATA
        return cls(config.resolve() if config else None, data.resolve() if data else None)

    @property
    def environ(self) -> dict[str, str]:
        """The environment with the place in it, as the shop's processes read it."""
        environ = dict(os.environ)
        if self.config is not None:
            environ["COMMERCEKIT_CONFIG"] = str(self.config)
        if self.data is not None:
            environ["COMMERCEKIT_DATA"] = str(self.data)
        return environ


def _reachable(config: Path | None) -> Path | None:
    """Where ``.data`` is instead, if it is not here; the settings may say otherwise."""
    from commercekit.platform.db.embedded import reachable_folder
    from commercekit.platform.settings import SettingsError, SettingsSource

    here = _DEFAULT_DATA.absolute()
    try:
        source = SettingsSource.read(config, os.environ)
    except SettingsError:  # the command itself will say what is wrong
        return None
    if source.peek("data", str, "") or source.peek("database.dsn", str, ""):
        return None
    folder = reachable_folder(here)
    return folder if folder != here else None


def _from_environment(*names: str) -> Path | None:
    return next((Path(os.environ[name]) for name in names if os.environ.get(name)), None)


def pass_place(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options ``--config`` and ``--data`` and, as ``place``, what they mean."""

    @wraps(command)
    def with_place(config: Path | None, data: Path | None, **options: Any) -> Any:
        return command(place=Place.find(config, data), **options)

    with_data = click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="The shop's data folder; else $COMMERCEKIT_DATA, $DATA, or what the settings say.",
    )(with_place)
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, exists=True, path_type=Path),
        help="The settings file; else $COMMERCEKIT_CONFIG, ./commercekit.toml, or the data's last.",
    )(with_data)
