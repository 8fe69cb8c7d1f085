"""Pure decisions about orders: what is derived, what is allowed, how much goes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from commercekit.errors import InvalidTransition
from commercekit.fulfilment import ShipmentStatus, ShipmentView
from commercekit.kernel import Money
from commercekit.orders.errors import (
    NothingToRefund,
    TooManyUnits,
    UnitsBeingPacked,
    UnknownOrderLine,
)
from commercekit.orders.models import (
    FulfilmentStatus,
    Order,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    RefundRequestLine,
    RequestedLine,
)

__all__ = [
    "Gone",
    "LineProgress",
    "RefundPlan",
    "check_cancellable",
    "derive_fulfilment_status",
    "derive_payment_status",
    "packed_units",
    "plan_refund",
    "share_of_line",
    "units_still_here",
]


def derive_payment_status(
    *, total: int, pending: bool, authorised: int, captured: int, refunded: int
) -> PaymentStatus:
    """Where the money stands, from sums over all payments of the order, in minor units.

    What was paid beyond the total and went back leaves no trace here: such an order is paid.
    """
    returned = min(refunded, max(0, captured - total))
    captured, refunded = captured - returned, refunded - returned
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


def check_cancellable(order: Order, shipments: Iterable[ShipmentView] = ()) -> None:
    """Raise unless the whole order may still be cancelled: placed, and nothing handed over.

    A parcel that is being handed over counts as gone: the carrier may have it at this very moment.
    """
    if order.status is not OrderStatus.PLACED:
        message = f"Order {order.number} is {order.status} and cannot be cancelled."
        raise InvalidTransition(message, state=order.status, wanted=OrderStatus.CANCELLED)
    if order.fulfilment_status is not FulfilmentStatus.UNFULFILLED:
        message = (
            f"Order {order.number} is {order.fulfilment_status}: goods that left cannot be "
            "cancelled; ask for a refund instead."
        )
        raise InvalidTransition(message, state=order.fulfilment_status, wanted="cancelled")
    if packed_units(shipments):
        message = (
            f"Order {order.number} is being handed to its carrier; once the shipment is cancelled, "
            "the order can be."
        )
        raise InvalidTransition(message, state="being-shipped", wanted="cancelled")


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


def units_still_here(
    order: Order, wanted: Mapping[UUID, int], packed: Mapping[UUID, int]
) -> dict[UUID, int]:
    """Of ``wanted`` units to refund those that never left: they are cancelled and their stock freed.

    Units on the shelf are taken first, then those that were shipped. ``packed`` units lie in a parcel
    that is neither: giving them back as money and sending them as goods would be one time too many, so
    they raise :class:`~commercekit.orders.errors.UnitsBeingPacked`.
    """
    here: dict[UUID, int] = {}
    for line in order.lines:
        quantity = wanted.get(line.id, 0)
        free = line.open - packed.get(line.id, 0)
        away = line.shipped - (line.refunded - line.cancelled)
        if quantity > free + away:
            message = (
                f"{quantity} of {line.sku} on order {order.number} cannot go back while "
                f"{packed[line.id]} are being handed over; cancel that shipment first."
            )
            raise UnitsBeingPacked(message, line_id=str(line.id))
        if quantity and free:
            here[line.id] = min(quantity, free)
    return here


def packed_units(shipments: Iterable[ShipmentView], *, left: bool | None = None) -> Counter[UUID]:
    """Units in parcels by line: all of them, or those that have ``left``, or have not yet."""
    packed: Counter[UUID] = Counter()
    for shipment in shipments:
        gone = shipment.status is not ShipmentStatus.CREATED
        if shipment.status is not ShipmentStatus.CANCELLED and left in (None, gone):
            for item in shipment.lines:
                packed[item.line_id] += item.quantity
    return packed
