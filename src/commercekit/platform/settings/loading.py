"""From ``commercekit.toml`` and the environment to one typed tree."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Struct

from commercekit.platform.settings.layers import laid_beneath
from commercekit.platform.settings.problems import SettingProblem, SettingsError
from commercekit.platform.settings.reading import ABSENT, Place, Reader
from commercekit.platform.settings.variables import Variables

__all__ = ["LoadedSettings", "SettingsSource", "load_settings"]

T = TypeVar("T", bound=Struct)
V = TypeVar("V")


class LoadedSettings(Generic[T]):
    """The tree, the plugins' sections, and where each value came from."""

    def __init__(
        self, tree: T, sections: Mapping[str, Struct], origins: Mapping[str, str], file: Path | None
    ) -> None:
        self.tree = tree
        self.sections = sections
        """By entry name; only of plugins that declared settings."""
        self.file = file
        self._origins = origins

    def origin(self, path: str) -> str:
        """``default``, ``file``, or the name of the variable that won."""
        return self._origins.get(path, "default")


class SettingsSource:
    """The raw settings, read once; what they mean is asked with types.

    Two steps because of plugins: which of them are enabled is a setting, and what their sections
    look like is known only after they were loaded. ``peek`` answers the first without judging,
    ``load`` judges everything together.
    """

    def __init__(
        self, values: Mapping[str, Any], variables: Variables, file: Path | None = None
    ) -> None:
        self._values = values
        self._variables = variables
        self.file = file

    @classmethod
    def read(cls, path: Path | None, environ: Mapping[str, str]) -> SettingsSource:
        """Read the file, if one is named, and the environment above it."""
        values: dict[str, Any] = {}
        if path is not None:
            try:
                values = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError) as refusal:
                reason = getattr(refusal, "strerror", None) or "it is no UTF-8 text"
                problem = SettingProblem(str(path), f"cannot be read: {reason}")
                raise SettingsError([problem]) from refusal
            except tomllib.TOMLDecodeError as refusal:
                raise SettingsError([SettingProblem(str(path), f"is no TOML: {refusal}")]) from None
        return cls(values, Variables.of(environ), path)

    def above(self, beneath: Mapping[str, Any]) -> SettingsSource:
        """These settings, and of ``beneath`` what they are silent about; nothing is mixed.

        See :func:`~commercekit.platform.settings.layers.laid_beneath`.
        """
        return SettingsSource(laid_beneath(self._values, beneath), self._variables, self.file)

    @property
    def base(self) -> Path:
        """What relative paths in the file are relative to: its own folder."""
        return self.file.parent if self.file is not None else Path()

    def peek(self, path: str, kind: type[V], default: V) -> V:
        """One value before the rest is judged; ``default`` if absent or wrong (``load`` tells)."""
        given: Any = self._values
        variables = self._variables
        for key in path.split("."):
            given = given.get(key, ABSENT) if isinstance(given, Mapping) else ABSENT
            variables = variables.child(key)
        place = Place(path, given, variables)
        if place.silent:
            return default
        reader = Reader(base=self.base)
        value: V = reader.read(kind, place)
        return default if reader.problems else value

    def load(
        self, root_type: type[T], *, sections: Mapping[str, type[Struct] | None] | None = None
    ) -> LoadedSettings[T]:
        """Judge everything; raises ``SettingsError`` with every problem at once.

        ``sections`` maps the entry name of each plugin to the type of ``[plugins.<name>]``, to None
        when the plugin is installed and not enabled (its section then waits unread). Without
        ``sections`` those tables are not looked at.
        """
        reader = Reader(base=self.base, sections=sections)
        tree: T = reader.read(root_type, Place("", self._values, self._variables))
        reader.raise_problems()
        return LoadedSettings(tree, reader.read_sections, reader.origins, self.file)


def load_settings(
    root_type: type[T],
    *,
    path: Path | None,
    environ: Mapping[str, str],
    sections: Mapping[str, type[Struct] | None] | None = None,
) -> LoadedSettings[T]:
    """Read and judge in one step, for whoever knows the plugins' sections beforehand."""
    return SettingsSource.read(path, environ).load(root_type, sections=sections)
