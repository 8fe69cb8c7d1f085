"""``commercekit plugins``: what is installed, what works, what it brings; a module for each verb."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP

__all__ = ["plugins"]

_VERBS: Final = {
    "new": ("new", "new"),
    "list": ("listing", "list_plugins"),
    "pin": ("pinning", "pin_plugins"),
    "verify": ("verify", "verify_plugins"),
    "doctor": ("doctor", "doctor_plugins"),
    "quality": ("quality", "quality"),
    "remove-data": ("remove_data", "remove_data"),
}


class PluginVerbs(click.RichGroup):
    """The verbs, each imported when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order in which one needs them."""
        return list(_VERBS)

    def get_command(self, ctx: Any, name: str) -> Any:
        """The verb called ``name``."""
        if name not in _VERBS:
            return None
        module, attribute = _VERBS[name]
        return getattr(import_module(f"{__name__}.{module}"), attribute)


@click.group(cls=PluginVerbs, epilog=EXIT_CODES_HELP)
def plugins() -> None:
    """See which plugins are installed, which of them this shop enables, and whether they are genuine.

    A development shop enables every installed one, a production shop those in plugins.enabled, and of
    these only what `commercekit plugins pin` wrote down.

    \b
    commercekit plugins list
    commercekit plugins pin
    commercekit plugins verify --json
    """
