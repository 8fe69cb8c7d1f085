"""The sandbox's statement of a day: every movement, what it costs, and what is paid out."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from commercekit.kernel import Money, round_half_up
from commercekit.payments import StatementKind, StatementLine
from commercekit_payment_sandbox import repository

if TYPE_CHECKING:
    from commercekit_payment_sandbox.bank import Bank
    from commercekit_payment_sandbox.models import Movement

__all__ = ["statement"]

_MILLION = 1_000_000
_PART = 500


async def statement(bank: Bank, account: str, day: date) -> AsyncIterator[StatementLine]:
    """What moved on ``day`` (UTC), in the order it did, and the payout of what is left of it."""
    start = datetime.combine(day, time(), UTC)
    end = start + timedelta(days=1)
    net: Counter[str] = Counter()
    after = None
    while True:
        part = await repository.movements(bank.ctx.db, account, start, end, after, _PART)
        for movement in part:
            line = _line(movement, bank.settings.fee_ppm)
            net[line.amount.currency] += line.amount.amount - (line.fee.amount if line.fee else 0)
            yield line
        if len(part) < _PART:
            break
        after = part[-1].id
    for currency, amount in sorted(net.items()):
        if amount > 0:
            batch = f"sbp_{account}_{day:%Y%m%d}_{currency}"
            yield StatementLine(
                line_id=batch,
                kind=StatementKind.PAYOUT,
                amount=Money(-amount, currency),
                batch=batch,
                text=f"payout of {day}",
                occurred_at=end - timedelta(seconds=1),
            )


def _line(movement: Movement, fee_ppm: int) -> StatementLine:
    money = Money(movement.amount, movement.currency)
    fee = None
    if movement.kind is StatementKind.CHARGE and fee_ppm:
        fee = Money(round_half_up(Fraction(money.amount * fee_ppm, _MILLION)), money.currency)
    refund, dispute = movement.refund_id, movement.dispute_id
    return StatementLine(
        line_id=f"sbm_{movement.id.hex}",
        kind=movement.kind,
        amount=money,
        fee=fee,
        payment_id=movement.charge_id.hex,
        refund_id=None if refund is None else refund.hex,
        dispute_id=None if dispute is None else f"sbd_{dispute.hex[-12:]}",
        provider_ref=f"sbx_{movement.charge_id.hex[-12:]}",
        occurred_at=movement.at,
    )
