"""How much of an order goes back, exact to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.orders.errors import NothingToRefund, TooManyUnits, UnknownOrderLine
from commercekit.orders.models import Order, OrderLine, RefundRequestLine, RequestedLine

__all__ = ["Gone", "RefundPlan", "plan_refund", "share_of_line"]


class Gone(Struct, frozen=True):
    """What of one line went back, was promised, or is asked for by a request not decided yet."""

    units: int = 0
    money: int = 0


def share_of_line(payable: int, quantity: int, gone: Gone, units: int) -> int:
    """What ``units`` more of a line are worth, in minor units; the last ones get what is left.

    However the units are cut, and whatever was asked and declined in between, the shares of all that
    went back sum to ``payable``.
    """
    if gone.units + units == quantity:
        return payable - gone.money
    return payable * units // quantity


class RefundPlan(Struct, frozen=True):
    """How much goes back and what for."""

    amount: int
    lines: list[RequestedLine]
    shipping: bool


def plan_refund(
    order: Order,
    wanted: Sequence[RefundRequestLine],
    *,
    shipping: bool,
    shipping_refunded: bool,
    refundable: int,
    gone: Mapping[UUID, Gone],
) -> RefundPlan:
    """The refund of ``wanted`` units, and of the freight if ``shipping``, bounded by what was paid.

    ``refundable`` is what was captured and has not gone back or been promised; ``gone`` is what earlier
    requests took of each line. Nothing left raises
    :class:`~commercekit.orders.errors.NothingToRefund`, too many units
    :class:`~commercekit.orders.errors.TooManyUnits`, a foreign line
    :class:`~commercekit.orders.errors.UnknownOrderLine`.
    """
    lines = {line.id: line for line in order.lines}
    units: dict[UUID, int] = {}
    for item in wanted:
        if item.line_id not in lines:
            message = f"Order {order.number} has no line {item.line_id}."
            raise UnknownOrderLine(message, line_id=str(item.line_id))
        units[item.line_id] = units.get(item.line_id, 0) + item.quantity
    amount = 0
    asked: list[RequestedLine] = []
    for line_id, quantity in units.items():
        line, before = lines[line_id], gone.get(line_id, Gone())
        _check_left(order, line, quantity, before.units)
        share = share_of_line(line.total.amount, line.quantity, before, quantity)
        asked.append(RequestedLine(line_id, quantity, Money(share, order.currency)))
        amount += share
    freight = shipping and order.shipping is not None and not shipping_refunded
    if freight and order.shipping is not None:
        amount += order.shipping.payable
    amount = min(amount, refundable)
    if amount <= 0:
        message = f"Nothing of order {order.number} is left to refund."
        raise NothingToRefund(message, refundable=max(0, refundable))
    return RefundPlan(amount, asked, freight)


def _check_left(order: Order, line: OrderLine, quantity: int, gone: int) -> None:
    left = line.quantity - gone
    if quantity > left:
        message = (
            f"{quantity} of {line.sku} on order {order.number} were asked back, {left} are left."
        )
        raise TooManyUnits(message, line_id=str(line.id), wanted=quantity, left=left)
