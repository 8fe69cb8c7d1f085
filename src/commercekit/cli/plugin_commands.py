"""Commands that plugins bring."""

from __future__ import annotations

from typing import Any

from commercekit.cli.commands.fake import fake_of
from commercekit.cli.place import Place
from commercekit.errors import ConfigurationError
from commercekit.platform.fakes import VendorGroup
from commercekit.platform.plugins.hookspecs import register_commands

__all__ = ["commands_of_plugins"]


def commands_of_plugins(*, taken: frozenset[str]) -> dict[str, Any]:
    """By name. Of a shop that is not configured rightly there are none: ``doctor`` says why.

    Raises :class:`~commercekit.errors.ConfigurationError` for a name that is taken.
    """
    from commercekit.cli.shop import configuration_of

    try:
        registry = configuration_of(Place.find(None, None)).plugins
    except ConfigurationError:
        return {}
    found: dict[str, Any] = {}
    for offered in registry.collect(register_commands):
        name = offered.item.name or ""
        if name in taken or name in found:
            message = (
                f"The plugin {offered.plugin!r} brings a command {name!r}, which exists; rename it"
            )
            raise ConfigurationError(message)
        if isinstance(offered.item, VendorGroup) and "fake" not in offered.item.commands:
            offered.item.add_command(fake_of(offered.item))
        found[name] = offered.item
    return found
