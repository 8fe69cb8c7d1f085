"""``commercekit import``: files from elsewhere become products here."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.garbage import collecting_seldom
from commercekit.cli.output import as_json, print_json, print_table, progress, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop

if TYPE_CHECKING:
    from commercekit.app import ArchiveReport, Shop
    from commercekit.catalog import ImportReport, RowFault

__all__ = ["import_", "import_products"]

_SHOWN = 20


@click.group("import", epilog=EXIT_CODES_HELP)
def import_() -> None:
    """Take in files from other systems.

    \b
    commercekit import products apparel.csv --dry-run
    commercekit import products apparel.csv
    commercekit import catalogue catalogue.zip
    """


@import_.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Do everything and undo it: see what would happen.")
@click.option("--restock", is_flag=True, help="Overwrite the stock of known SKUs too.")
@click.option("--language", help="Language of the file's texts; else the market's first.")
@click.option("--resume", is_flag=True, help="Go on where an import of this file was cut off.")
@as_json
@pass_place
def products(
    place: Place,
    *,
    file: Path,
    dry_run: bool,
    restock: bool,
    language: str | None,
    resume: bool,
    json_output: bool,
) -> int:
    """Import the product FILE that Shopify exports (CSV).

    A product with a wrong row stays out, whole, and the others come in; the same file a second time
    changes nothing. Pictures are addresses, tried later. Exit code 1 when a row was refused.
    """
    report = import_products(
        place, file, dry_run=dry_run, restock=restock, language=language, resume=resume
    )
    if json_output:
        print_json(report)
    else:
        _tell(report)
    return 1 if report.failed else 0


def import_products(
    place: Place,
    file: Path,
    *,
    dry_run: bool,
    restock: bool,
    language: str | None,
    resume: bool = False,
) -> ImportReport:
    """Import with a progress bar."""

    async def work(shop: Shop) -> ImportReport:
        market = await shop.markets.default()
        with (
            file.open(encoding="utf-8-sig", newline="") as lines,
            progress(f"Importing {file.name}") as advance,
            collecting_seldom(),
        ):
            return await shop.importer(market, restock=restock).run(
                lines,
                currency=market.currency,
                language=language or market.languages[0],
                dry_run=dry_run,
                key=_digest(file),
                resume=resume,
                progress=lambda report: advance(report.products),
            )

    return with_shop(place, work)


@import_.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--restock", is_flag=True, help="Overwrite the stock of known SKUs too.")
@click.option("--language", help="Language of products.csv's texts; else the market's first.")
@click.option("--resume", is_flag=True, help="Go on where an import of this file was cut off.")
@as_json
@pass_place
def catalogue(
    place: Place,
    *,
    file: Path,
    restock: bool,
    language: str | None,
    resume: bool,
    json_output: bool,
) -> int:
    """Import the FILE (ZIP) that `commercekit export catalogue` writes.

    What the file names becomes what it says; what it does not name stays, and the same file a second
    time changes nothing. A wrong row stays out. Exit code 1 when a row was refused.
    """

    async def work(shop: Shop) -> ArchiveReport:
        from commercekit.app import CatalogueArchive

        with progress(f"Importing {file.name}") as advance, collecting_seldom():
            return await CatalogueArchive(shop).read(
                file,
                restock=restock,
                language=language,
                key=_digest(file),
                resume=resume,
                progress=lambda report: advance(report.products),
            )

    report = with_shop(place, work)
    if json_output:
        print_json(report)
        return 1 if report.failed else 0
    rows = [(each.sheet, each.rows, each.changed, each.failed) for each in report.sheets]
    print_table(("sheet", "rows", "changed", "refused"), rows, empty="")
    faults = [(each.sheet, *fault) for each in report.sheets for fault in _plain(each.errors)]
    if faults:
        print_table(("sheet", "row", "column", "what"), faults[:_SHOWN], empty="")
    if report.products is not None:
        _tell(report.products)
    return 1 if report.failed else 0


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _tell(report: ImportReport) -> None:
    faults = [("error", *fault) for fault in _plain(report.errors)]
    faults += [("warning", *fault) for fault in _plain(report.warnings)]
    if faults:
        print_table(("kind", "row", "column", "what"), faults[:_SHOWN], empty="")
        if len(faults) + report.unlisted > _SHOWN:
            say(f"… and {len(faults) - _SHOWN + report.unlisted} more; --json lists them.")
    would = "would be " if report.dry_run else ""
    say(
        f"{report.products} products in {report.rows} rows: {report.created} {would}created, "
        f"{report.changed} {would}changed, {report.unchanged} unchanged, {report.failed} refused; "
        f"{report.variants} variants, {report.images} pictures."
    )


def _plain(faults: list[RowFault]) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.message) for fault in faults]
