"""``commercekit payments cash`` and ``hand-in``: what collectors have, and what they bring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import rich_click as click

from commercekit.cli.exits import Failed
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop
from commercekit.kernel import Money, PageRequest, new_id

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.payments import CashHeld, CashSum, HandIn, HandInWish

__all__ = ["book_slip", "cash", "hand_in"]


@click.command()
@click.option("--gateway", help="Only of this gateway.")
@as_json
@pass_place
def cash(place: Place, *, gateway: str | None, json_output: bool) -> None:
    """List what was collected and is not handed in, the oldest first, and what it comes to."""

    async def work(shop: Shop) -> tuple[Sequence[CashHeld], Sequence[CashSum], dict[str, str]]:
        found: list[CashHeld] = []
        page = PageRequest(100)
        while True:
            part = await shop.payments.cash_page(page, gateway=gateway)
            found += part.items
            if part.next_cursor is None:
                break
            page = PageRequest(100, (part.next_cursor,))
        numbers = await shop.orders.numbers_of([each.reference for each in found])
        return found, await shop.payments.cash_sums(gateway=gateway), numbers

    found, sums, numbers = with_shop(place, work)
    if json_output:
        print_json(
            [
                {
                    "payment_id": each.id,
                    "order": numbers.get(each.reference),
                    "gateway": each.gateway,
                    "account": each.account,
                    "left": each.left,
                    "collected_at": each.collected_at,
                }
                for each in found
            ]
        )
        return
    rows = [
        (
            f"{each.collected_at:%Y-%m-%d}",
            f"{each.gateway}/{each.account}",
            numbers.get(each.reference, each.reference),
            each.left,
            each.id,
        )
        for each in found
    ]
    headings = ("collected", "account", "order", "not handed in", "payment")
    print_table(headings, rows, empty="Everything that was collected is handed in.")
    for one in sums:
        say(
            f"{one.gateway}/{one.account}: {one.left} of {one.payments} since {one.oldest:%Y-%m-%d}"
        )


@click.command("hand-in")
@click.argument("gateway")
@click.argument("slip")
@click.argument("amount")
@click.argument("orders", nargs=-1)
@click.option("--account", default="default", help="Which account; 'default' without it.")
@click.option("--fee", default="0", help="What the collector kept of it, in the same currency.")
@click.option("--note", default="", help="Kept with it, and in the audit trail.")
@click.option(
    "--from",
    "sheet",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with an order, or order=amount, on each line.",
)
@as_json
@pass_place
def hand_in(
    place: Place,
    *,
    gateway: str,
    slip: str,
    amount: str,
    orders: tuple[str, ...],
    account: str,
    fee: str,
    note: str,
    sheet: Path | None,
    json_output: bool,
) -> None:
    """Book AMOUNT that was handed in by SLIP for ORDERS, such as a carrier's cash of a day.

    Each order is its number, or the id of its payment; ORDER=AMOUNT for less than all of it. Amount
    and fee have to be what the orders come to, to the cent. A slip is booked once.

    \b
    commercekit payments hand-in cod SLIP-7 149.70 CK-1001 CK-1002 --fee 3.00
    commercekit payments hand-in cod SLIP-8 80.00 CK-1003=80.00
    commercekit payments hand-in cod SLIP-9 2310.50 --from slip-9.txt
    """
    named = list(orders)
    if sheet is not None:
        named += [line.strip() for line in sheet.read_text(encoding="utf-8").splitlines()]
    named = [each for each in named if each]
    if not named:
        message = "name the ORDERS that the slip is about, or a file with --from"
        raise click.UsageError(message)

    async def work(shop: Shop) -> HandIn:
        return await book_slip(
            shop, gateway, account, slip, amount=amount, fee=fee, named=named, note=note
        )

    made = with_shop(place, work)
    if json_output:
        print_json(made)
    else:
        say(f"{made.slip}: {made.amount} for {len(made.lines)} payments, {made.fee} kept as a fee.")


async def book_slip(
    shop: Shop,
    gateway: str,
    account: str,
    slip: str,
    *,
    amount: str,
    fee: str,
    named: Sequence[str],
    note: str,
) -> HandIn:
    """Find the payments that are meant, and book the slip for them.

    Raises :class:`~commercekit.cli.exits.Failed` for an order of which nothing is to be handed in.
    """
    from commercekit.payments import HandInWish

    wanted: list[HandInWish] = []
    currency = ""
    for each in named:
        name, _, part = each.partition("=")
        for held in await _held(shop, name.strip(), gateway, account):
            currency = held.left.currency
            wish = Money.parse(part.strip(), currency) if part else None
            wanted.append(HandInWish(payment_id=held.id, amount=wish))
    return await shop.payments.record_hand_in(
        new_id(),
        gateway=gateway,
        account=account,
        slip=slip,
        wanted=wanted,
        amount=Money.parse(amount, currency),
        fee=Money.parse(fee, currency),
        actor="cli",
        note=note,
    )


async def _held(shop: Shop, name: str, gateway: str, account: str) -> Sequence[CashHeld]:
    payment_id = _id_of(name)
    if payment_id is not None:
        reference = (await shop.payments.payment(payment_id)).reference
    else:
        reference = (await shop.orders.by_number(name)).reference
    page = await shop.payments.cash_page(
        PageRequest(100), gateway=gateway, account=account, reference=reference
    )
    held = [each for each in page.items if payment_id in (None, each.id)]
    if not held:
        message = f"Nothing of {name} is still to be handed in for {gateway}/{account}."
        raise Failed(message)
    return held


def _id_of(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
