"""``commercekit storefront``: what shoppers read, made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, progress, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.storefront import RebuildReport

__all__ = ["storefront"]


@click.group("storefront", epilog=EXIT_CODES_HELP)
def storefront() -> None:
    """Look after the pages that shoppers read.

    \b
    commercekit storefront rebuild
    commercekit storefront rebuild --resume
    """


@storefront.command()
@click.option("--resume", is_flag=True, help="Go on where a rebuild was cut off.")
@as_json
@pass_place
def rebuild(place: Place, *, resume: bool, json_output: bool) -> int:
    """Write lists, product pages and search anew, from what catalogue, prices and stock say.

    The shop may go on selling meanwhile. What is right already stays as it is for shoppers; what was
    changed by hand, or made by an older version, is put right, and pages of products that are gone go.
    """

    async def work(shop: Shop) -> RebuildReport:
        with progress("Rebuilding") as advance:
            report = await shop.storefront.rebuild.all(resume=resume, progress=advance)
        for market in await shop.markets.every():
            await shop.storefront.vocabulary.recount(market.id)
        return report

    report = with_shop(place, work)
    if json_output:
        print_json(report._asdict())
        return 0
    before = f", after {report.resumed:,} of an earlier run" if report.resumed else ""
    say(f"{report.written:,} products written{before}; {report.removed:,} removed.")
    return 0
