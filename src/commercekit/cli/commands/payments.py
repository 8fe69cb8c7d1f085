"""``commercekit payments``: statements, what differs from them, the ledger, and cash on its way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import rich_click as click

from commercekit.cli.commands.payments_cash import cash, hand_in
from commercekit.cli.exits import EXIT_CODES_HELP, Failed
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop
from commercekit.kernel import Money, PageRequest

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.payments import (
        Balance,
        Decision,
        Difference,
        LedgerEntry,
        Statement,
        StatementReport,
    )

__all__ = ["payments"]

_SHOWN = 50
_DECISIONS = ("explained", "booked", "written_off")


@click.group(epilog=EXIT_CODES_HELP)
def payments() -> None:
    """Reconcile: read what providers say, see what differs from the books, and decide about it.

    \b
    commercekit payments statement
    commercekit payments statement sandbox --day 2026-11-22
    commercekit payments differences
    commercekit payments resolve 019abcde-… --as booked --reason 'refunded at the till'
    commercekit payments ledger --account 'gateway:*'
    commercekit payments cash
    commercekit payments hand-in cod SLIP-7 149.70 CK-1001 CK-1002 --fee 3.00
    """


payments.add_command(cash)
payments.add_command(hand_in)


@payments.command()
@click.argument("gateway", required=False)
@click.option("--account", default="default", help="Which merchant account; 'default' without it.")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="Read this day now, again if need be."
)
@as_json
@pass_place
def statement(
    place: Place, *, gateway: str | None, account: str, day: datetime | None, json_output: bool
) -> None:
    """List the statements of the last days, or read and compare one of GATEWAY now.

    Without --day GATEWAY's yesterday is read. Reading it again books nothing twice.

    \b
    commercekit payments statement
    commercekit payments statement sandbox --day 2026-11-22
    """
    if gateway is None:
        if day is not None:
            message = "name the GATEWAY whose statement of that day is to be read"
            raise click.UsageError(message)
        _list(place, json_output=json_output)
        return
    wanted = date(day.year, day.month, day.day) if day else _yesterday()

    async def work(shop: Shop) -> StatementReport:
        read = await shop.payments.reconcile(gateway, account, wanted)
        return await shop.payments.statement_report(read.id)

    report = with_shop(place, work)
    if json_output:
        print_json(report)
    else:
        _show(report)
    if report.statement.problem:
        message = f"the statement cannot be had: {report.statement.problem}"
        raise Failed(message)


def _yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def _list(place: Place, *, json_output: bool) -> None:
    async def work(shop: Shop) -> Sequence[Statement]:
        return (await shop.payments.statement_page(PageRequest(_SHOWN))).items

    found = with_shop(place, work)
    if json_output:
        print_json(found)
        return
    rows = [
        (each.day, f"{each.gateway}/{each.account}", each.state, each.lines, each.problem, each.id)
        for each in found
    ]
    headings = ("day", "account", "state", "lines", "problem", "statement")
    print_table(headings, rows, empty="No statement was due yet.")


def _show(report: StatementReport) -> None:
    read = report.statement
    click.echo(f"{read.gateway}/{read.account} {read.day}: {read.state}, {read.lines} lines")
    sums = [
        (
            each.kind,
            each.outcome or "not compared",
            each.lines,
            Money(each.amount, each.currency),
            each.fees or "",
        )
        for each in report.sums
    ]
    if sums:
        print_table(("kind", "became", "lines", "sum", "fees"), sums, empty="")
    waiting = [each for each in report.differences if each.resolved_at is None]
    if waiting:
        _table(waiting)


def _table(found: Sequence[Difference]) -> None:
    from commercekit.payments import ADVICE

    rows = [
        (
            each.day,
            f"{each.gateway}/{each.account}",
            each.kind,
            each.stated or "nothing",
            each.expected or "nothing",
            each.reference or each.detail,
            each.id,
        )
        for each in found
    ]
    headings = ("day", "account", "what", "statement says", "books say", "about", "difference")
    print_table(headings, rows, empty="Statements and books agree.")
    for kind in dict.fromkeys(each.kind for each in found):
        say(f"{kind}: {ADVICE[kind]['en']}")


@payments.command()
@click.option("--resolved", is_flag=True, help="Those that were decided instead.")
@click.option("--gateway", help="Only of this gateway.")
@as_json
@pass_place
def differences(place: Place, *, resolved: bool, gateway: str | None, json_output: bool) -> None:
    """List what statements and books do not agree about, and what to do."""

    async def work(shop: Shop) -> Sequence[Difference]:
        found: list[Difference] = []
        page = PageRequest(100)
        while True:
            part = await shop.payments.difference_page(page, gateway=gateway, resolved=resolved)
            found += part.items
            if part.next_cursor is None:
                return found
            page = PageRequest(100, (part.next_cursor,))

    found = with_shop(place, work)
    if json_output:
        print_json(found)
    else:
        _table(found)


@payments.command()
@click.argument("difference", type=UUID)
@click.option("--as", "decision", required=True, type=click.Choice(_DECISIONS), help="What it is.")
@click.option("--reason", required=True, help="Why; kept in the audit trail.")
@pass_place
def resolve(place: Place, *, difference: UUID, decision: str, reason: str) -> None:
    """Decide about one DIFFERENCE, with a reason.

    explained books nothing; booked takes it into the ledger as money that nobody has explained yet
    (suspense); written_off has the shop bear it, or keep it.

    \b
    commercekit payments resolve 019abcde-… --as written_off --reason 'one cent of rounding'
    """
    from commercekit.payments import Decision

    wanted: Decision = Decision(decision)

    async def work(shop: Shop) -> Difference:
        return await shop.payments.resolve_difference(
            difference, decision=wanted, actor="cli", reason=reason
        )

    done = with_shop(place, work)
    say(f"{done.kind} of {done.day}: {done.decision} by {done.resolved_by}.")


@payments.command()
@click.option("--account", help="Only this account; 'gateway:*' for all that begin so.")
@click.option(
    "--entries", is_flag=True, help="Every booking instead of balances, the oldest first."
)
@as_json
@pass_place
def ledger(place: Place, *, account: str | None, entries: bool, json_output: bool) -> None:
    """Show what each account of the ledger holds, or its bookings.

    \b
    commercekit payments ledger
    commercekit payments ledger --account bank --entries --json
    """

    async def balances(shop: Shop) -> Sequence[Balance]:
        return await shop.payments.balances(account=account)

    async def bookings(shop: Shop) -> Sequence[LedgerEntry]:
        found: list[LedgerEntry] = []
        page = PageRequest(100)
        while True:
            part = await shop.payments.ledger_page(page, account=account)
            found += part.items
            if part.next_cursor is None:
                return found
            page = PageRequest(100, tuple(part.next_cursor.split("/")))

    if entries:
        booked = with_shop(place, bookings)
        if json_output:
            print_json(booked)
            return
        lines = [
            (
                f"{each.booked_at:%Y-%m-%d %H:%M:%S}",
                each.kind,
                each.account,
                Money(each.debit, each.currency) if each.debit else "",
                Money(each.credit, each.currency) if each.credit else "",
                each.payment_id or "",
            )
            for each in booked
        ]
        headings = ("booked", "kind", "account", "debit", "credit", "payment")
        print_table(headings, lines, empty="Nothing is booked.")
        return
    found = with_shop(place, balances)
    if json_output:
        print_json(
            [{"account": b.account, "currency": b.currency, "balance": b.balance} for b in found]
        )
        return
    rows = [(each.account, Money(each.balance, each.currency)) for each in found]
    print_table(("account", "balance"), rows, empty="Nothing is booked.")
