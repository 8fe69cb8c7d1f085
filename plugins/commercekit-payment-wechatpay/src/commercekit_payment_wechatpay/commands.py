"""Commands of an operator, beside ``commercekit wechatpay fake``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import click

from commercekit.app import load_configuration
from commercekit.errors import ConfigurationError
from commercekit.kernel import SystemClock
from commercekit.payments import RefundSnapshot
from commercekit.platform.http import outbound_client
from commercekit.platform.providers import ProviderContexts, ProviderRejected
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
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), help="The settings file."
)
def send_refund(
    refund: UUID, *, account: str, bank: str | None, to_merchant: bool, config: Path | None
) -> None:
    """Send a refund that nobody could receive somewhere else.

    REFUND is the number of a refund that needs attention because WeChat Pay calls it abnormal: the
    payer's card or account is gone. It goes to another debit card of the payer's, or to the merchant,
    who then pays in another way. What became of it arrives as any refund does.
    """
    if to_merchant == (bank is not None):
        message = "say either --bank, for a card of the payer's, or --to-merchant"
        raise click.UsageError(message)
    card = None
    if bank is not None:
        # Asked for, and never an argument: other accounts on this machine read those.
        number = click.prompt("Number of the card", hide_input=True)
        card = Card(bank.upper(), number.replace(" ", ""), click.prompt("Name of its holder"))
    try:
        seen = asyncio.run(_sent(config, account, refund, card))
    except ProviderRejected as refused:
        message = f"{refused.code}: {refused.message}"
        raise click.ClickException(message) from None
    click.echo(f"WeChat Pay has taken it: the refund of {seen.amount} is {seen.state}.")


async def _sent(
    config: Path | None, account: str, refund: UUID, card: Card | None
) -> RefundSnapshot:
    configuration = load_configuration(config)
    accounts = configuration.settings.payments.accounts.get("wechatpay", {})
    if account not in accounts:
        known = ", ".join(sorted(accounts)) or "none"
        message = f"there is no account {account!r} at wechatpay; known: {known}"
        raise ConfigurationError(message)
    async with outbound_client(allow=configuration.own_addresses()) as http:
        contexts = ProviderContexts(http=http, clock=SystemClock())
        context = contexts("wechatpay", account, accounts[account].read(Account))
        return await send_elsewhere(context, refund.hex, card)
