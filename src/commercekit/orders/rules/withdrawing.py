"""Taking units off an order before they ship: how many may go, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from commercekit.errors import InvalidTransition
from commercekit.orders.errors import (
    TooManyUnits,
    UnitsAskedBack,
    UnitsBeingPacked,
    UnknownOrderLine,
)
from commercekit.orders.models import Order, OrderLine, OrderStatus
from commercekit.orders.rules.refunds import gone_of, share_of_line, tax_of_share

__all__ = ["Withdrawal", "check_open", "plan_withdrawal"]


def check_open(order: Order) -> None:
    """Raise unless units may still be taken off the order, or added to it."""
    if order.status is not OrderStatus.PLACED:
        message = f"Order {order.number} is {order.status} and can no longer be changed."
        raise InvalidTransition(message, state=order.status, wanted="changed")


class Withdrawal(Struct, frozen=True):
    """Units of one line that are taken off the order, and what they cost."""

    line_id: UUID
    sku: str
    quantity: int
    amount: int
    """Their share of what the line costs, discounts and tax included, in minor units."""
    tax: int
    """Their share of the line's tax."""


def plan_withdrawal(
    order: Order, wanted: Mapping[UUID, int], *, packed: Mapping[UUID, int]
) -> list[Withdrawal]:
    """Take ``wanted`` units off ``order``; discounts stay where they were put when it was placed.

    ``packed`` units lie in parcels, whether or not those have left. However the units are cut, their
    amounts sum to what the line costs, whatever of it went back before. Raises
    :class:`~commercekit.orders.errors.UnknownOrderLine`,
    :class:`~commercekit.orders.errors.UnitsBeingPacked`,
    :class:`~commercekit.orders.errors.UnitsAskedBack` or
    :class:`~commercekit.orders.errors.TooManyUnits`.
    """
    lines = {line.id: line for line in order.lines}
    withdrawals: list[Withdrawal] = []
    for line_id, quantity in wanted.items():
        line = lines.get(line_id)
        if line is None:
            message = f"Order {order.number} has no line {line_id}."
            raise UnknownOrderLine(message, line_id=str(line_id))
        _check_withdrawable(order, line, quantity, packed.get(line_id, 0))
        before = gone_of(line)
        amount = share_of_line(line.total.amount, line.quantity, before, quantity)
        tax = tax_of_share(line.tax.amount, line.total.amount, before, amount)
        withdrawals.append(Withdrawal(line_id, line.sku, quantity, amount, tax))
    return withdrawals


def _check_withdrawable(order: Order, line: OrderLine, quantity: int, packed: int) -> None:
    """``packed`` covers parcels that left as well, and so does ``line.shipped``: count them once."""
    left = line.quantity - line.cancelled - max(packed, line.shipped)
    free = min(left, line.quantity - line.claimed)
    if quantity <= free:
        return
    told = {"line_id": str(line.id), "wanted": quantity, "left": max(0, free)}
    if quantity <= left:
        message = (
            f"{quantity} of {line.sku} cannot be taken off order {order.number}: refund requests ask "
            f"for all but {max(0, free)} of them; decide those first."
        )
        raise UnitsAskedBack(message, **told)
    if quantity <= line.quantity - line.cancelled:
        message = (
            f"{quantity} of {line.sku} cannot be taken off order {order.number}: "
            f"{left} are not in a shipment. Cancel the shipment, or ask for a refund."
        )
        raise UnitsBeingPacked(message, **told)
    message = f"{quantity} of {line.sku} cannot be taken off order {order.number}: {left} are left."
    raise TooManyUnits(message, **told)
