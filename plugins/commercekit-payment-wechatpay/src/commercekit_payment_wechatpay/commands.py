"""Commands of an operator, beside ``commercekit wechatpay fake``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import click
from msgspec.structs import replace

from commercekit.app import Shop, ShopConfiguration, database_of, load_configuration
from commercekit.errors import ConfigurationError
from commercekit.kernel import SystemClock
from commercekit.payments import RefundSnapshot
from commercekit.platform.http import outbound_client
from commercekit.platform.providers import ProviderContexts, ProviderRejected
from commercekit.platform.security import AuditEntry
from commercekit_payment_wechatpay.abnormal import BANKS, Card, send_elsewhere
from commercekit_payment_wechatpay.settings import Account

__all__ = ["send_refund"]


@click.command("send-refund")
@click.argument("refund", type=click.UUID)
@click.option("--account", default="default", show_default=True, help="The merchant account.")
@click.option(
    "--bank",
    type=click.Choice(BANKS, case_sensitive=False),
    help="The bank of the payer's debit card; its number and holder are asked for.",
)
@click.option("--to-merchant", is_flag=True, help="Back to the merchant's own bank instead.")
@click.option("--reason", default="", help="Why; kept in the audit trail.")
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), help="The settings file."
)
def send_refund(
    refund: UUID,
    *,
    account: str,
    bank: str | None,
    to_merchant: bool,
    reason: str,
    config: Path | None,
) -> None:
    """Send a refund that nobody could receive somewhere else.

    REFUND is the number of a refund that needs attention because WeChat Pay calls it abnormal: the
    payer's card or account is gone. It goes to another debit card of the payer's, or to the merchant,
    who then pays in another way. What became of it arrives as any refund does.

    It is written down in the audit trail that it is asked for, and what WeChat Pay said; never the card.
    """
    if to_merchant == (bank is not None):
        message = "say either --bank, for a card of the payer's, or --to-merchant"
        raise click.UsageError(message)
    card = None
    if bank is not None:
        # Asked for, and never an argument: other accounts on this machine read those.
        number = click.prompt("Number of the card", hide_input=True)
        card = Card(bank.upper(), number.replace(" ", ""), click.prompt("Name of its holder"))
    configuration = load_configuration(config)
    settings = _account(configuration, account)
    entry = AuditEntry(
        actor="cli",
        action="refunds:send-elsewhere",
        subject=f"refund/{refund}",
        reason=reason,
        details={
            "gateway": "wechatpay",
            "account": account,
            "to": "merchant" if card is None else "payer",
            "bank": None if card is None else card.bank,
        },
    )
    try:
        with database_of(configuration) as dsn:
            seen = asyncio.run(_sent(configuration, dsn, account, settings, refund, card, entry))
    except ProviderRejected as refused:
        message = f"{refused.code}: {refused.message}"
        raise click.ClickException(message) from None
    click.echo(f"WeChat Pay has taken it: the refund of {seen.amount} is {seen.state}.")


def _account(configuration: ShopConfiguration, account: str) -> Account:
    accounts = configuration.settings.payments.accounts.get("wechatpay", {})
    if account not in accounts:
        known = ", ".join(sorted(accounts)) or "none"
        message = f"there is no account {account!r} at wechatpay; known: {known}"
        raise ConfigurationError(message)
    return accounts[account].read(Account)


async def _sent(
    configuration: ShopConfiguration,
    dsn: str,
    account: str,
    settings: Account,
    refund: UUID,
    card: Card | None,
    entry: AuditEntry,
) -> RefundSnapshot:
    """Ask for it between two entries of the trail; what cannot be written down does not happen."""
    async with (
        Shop(configuration, dsn).opened() as shop,
        outbound_client(reach=configuration.reach()) as http,
    ):
        await shop.identity.audit.note(entry)
        context = ProviderContexts(http=http, clock=SystemClock())("wechatpay", account, settings)
        outcome = "unknown"
        try:
            seen = await send_elsewhere(context, refund.hex, card)
            outcome = str(seen.state)
        except ProviderRejected as refused:
            outcome = f"refused: {refused.code}"
            raise
        finally:
            told = {**entry.details, "outcome": outcome}
            answer = replace(entry, action="refunds:sent-elsewhere", details=told)
            await shop.identity.audit.note(answer)
    return seen
