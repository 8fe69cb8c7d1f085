"""What is installed: one entry point is one plugin."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from commercekit.platform.plugins.errors import PluginError
from commercekit.platform.plugins.markers import GROUP

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

    @property
    def origin(self) -> str:
        """How messages name it."""
        return f"plugin {self.code!r} ({self.distribution} {self.version})"

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
    """Every plugin of this environment, by name. Two with one name are refused."""
    found: dict[str, InstalledPlugin] = {}
    for entry in entry_points(group=GROUP):
        dist = entry.dist
        plugin = InstalledPlugin(
            code=entry.name,
            distribution=dist.name if dist is not None else "unknown",
            version=dist.version if dist is not None else "unknown",
            summary=str(dist.metadata["Summary"] or "") if dist is not None else "",
            entry=entry,
        )
        earlier = found.setdefault(entry.name, plugin)
        if earlier.distribution != plugin.distribution:
            message = (
                f"Two distributions bring a plugin named {entry.name!r}: {earlier.distribution} "
                f"and {plugin.distribution}; uninstall one of them"
            )
            raise PluginError(message)
    return tuple(found[code] for code in sorted(found))
