"""``commercekit plugins remove-data``: what a plugin left in the database, and away with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop
from commercekit.platform.security import Principal

if TYPE_CHECKING:
    from commercekit.app import Leftovers, Shop

__all__ = ["remove_data"]


@click.command("remove-data", epilog=EXIT_CODES_HELP)
@click.argument("code")
@click.option("--yes", is_flag=True, help="Remove it. Without, only say what there is.")
@as_json
@pass_place
def remove_data(place: Place, *, code: str, yes: bool, json_output: bool) -> None:
    """Say what the plugin CODE left in the database; with --yes, remove it for good.

    Removed are its tables, the record of its migrations, the values of its fields with their indexes,
    its jobs and schedules, what is kept for its consumers, and its permissions in tokens. The history
    of money and goods stays: payments, refunds and shipments made through it. A run that is cut off is
    taken up by the next. Refused while the plugin is enabled; take a backup first.

    \b
    commercekit plugins remove-data acme-gifts
    commercekit plugins remove-data acme-gifts --yes
    """

    async def work(shop: Shop) -> Leftovers:
        from commercekit.app import PluginLeftovers

        leftovers = PluginLeftovers(shop)
        if not yes:
            return await leftovers.of(code)

        def told(step: str) -> None:
            say(f"removing {step}")

        return await leftovers.remove(code, Principal.system("cli"), told=told)

    found = with_shop(place, work)
    if json_output:
        print_json({"removed": yes, **_as_dict(found)})
        return
    print_table(("what", "how much", "which"), _rows(found), empty="")
    by_hand = ", ".join(f"[{path}]" for path in found.settings)
    if yes:
        say(f"Removed. By hand: take {by_hand} out of the settings file, if it is there.")
    elif found.enabled:
        say(f"{code} is enabled; disable or uninstall it before its data can be removed.")
    else:
        say(f"Nothing was removed. To do it: commercekit plugins remove-data {code} --yes")


def _as_dict(found: Leftovers) -> dict[str, object]:
    return {name: getattr(found, name) for name in found.__struct_fields__}


def _rows(found: Leftovers) -> list[tuple[str, object, str]]:
    kept = found.kept
    rows: list[tuple[str, object, str]] = [
        ("table", f"{each.rows:,} rows, {_size(each.bytes)}", each.name) for each in found.tables
    ]
    rows += [("migrations", count, app) for app, count in found.migrations.items()]
    rows += [("values", count, f"of {name}s") for name, count in found.values.items() if count]
    rows += [("index", 1, name) for name in found.indexes]
    rows += [("jobs", count, state) for state, count in found.jobs.items()]
    rows += [("schedule", 1, name) for name in found.schedules]
    rows += [("deliveries", count, state) for state, count in found.deliveries.items()]
    if found.positions:
        rows.append(("places of consumers", found.positions, ""))
    rows += [("token", 1, f"{handle}: {' '.join(s)}") for handle, s in found.tokens.items()]
    stays = (
        ("payments", kept.payments, f"{kept.open_payments} open"),
        ("refunds", kept.refunds, ""),
        ("shipments", kept.shipments, ""),
        ("promotions", len(kept.promotions), ", ".join(kept.promotions)),
    )
    rows += [(f"stays: {what}", count, which) for what, count, which in stays if count]
    return rows


def _size(size: int) -> str:
    return f"{size / 1024:,.0f} KiB" if size < 1 << 20 else f"{size / (1 << 20):,.1f} MiB"
