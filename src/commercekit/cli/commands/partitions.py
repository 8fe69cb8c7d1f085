"""``commercekit db partitions``: months made ahead, taken out, kept in files, brought back."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import configuration_of, with_shop

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.platform.months import MonthView

__all__ = ["partitions"]


class _Month(click.ParamType):  # type: ignore[type-arg] # generic for mypy, not when it runs
    name = "month"

    def convert(
        self, value: str | date, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
        except ValueError:
            self.fail(f"{value!r} is no month; write it as 2025-01", param, ctx)


_MONTH = _Month()


@click.group(epilog=EXIT_CODES_HELP)
def partitions() -> None:
    """Months of orders, payments, shipments and stock movements.

    They are made ahead by themselves. What is before a month of your choice can be taken out of the
    shop, written to files, and brought back.

    \b
    commercekit db partitions list
    commercekit db partitions archive --before 2025-01 --to /srv/archive
    commercekit db partitions attach --since 2024-11
    """


@partitions.command("list")
@click.option("--count", is_flag=True, help="Count the rows instead of estimating them.")
@click.option("--tables", is_flag=True, help="One line for each table of a month.")
@as_json
@pass_place
def list_months(place: Place, *, count: bool, tables: bool, json_output: bool) -> None:
    """Show every month: where it is, its rows and its size."""

    async def work(shop: Shop) -> list[MonthView]:
        from commercekit.app import archivist_of

        return await archivist_of(shop).months(count=count)

    months = with_shop(place, work)
    if json_output:
        print_json(
            [
                {
                    "month": f"{view.month:%Y-%m}",
                    "state": view.state,
                    "from": view.low,
                    "to": view.high,
                    "rows": view.rows,
                    "bytes": view.bytes,
                    "folder": view.folder,
                    "detached_at": view.detached_at,
                    "archived_at": view.archived_at,
                    "tables": view.tables,
                }
                for view in months
            ]
        )
        return
    rows: list[tuple[str, ...]] = []
    for view in months:
        where = view.folder or ""
        rows.append((f"{view.month:%Y-%m}", view.state, f"{view.rows:,}", _size(view.bytes), where))
        if tables:
            rows += [
                (f"  {each.table}", "", f"{each.rows:,}", _size(each.bytes), "")
                for each in view.tables
            ]
    print_table(("month", "state", "rows", "size", "archive"), rows, empty="There are no months.")


@partitions.command()
@click.option("--ahead", type=click.IntRange(1, 24), default=3, show_default=True, help="Months.")
@click.option("--month", type=_MONTH, help="Around this month instead of now: for imports.")
@pass_place
def create(place: Place, *, ahead: int, month: date | None) -> None:
    """Make the months that are missing; a running shop does it by itself every six hours.

    \b
    commercekit db partitions create --ahead 12
    commercekit db partitions create --month 2019-05 --ahead 1
    """

    async def work(shop: Shop) -> list[str]:
        from commercekit.platform.db import ensure_partitions
        from commercekit.platform.months import first_of

        now = first_of(month) if month else shop.clock.now()
        async with shop.db.unit_of_work() as uow:
            back = 0 if month else 1
            return await ensure_partitions(uow, now, months_back=back, months_ahead=ahead)

    say(f"{len(with_shop(place, work))} tables have their months.")


@partitions.command()
@click.option("--before", type=_MONTH, required=True, help="The first month that stays.")
@click.option("--check", is_flag=True, help="Only say whether it would be refused.")
@pass_place
def detach(place: Place, *, before: date, check: bool) -> None:
    """Take all months before a month out of the shop; their tables stay in the database.

    Refused while anything in them is open: an order that is not completed, a payment its gateway has not
    settled, a return under way, a fact that was not delivered. Nothing is taken then, and each is named.
    """

    async def work(shop: Shop) -> list[date]:
        from commercekit.app import archivist_of

        archivist = archivist_of(shop)
        if check:
            return await archivist.check(before)
        return await archivist.detach(before, told=say)

    _done(with_shop(place, work), "can be taken out" if check else "taken out of the shop")


@partitions.command()
@click.option("--before", type=_MONTH, required=True, help="The first month that stays.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    help="Where to; 'archive' in the data folder.",
)
@pass_place
def archive(place: Place, *, before: date, folder: Path | None) -> None:
    """Take months out, write them to files, read those back, and only then drop the tables.

    Interrupted anywhere it can be run again, and goes on.
    """
    target = (folder or configuration_of(place).data / "archive").absolute()

    async def work(shop: Shop) -> list[date]:
        from commercekit.app import archivist_of

        return await archivist_of(shop).archive(before, target, told=say)

    _done(with_shop(place, work), f"archived in {target}")


@partitions.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@pass_place
def verify(place: Place, *, folder: Path) -> None:
    """Read the archive of one month as if to bring it back, and change nothing.

    \b
    commercekit db partitions verify /srv/archive/2024-12
    """

    async def work(shop: Shop) -> str:
        from commercekit.app import archivist_of

        manifest = await archivist_of(shop).verify(folder, told=say)
        rows = sum(entry.rows for entry in manifest.files)
        return f"{manifest.month:%Y-%m} is whole: {rows:,} rows of {len(manifest.files)} tables."

    say(with_shop(place, work))


@partitions.command()
@click.option("--since", type=_MONTH, required=True, help="The first month to bring back.")
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where the folders of the months are; without it where they were written.",
)
@pass_place
def attach(place: Place, *, since: date, folder: Path | None) -> None:
    """Bring a month back into the shop, and all younger ones with it: they belong together.

    \b
    commercekit db partitions attach --since 2024-11
    commercekit db partitions attach --since 2024-11 --from /mnt/restored
    """

    async def work(shop: Shop) -> list[date]:
        from commercekit.app import archivist_of

        return await archivist_of(shop).attach(since, folder=folder, told=say)

    _done(with_shop(place, work), "back in the shop")


def _done(months: list[date], what: str) -> None:
    if months:
        named = ", ".join(f"{month:%Y-%m}" for month in sorted(months))
        say(f"{named}: {what}.")
    else:
        say("Nothing to do: no month is concerned.")


def _size(count: int) -> str:
    return f"{count / (1 << 20):,.1f} MB"
