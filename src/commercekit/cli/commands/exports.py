"""``commercekit export``: what the shop holds, as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop

if TYPE_CHECKING:
    from commercekit.app import Shop

__all__ = ["export"]


@click.group("export", epilog=EXIT_CODES_HELP)
def export() -> None:
    """Write what the shop holds to files.

    \b
    commercekit export products products.csv
    commercekit export products > products.csv
    commercekit export catalogue catalogue.zip
    """


@export.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--language", help="Language of the plain columns; else the market's first.")
@click.option("--without-costs", is_flag=True, help="Leave out what goods cost the shop.")
@pass_place
def products(place: Place, *, file: Path | None, language: str | None, without_costs: bool) -> int:
    """Export every product to FILE (CSV), or to standard output without one.

    The import takes the file back without loss. FILE is there when it is whole, or not at all.
    """

    async def write(shop: Shop) -> None:
        pieces = shop.exports.text(language=language, costs=not without_costs)
        if file is None:
            async for piece in pieces:
                sys.stdout.write(piece)
            return
        beside = file.with_name(f".{file.name}.part")
        try:
            with beside.open("w", encoding="utf-8", newline="") as out:
                async for piece in pieces:
                    out.write(piece)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)

    with_shop(place, write)
    return 0


@export.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--language", help="Language of products.csv's plain columns; else the market's first."
)
@pass_place
def catalogue(place: Place, *, file: Path, language: str | None) -> int:
    """Export everything that products hang on, and all that is kept of them, to FILE (ZIP).

    products.csv as above, and beside it categories in their order, brands, attributes, every price list
    with its prices, locations and what lies there. FILE is there when it is whole, or not at all.
    """

    async def write(shop: Shop) -> None:
        from commercekit.app import CatalogueArchive

        await CatalogueArchive(shop).write(file, language=language)

    with_shop(place, write)
    return 0
