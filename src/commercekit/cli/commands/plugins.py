"""``commercekit plugins``: what is installed, what works, what it brings."""

from __future__ import annotations

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, print_table
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import configuration_of

__all__ = ["plugins"]


@click.group(epilog=EXIT_CODES_HELP)
def plugins() -> None:
    """See which plugins are installed and which of them this shop enables.

    A development shop enables every installed one, a production shop those in plugins.enabled.

    \b
    commercekit plugins list
    commercekit plugins list --json
    """


@plugins.command("list")
@as_json
@pass_place
def list_plugins(place: Place, *, json_output: bool) -> None:
    """List the installed plugins with their hooks."""
    views = configuration_of(place).plugins.views()
    if json_output:
        print_json(views)
        return
    rows = [
        (v.code, "yes" if v.enabled else "no", f"{v.distribution} {v.version}", ", ".join(v.hooks))
        for v in views
    ]
    print_table(
        ("plugin", "enabled", "distribution", "hooks"),
        rows,
        empty="No plugin is installed: pip install commercekit-payment-sandbox, for instance.",
    )
