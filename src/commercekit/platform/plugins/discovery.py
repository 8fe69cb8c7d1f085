"""What is installed: one entry point is one plugin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any

from commercekit.platform.plugins.errors import PluginError
from commercekit.platform.plugins.markers import GROUP
from commercekit.platform.plugins.policy import PluginPolicy

__all__ = ["InstalledPlugin", "installed_plugins"]


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """A plugin as the environment knows it, before any of its code ran."""

    code: str
    """The name of its entry point, such as ``payment-sandbox``: its section and its routes."""
    distribution: str
    version: str
    summary: str
    entry: EntryPoint | Any
    """The entry point, or the module itself when a test brings one."""
    dist: Distribution | None = None
    """Where its files and requirements are read; None when a test brings the module."""
    requires: tuple[str, ...] = ()
    """What its metadata asks for, such as ``commercekit>=0.1,<0.2``."""
    rivals: tuple[str, ...] = ()
    """Other distributions that bring a plugin of the same name."""

    @property
    def origin(self) -> str:
        """How messages name it."""
        return f"plugin {self.code!r} ({self.distribution} {self.version})"

    def refuse_name(self) -> None:
        """Refuse a name that could mean something else: another plugin's, or one of our settings."""
        if self.code in PluginPolicy.__struct_fields__:
            message = (
                f"The {self.origin} has a name that is a setting, plugins.{self.code}; its authors have "
                "to give its entry point another one"
            )
            raise PluginError(message)
        if self.rivals:
            message = (
                f"Two distributions bring a plugin named {self.code!r}: {self.distribution} "
                f"and {' and '.join(self.rivals)}; uninstall one of them"
            )
            raise PluginError(message)

    def load(self) -> Any:
        """Import it; whatever that raises becomes one sentence."""
        if not isinstance(self.entry, EntryPoint):
            return self.entry
        try:
            return self.entry.load()
        except Exception as error:  # its import may raise anything
            message = (
                f"The {self.origin} cannot be imported from {self.entry.value}: "
                f"{type(error).__name__}: {error}; install it again, or leave it out of "
                "plugins.enabled"
            )
            raise PluginError(message) from error


def installed_plugins() -> tuple[InstalledPlugin, ...]:
    """Every plugin of this environment, by name. One of two with the same name has ``rivals``."""
    found: dict[str, InstalledPlugin] = {}
    for entry in entry_points(group=GROUP):
        dist = entry.dist
        # Read once: each of dist.name, dist.version and dist.requires would parse it again.
        about: Any = dist.metadata if dist is not None else {}
        plugin = InstalledPlugin(
            code=entry.name,
            distribution=about.get("Name") or "unknown",
            version=about.get("Version") or "unknown",
            summary=str(about.get("Summary") or ""),
            entry=entry,
            dist=dist,
            requires=tuple(about.get_all("Requires-Dist") or ()) if dist is not None else (),
        )
        earlier = found.setdefault(entry.name, plugin)
        if earlier.distribution != plugin.distribution:
            rivals = (*earlier.rivals, plugin.distribution)
            found[entry.name] = replace(earlier, rivals=rivals)
    return tuple(found[code] for code in sorted(found))
