"""Whether a slip adds up with what its collector still has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from commercekit.kernel import Money
from commercekit.payments.errors import (
    HandInDiffers,
    MoreThanHeld,
    NotCollectable,
    PaymentTwice,
)
from commercekit.payments.models import CashHeld, HandInLine, HandInWish

__all__ = ["plan_hand_in"]


def plan_hand_in(
    wanted: Sequence[HandInWish],
    held: Mapping[UUID, CashHeld],
    *,
    place: tuple[str, str],
    amount: Money,
    fee: Money,
) -> list[HandInLine]:
    """What each payment gets of ``amount`` and ``fee``, to the last unit.

    ``held`` knows every payment that is ``wanted``; ``place`` is the gateway and account of the slip.
    Raises :class:`~commercekit.payments.NotCollectable` for a payment of another one,
    :class:`~commercekit.payments.MoreThanHeld` for more than is left of one,
    :class:`~commercekit.payments.PaymentTwice`, and :class:`~commercekit.payments.HandInDiffers`
    unless the lines sum to the amount and the fee.
    """
    lines: dict[UUID, HandInLine] = {}
    for wish in wanted:
        cash = held[wish.payment_id]
        if cash.id in lines:
            raise PaymentTwice(cash.id)
        if (cash.gateway, cash.account) != place:
            message = f"Payment {cash.id} was collected for {cash.gateway}/{cash.account}."
            raise NotCollectable(message, gateway=cash.gateway, account=cash.account)
        part = cash.left if wish.amount is None else wish.amount
        if part.currency != cash.left.currency or not 0 < part.amount <= cash.left.amount:
            raise MoreThanHeld(cash.id, cash.left)
        lines[cash.id] = HandInLine(payment_id=cash.id, reference=cash.reference, amount=part)
    currencies = {line.amount.currency for line in lines.values()} | {fee.currency}
    if currencies != {amount.currency}:
        raise HandInDiffers(amount, None)
    total = Money.total((line.amount for line in lines.values()), amount.currency)
    if amount.amount < 0 or fee.amount < 0 or total != amount + fee:
        raise HandInDiffers(amount + fee, total)
    return list(lines.values())
