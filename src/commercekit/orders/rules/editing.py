"""What may be edited on a placed order, and what an edit looks like from outside."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from commercekit.kernel import Money
from commercekit.orders.errors import (
    AddressElsewhere,
    NothingToChange,
    NothingWouldRemain,
    OrderNotEditable,
    OrderTooLong,
)
from commercekit.orders.models import (
    EditedLine,
    NewShipping,
    Order,
    OrderChange,
    OrderLine,
    Totals,
)

__all__ = ["MAX_LINES", "check_edit", "edited_lines", "freight_difference"]

MAX_LINES = 400
"""Of one order, with all that edits added and took off."""


def check_edit(
    order: Order, change: OrderChange, packed: Mapping[UUID, int], *, freight_taken: bool = False
) -> None:
    """Raise unless ``change`` changes something and leaves an order.

    The address stays in its country, for which tax and freight were agreed
    (:class:`~commercekit.orders.errors.AddressElsewhere`), and neither it nor freight changes once
    anything is packed (:class:`~commercekit.orders.errors.OrderNotEditable`), nor freight that went back
    or is asked back (``freight_taken``). Taking everything off is a cancellation
    (:class:`~commercekit.orders.errors.NothingWouldRemain`).
    """
    address = change.address
    freight = change.freight if change.freight != order.shipping else None
    stays = not change.take_off and not change.add and freight is None
    if stays and address in (None, order.address):
        message = f"Order {order.number} would stay as it is."
        raise NothingToChange(message)
    if address is not None and address.country != order.address.country:
        message = f"Order {order.number} was agreed for {order.address.country}; place another one."
        raise AddressElsewhere(message, country=order.address.country)
    if address not in (None, order.address) and any(packed.values()):
        message = f"Part of order {order.number} is packed for its address; cancel that shipment."
        raise OrderNotEditable(message, state=order.fulfilment_status, wanted="another-address")
    if freight is not None and any(packed.values()):
        message = f"Part of order {order.number} is packed, for the freight that was agreed."
        raise OrderNotEditable(message, state=order.fulfilment_status, wanted="another-freight")
    if freight is not None and freight_taken:
        message = f"The freight of order {order.number} went back, or is asked back."
        raise OrderNotEditable(message, state=order.payment_status, wanted="another-freight")
    if len(order.lines) + len(change.add) > MAX_LINES:
        message = f"Order {order.number} would have more than {MAX_LINES} lines."
        raise OrderTooLong(message, at_most=MAX_LINES)
    if not change.add and all(_left(line, change) == 0 for line in order.lines):
        message = f"Nothing would be left of order {order.number}; cancel it instead."
        raise NothingWouldRemain(message)


def freight_difference(order: Order, freight: NewShipping | None) -> Totals:
    """By how much the order's sums change when ``freight`` takes the place of what was agreed."""

    def change(before: int, after: int) -> Money:
        return Money(after - before, order.currency)

    def off(shipping: NewShipping) -> int:
        net = shipping.payable if order.prices_include_tax else shipping.payable - shipping.tax
        return shipping.amount - net

    agreed = order.shipping
    if freight is None or agreed == freight:
        zero = Money.zero(order.currency)
        return Totals(items=zero, discount=zero, shipping=zero, tax=zero, total=zero)
    return Totals(
        items=Money.zero(order.currency),
        discount=change(off(agreed) if agreed else 0, off(freight)),
        shipping=change(agreed.amount if agreed else 0, freight.amount),
        tax=change(agreed.tax if agreed else 0, freight.tax),
        total=change(agreed.payable if agreed else 0, freight.payable),
    )


def edited_lines(before: Order, after: Order) -> list[EditedLine]:
    """Every line that stood or stands; the ones that were added come last and have no id yet."""
    stood = {line.id: line.quantity - line.cancelled for line in before.lines}
    return [
        EditedLine(
            line_id=line.id if line.id in stood else None,
            sku=line.sku,
            name=line.name,
            unit_price=line.unit_price,
            before=stood.get(line.id, 0),
            after=line.quantity - line.cancelled,
            total=Money(line.total.amount - line.withdrawn_amount, after.currency),
        )
        for line in after.lines
        if stood.get(line.id, 0) or line.quantity > line.cancelled
    ]


def _left(line: OrderLine, change: OrderChange) -> int:
    return line.quantity - line.cancelled - change.take_off.get(line.id, 0)
