"""Pure decisions about orders: what is derived, and what is allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from msgspec import Struct

from commercekit.errors import InvalidTransition
from commercekit.fulfilment import ShipmentStatus, ShipmentView
from commercekit.orders.errors import (
    UnitsBeingPacked,
)
from commercekit.orders.models import (
    FulfilmentStatus,
    Order,
    OrderStatus,
    PaymentStatus,
)

__all__ = [
    "LineProgress",
    "check_cancellable",
    "derive_fulfilment_status",
    "derive_payment_status",
    "packed_units",
    "units_still_here",
]


def derive_payment_status(
    *,
    total: int,
    pending: bool,
    authorised: int,
    captured: int,
    refunded: int,
    given_back: int = 0,
) -> PaymentStatus:
    """Where the money stands, from sums over all payments of the order, in minor units.

    ``total`` is what the order costs now. What was paid beyond it and went back leaves no trace here:
    such an order is paid. ``given_back`` is what went back for that reason, when the order cost less
    than it does now.
    """
    returned = min(refunded, max(given_back, captured - total))
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


def units_still_here(
    order: Order,
    wanted: Mapping[UUID, int],
    packed: Mapping[UUID, int],
    *,
    returning: Mapping[UUID, int] | None = None,
) -> dict[UUID, int]:
    """Of ``wanted`` units to refund those that never left: they are cancelled and their stock freed.

    Units on the shelf are taken first, then those that were shipped. ``packed`` units lie in a parcel
    that is neither: giving them back as money and sending them as goods would be one time too many, so
    they raise :class:`~commercekit.orders.errors.UnitsBeingPacked`. ``returning`` units belong to a
    return, which pays for them itself.
    """
    returning = returning or {}
    here: dict[UUID, int] = {}
    for line in order.lines:
        quantity = wanted.get(line.id, 0)
        free = line.open - packed.get(line.id, 0)
        away = line.away - returning.get(line.id, 0)
        if quantity > free + away:
            message = (
                f"{quantity} of {line.sku} on order {order.number} cannot go back while "
                f"{packed.get(line.id, 0)} are being handed over; cancel that shipment first."
            )
            raise UnitsBeingPacked(message, line_id=str(line.id))
        if quantity and free:
            here[line.id] = min(quantity, free)
    return here


def packed_units(
    shipments: Iterable[ShipmentView],
    *,
    left: bool | None = None,
    status: ShipmentStatus | None = None,
) -> Counter[UUID]:
    """Units in parcels by line: all, those that have ``left`` or have not yet, those in a ``status``.

    What was cancelled is in no parcel, nor is what got lost or came back and is to be sent once more.
    """
    packed: Counter[UUID] = Counter()
    for parcel in (parcel for shipment in shipments for parcel in shipment.parcels):
        gone = parcel.status is not ShipmentStatus.CREATED
        mine = parcel.status is not ShipmentStatus.CANCELLED and parcel.sent_again_at is None
        if mine and left in (None, gone) and status in (None, parcel.status):
            for item in parcel.lines:
                packed[item.line_id] += item.quantity
    return packed
