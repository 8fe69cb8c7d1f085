"""Whether what a plugin asks for is there, read from its metadata before its code is touched."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from packaging.requirements import InvalidRequirement, Requirement

from commercekit.platform.plugins.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commercekit.platform.plugins.discovery import InstalledPlugin

__all__ = ["refuse_unmet", "requirements_of"]

_CORE: Final = "commercekit"


def requirements_of(plugin: InstalledPlugin) -> Iterator[Requirement]:
    """What its metadata asks for here; extras and other platforms are left out."""
    for text in plugin.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:  # the installer has taken it, so it is not ours to judge
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def refuse_unmet(plugin: InstalledPlugin) -> None:
    """Raise one sentence when the plugin is for another CommerceKit, or lacks what it needs."""
    lacking = []
    for requirement in requirements_of(plugin):
        there = _version(requirement.name)
        fits = there is not None and requirement.specifier.contains(there, prereleases=True)
        if requirement.name == _CORE:
            if there is not None and not fits:
                message = (
                    f"The {plugin.origin} is made for {_CORE} {requirement.specifier}, and this is "
                    f"{there}; install a version of it for {there}, or leave it out of plugins.enabled"
                )
                raise PluginError(message)
        elif not fits:
            has = f"{there} is installed" if there else "that is not installed"
            lacking.append(f"{requirement.name}{requirement.specifier} ({has})")
    if lacking:
        message = (
            f"The {plugin.origin} needs {', '.join(lacking)}; install it, or leave the plugin out of "
            "plugins.enabled"
        )
        raise PluginError(message)


@cache
def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
