"""``commercekit plugins list``: what is installed, enabled, and which hooks it fills."""

from __future__ import annotations

import rich_click as click

from commercekit.cli.output import as_json, print_json, print_table
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import configuration_of

__all__ = ["list_plugins"]


@click.command("list")
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
