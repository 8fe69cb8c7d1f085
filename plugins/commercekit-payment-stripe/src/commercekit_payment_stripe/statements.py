"""The account's balance transactions as the shop's statement of a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from commercekit.errors import CommerceKitError
from commercekit.kernel import Money
from commercekit.payments import StatementKind, StatementLine
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderContext,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit_payment_stripe.client import get, pages
from commercekit_payment_stripe.money import from_units
from commercekit_payment_stripe.snapshots import REFUND, moment, payment_of
from commercekit_payment_stripe.wire import BalanceTransaction, Charge, Metadata

__all__ = ["statement"]

_CATEGORIES: Final = {
    # https://docs.stripe.com/reports/reporting-categories
    "charge": StatementKind.CHARGE,
    "partial_capture_reversal": StatementKind.CHARGE,  # see statement()
    "refund": StatementKind.REFUND,
    "refund_failure": StatementKind.REFUND_REVERSAL,
    "dispute": StatementKind.DISPUTE,
    "dispute_reversal": StatementKind.DISPUTE_REVERSAL,
    "fee": StatementKind.FEE,
    "network_cost": StatementKind.FEE,
    "tax": StatementKind.FEE,
    "payout": StatementKind.PAYOUT,
    "payout_reversal": StatementKind.PAYOUT,
}
_TYPES: Final = {
    # https://docs.stripe.com/reports/balance-transaction-types
    "charge": StatementKind.CHARGE,
    "payment": StatementKind.CHARGE,
    "refund": StatementKind.REFUND,
    "payment_refund": StatementKind.REFUND,
    "refund_failure": StatementKind.REFUND_REVERSAL,
    "stripe_fee": StatementKind.FEE,
    "stripe_fx_fee": StatementKind.FEE,
    "tax_fee": StatementKind.FEE,
    "payout": StatementKind.PAYOUT,
    "payout_cancel": StatementKind.PAYOUT,
    "payout_failure": StatementKind.PAYOUT,
}
"""By type, where the category says nothing or is new."""
_TAKEN_BACK: Final = "partial_capture_reversal"
_OF_PAYMENTS: Final = frozenset(
    {
        StatementKind.CHARGE,
        StatementKind.REFUND,
        StatementKind.REFUND_REVERSAL,
        StatementKind.DISPUTE,
        StatementKind.DISPUTE_REVERSAL,
    }
)


async def statement(ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
    """Every movement on the balance between one midnight and the next, by UTC.

    Where a part of what was held is taken, the vendor may write down all of it and take the rest back:
    that is one capture, and told as one.
    """
    start = datetime.combine(day, time(), UTC)
    until = start + timedelta(days=1)
    within = {"created": {"gte": int(start.timestamp()), "lt": int(until.timestamp())}}
    asked = {**within, "expand": ["data.source"]}
    taken_back: dict[str, StatementLine] = {}
    async for movement in pages(ctx, "/balance_transactions", BalanceTransaction, asked, None):
        try:
            line = await _line(ctx, movement)
        except (ProviderUnavailable, ProviderUnknown, ProviderConfigError):
            raise
        except (CommerceKitError, ValueError, TypeError) as error:
            detail = f"the movement {movement.id} cannot be read: {type(error).__name__}"
            raise ProviderUnknown(detail=detail) from None
        if movement.reporting_category == _TAKEN_BACK and (charge := _charge(movement)):
            taken_back[charge] = line
        elif line.kind is StatementKind.CHARGE and line.provider_ref in taken_back:
            yield _together(line, taken_back.pop(line.provider_ref))
        else:
            yield line
    for line in taken_back.values():
        yield line


def _charge(movement: BalanceTransaction) -> str | None:
    """Of which charge a part is taken back; these lists are newest first, so it comes before it."""
    source = movement.source if isinstance(movement.source, dict) else {}
    charge = source.get("charge", source.get("id"))
    return charge if isinstance(charge, str) else None


def _together(line: StatementLine, back: StatementLine) -> StatementLine:
    fee = line.fee
    if back.fee is not None:
        fee = back.fee if fee is None else fee + back.fee
    settled = line.settled
    if settled is not None and back.settled is not None:
        settled += back.settled
    return replace(line, amount=line.amount + back.amount, fee=fee, settled=settled)


async def _line(ctx: ProviderContext, movement: BalanceTransaction) -> StatementLine:
    category, kind = movement.reporting_category, movement.type
    what = _CATEGORIES.get(category) or _TYPES.get(kind, StatementKind.ADJUSTMENT)
    source = movement.source if isinstance(movement.source, dict) else {}
    settled = from_units(movement.amount, movement.currency)
    amount = _in_the_shoppers_money(movement, source) if what in _OF_PAYMENTS else settled
    metadata = await _metadata(ctx, source) if what in _OF_PAYMENTS else {}
    disputed = what in (StatementKind.DISPUTE, StatementKind.DISPUTE_REVERSAL)
    reference = source.get("id") if source else movement.source
    return StatementLine(
        line_id=movement.id,
        kind=what,
        amount=amount,
        fee=from_units(movement.fee, movement.currency) if movement.fee else None,
        settled=None if amount.currency == settled.currency else settled,
        payment_id=payment_of(metadata),
        refund_id=metadata.get(REFUND),
        dispute_id=str(reference) if disputed and reference else None,
        provider_ref=str(reference) if reference else None,
        text=" · ".join(dict.fromkeys(word for word in (category, kind) if word)),
        occurred_at=moment(movement.created),
    )


def _in_the_shoppers_money(movement: BalanceTransaction, source: dict[str, Any]) -> Money:
    """The movement in the money it was asked for in, which its source tells."""
    currency = source.get("currency")
    if not isinstance(currency, str) or currency == movement.currency:
        return from_units(movement.amount, movement.currency)
    units = msgspec.convert(source.get("amount"), int)
    return from_units(units if movement.amount >= 0 else -units, currency)


async def _metadata(ctx: ProviderContext, source: dict[str, Any]) -> Metadata:
    """Ours, from the source itself or from the charge that it goes back to."""
    own = msgspec.convert(source.get("metadata") or {}, Metadata)
    charge = source.get("charge")
    if payment_of(own) or not isinstance(charge, str):
        return own
    # A dispute, or a refund that was made in the dashboard: there are few of them.
    return (await get(ctx, f"/charges/{charge}", Charge)).value.metadata | own
