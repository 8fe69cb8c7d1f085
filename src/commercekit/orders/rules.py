"""Pure decisions about orders: what is derived, what is allowed, how much goes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from commercekit.errors import InvalidTransition
from commercekit.orders.errors import NothingToRefund, TooManyUnits, UnknownOrderLine
from commercekit.orders.models import (
    FulfilmentStatus,
    Order,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    RefundRequestLine,
)

__all__ = [
    "LineProgress",
    "RefundPlan",
    "check_cancellable",
    "derive_fulfilment_status",
    "derive_payment_status",
    "plan_refund",
    "share_of_line",
]


def derive_payment_status(
    *, total: int, pending: bool, authorised: int, captured: int, refunded: int
) -> PaymentStatus:
    """Where the money stands, from sums over all payments of the order, in minor units."""
    if refunded > 0:
        return PaymentStatus.REFUNDED if refunded >= captured else PaymentStatus.PARTIALLY_REFUNDED
    if captured > total:
        return PaymentStatus.OVERPAID
    if captured == total:
        return PaymentStatus.PAID
    if captured > 0:
        return PaymentStatus.PARTIALLY_PAID
    if authorised >= total:
        return PaymentStatus.AUTHORISED
    return PaymentStatus.PENDING if pending else PaymentStatus.UNPAID


class LineProgress(Struct, frozen=True):
    """How far the units of one line have come; each count includes the ones after it."""

    to_ship: int
    """Ordered and not cancelled."""
    shipped: int
    delivered: int
    returned: int


def derive_fulfilment_status(lines: Iterable[LineProgress]) -> FulfilmentStatus:
    """Where the goods stand, from every line that has to travel."""
    wanted = shipped = delivered = returned = 0
    for line in lines:
        wanted += line.to_ship
        shipped += line.shipped
        delivered += line.delivered
        returned += line.returned
    if shipped == 0:
        return FulfilmentStatus.UNFULFILLED
    if returned:
        return (
            FulfilmentStatus.RETURNED if returned >= wanted else FulfilmentStatus.PARTIALLY_RETURNED
        )
    if delivered:
        return (
            FulfilmentStatus.DELIVERED
            if delivered >= wanted
            else FulfilmentStatus.PARTIALLY_DELIVERED
        )
    return FulfilmentStatus.SHIPPED if shipped >= wanted else FulfilmentStatus.PARTIALLY_SHIPPED


def check_cancellable(order: Order) -> None:
    """Raise unless the whole order may still be cancelled: placed, and nothing handed over."""
    if order.status is not OrderStatus.PLACED:
        message = f"Order {order.number} is {order.status} and cannot be cancelled."
        raise InvalidTransition(message, state=order.status, wanted=OrderStatus.CANCELLED)
    if order.fulfilment_status is not FulfilmentStatus.UNFULFILLED:
        message = (
            f"Order {order.number} is {order.fulfilment_status}: goods that left cannot be "
            "cancelled; ask for a refund instead."
        )
        raise InvalidTransition(message, state=order.fulfilment_status, wanted="cancelled")


def share_of_line(payable: int, quantity: int, already: int, units: int) -> int:
    """What ``units`` of a line are worth after ``already`` of them, in minor units.

    Cumulative rounding: however the units are cut, the shares of all of them sum to ``payable``.
    """
    return payable * (already + units) // quantity - payable * already // quantity


class RefundPlan(Struct, frozen=True):
    """How much goes back and what for."""

    amount: int
    units: dict[UUID, int]
    shipping: bool


def plan_refund(
    order: Order,
    wanted: Sequence[RefundRequestLine],
    *,
    shipping: bool,
    shipping_refunded: bool,
    refundable: int,
    requested: Mapping[UUID, int],
) -> RefundPlan:
    """The refund of ``wanted`` units, and of the freight if ``shipping``, bounded by what was paid.

    ``refundable`` is what was captured and has not gone back or been promised; ``requested`` holds
    units of open requests, which count as gone. Nothing left raises
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
    for line_id, quantity in units.items():
        line = lines[line_id]
        gone = line.refunded + requested.get(line_id, 0)
        _check_left(order, line, quantity, gone)
        amount += share_of_line(line.total.amount, line.quantity, gone, quantity)
    if shipping and order.shipping is not None and not shipping_refunded:
        amount += order.shipping.payable
    else:
        shipping = False
    amount = min(amount, refundable)
    if amount <= 0:
        message = f"Nothing of order {order.number} is left to refund."
        raise NothingToRefund(message, refundable=refundable)
    return RefundPlan(amount, units, shipping)


def _check_left(order: Order, line: OrderLine, quantity: int, gone: int) -> None:
    left = line.quantity - gone
    if quantity > left:
        message = (
            f"{quantity} of {line.sku} on order {order.number} were asked back, {left} are left."
        )
        raise TooManyUnits(message, line_id=str(line.id), wanted=quantity, left=left)
