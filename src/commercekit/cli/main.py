"""The root command; its parts are imported when they are called, so that ``--help`` is quick."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

import rich_click as click

import commercekit
from commercekit.cli.exits import EXIT_CODES_HELP, run_cli

__all__ = ["cli", "main"]

_COMMANDS: Final = {
    "run": ("run", "run"),
    "worker": ("worker", "worker"),
    "db": ("db", "db"),
    "plugins": ("plugins", "plugins"),
    "token": ("token", "token"),
    "audit": ("audit", "audit"),
    "staff": ("staff", "staff"),
    "import": ("imports", "import_"),
    "export": ("exports", "export"),
    "demo": ("demo", "demo"),
    "doctor": ("doctor", "doctor"),
    "storefront": ("storefront", "storefront"),
    "sim": ("sim", "sim"),
    "outbox": ("outbox", "outbox"),
    "jobs": ("jobs", "jobs"),
    "webhooks": ("webhooks", "webhooks"),
    "bus": ("bus", "bus"),
    "cache": ("cache", "cache"),
    "keys": ("keys", "keys"),
    "payments": ("payments", "payments"),
    "config": ("config", "config"),
}


class ShopCommands(click.RichGroup):
    """Our commands, and those that enabled plugins bring."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Ours in their order, then the plugins'."""
        return [*_COMMANDS, *sorted(self._from_plugins())]

    def get_command(self, ctx: Any, name: str) -> Any:
        """The command called ``name``; a plugin's never hides one of ours."""
        if name in _COMMANDS:
            module, attribute = _COMMANDS[name]
            return getattr(import_module(f"commercekit.cli.commands.{module}"), attribute)
        return self._from_plugins().get(name)

    @staticmethod
    def _from_plugins() -> dict[str, Any]:
        from commercekit.cli.plugin_commands import commands_of_plugins

        return commands_of_plugins(taken=frozenset(_COMMANDS))


@click.group(
    cls=ShopCommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES_HELP,
)
@click.version_option(commercekit.__version__, prog_name="commercekit")
def cli() -> None:
    """Run and look after a CommerceKit shop.

    \b
    commercekit run                 start the shop, with a database of its own if you have none
    commercekit demo                watch a whole purchase through its HTTP interface
    commercekit COMMAND --help      learn a command, with an example
    """


def main() -> None:
    """The console script."""
    sys.exit(run_cli(cli.main))
