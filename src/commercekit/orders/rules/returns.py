"""How many units may come back, and what goes back for what arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commercekit.kernel import Money, allocate
from commercekit.orders.errors import CountsDiffer, MoreThanReturned, UnknownOrderLine
from commercekit.orders.models import (
    STANDING_RETURNS,
    UNMADE_RETURNS,
    Fault,
    InspectedLine,
    Order,
    OrderLine,
    PartKind,
    ReceivedLine,
    RefundPart,
    RefundRequest,
    RefundRequestStatus,
    RequestedLine,
    Return,
    ReturnLine,
    ReturnStatus,
)

__all__ = [
    "Settlement",
    "claim_of",
    "count_parcel",
    "inspected",
    "returnable_units",
    "settle_return",
    "uncounted",
    "units_in_returns",
    "units_refunded_away",
    "unreturned",
    "waiting_for",
]


def units_in_returns(returns: Iterable[Return]) -> Counter[UUID]:
    """Units that are on their way back, or came back: nobody else may ask for them."""
    units: Counter[UUID] = Counter()
    for one in returns:
        if one.status in UNMADE_RETURNS:
            continue
        for line in one.lines:
            missing = (line.missing or 0) if one.status is ReturnStatus.CLOSED else 0
            units[line.line_id] += line.quantity - missing
    return units


def units_refunded_away(line: OrderLine, requests: Iterable[RefundRequest]) -> int:
    """Units that left and whose money went back, or may, without their coming back.

    A request takes units on the shelf first; what it asks beyond them has left.
    """
    decided = undecided = 0
    for request in requests:
        for item in request.lines:
            if item.line_id != line.id:
                continue
            if request.status is RefundRequestStatus.APPROVED:
                decided += item.quantity
            elif request.status is RefundRequestStatus.REQUESTED:
                undecided += item.quantity
    return max(0, decided - (line.cancelled - line.withdrawn)) + max(
        0, undecided - max(0, line.open)
    )


def returnable_units(
    line: OrderLine,
    *,
    delivered: int,
    returns: Sequence[Return],
    requests: Sequence[RefundRequest],
) -> int:
    """How many units of ``line`` the shopper has and may still send back."""
    taken = units_in_returns(returns)[line.id] + units_refunded_away(line, requests)
    return max(0, min(delivered - taken, line.quantity - line.claimed))


def claim_of(lines: Iterable[ReturnLine]) -> list[RequestedLine]:
    """What a return holds of its order's lines."""
    return [RequestedLine(line.line_id, line.quantity, line.amount, line.tax) for line in lines]


def count_parcel(asked: Return, counted: Sequence[ReceivedLine] | None) -> list[ReceivedLine]:
    """What was in the parcel: all that was announced, or what staff counted; others are nothing.

    A line that was not announced raises :class:`~commercekit.orders.errors.UnknownOrderLine`, more than
    was announced :class:`~commercekit.orders.errors.MoreThanReturned`.
    """
    if counted is None:
        return [ReceivedLine(line.line_id, line.quantity) for line in asked.lines]
    units: Counter[UUID] = Counter()
    announced = {line.line_id: line for line in asked.lines}
    for item in counted:
        if item.line_id not in announced:
            message = f"This return has no line {item.line_id}."
            raise UnknownOrderLine(message, line_id=str(item.line_id))
        units[item.line_id] += item.quantity
    for line_id, quantity in units.items():
        line = announced[line_id]
        if quantity > line.quantity:
            message = f"{quantity} of {line.sku} came back, {line.quantity} were announced."
            raise MoreThanReturned(message, line_id=str(line_id), announced=line.quantity)
    return [ReceivedLine(line.line_id, units[line.line_id]) for line in asked.lines]


def inspected(asked: Return, found: Sequence[InspectedLine]) -> list[InspectedLine]:
    """What became of every unit, each line once; the numbers sum to what was announced.

    Raises :class:`~commercekit.orders.errors.CountsDiffer` otherwise.
    """
    by_line: dict[UUID, InspectedLine] = {}
    for item in found:
        if item.line_id in by_line or item.line_id not in {line.line_id for line in asked.lines}:
            message = f"This return has no line {item.line_id}, or it was named twice."
            raise UnknownOrderLine(message, line_id=str(item.line_id))
        by_line[item.line_id] = item
    for line in asked.lines:
        item = by_line.get(line.line_id, InspectedLine(line_id=line.line_id))
        total = item.sellable + item.damaged + item.missing
        if total != line.quantity:
            message = (
                f"{line.quantity} of {line.sku} were announced; {item.sellable} sellable, "
                f"{item.damaged} damaged and {item.missing} missing are {total}."
            )
            raise CountsDiffer(message, line_id=str(line.line_id), announced=line.quantity)
    return [by_line[line.line_id] for line in asked.lines]


class Settlement(Struct, frozen=True):
    """What goes back, and what each cent of it is for; the parts sum to ``amount``."""

    amount: int
    parts: list[RefundPart]
    units: dict[UUID, int]
    """Refunded units by line."""


def settle_return(order: Order, asked: Return, *, at_most: int) -> Settlement:
    """The refund of an inspected return by its terms, and not more than ``at_most``.

    Sellable units are refunded, damaged ones where the fault is the shop's, missing ones never. Each
    line's worth was frozen when the return was asked and is cut by largest remainder. Fees come off,
    but never make the shopper pay.
    """
    terms = asked.terms
    if terms is None:  # there are terms from the approval on
        message = "this return has no terms"
        raise ValueError(message)
    currency = order.currency
    parts: list[RefundPart] = []
    fees: list[RefundPart] = []
    units: dict[UUID, int] = {}
    for line in asked.lines:
        count = (line.sellable or 0) + ((line.damaged or 0) if terms.fault is Fault.SHOP else 0)
        if not count:
            continue
        units[line.line_id] = count
        worth = _share(line.amount, count, line.quantity)
        tax = _share(line.tax, count, line.quantity)
        parts.append(
            RefundPart(
                kind=PartKind.ITEM, amount=worth, tax=tax, line_id=line.line_id, quantity=count
            )
        )
        kept = Fraction(terms.restocking_basis_points, 10_000)
        if fee := worth.portion(kept):
            fees.append(
                RefundPart(
                    kind=PartKind.RESTOCKING,
                    amount=-fee,
                    tax=-tax.portion(kept),
                    line_id=line.line_id,
                )
            )
    if units and asked.shipping and terms.refund_shipping and order.shipping is not None:
        parts.append(
            RefundPart(
                kind=PartKind.SHIPPING,
                amount=Money(order.shipping.payable, currency),
                tax=Money(order.shipping.tax, currency),
            )
        )
    if terms.return_shipping:
        zero = Money.zero(currency)
        fees.append(
            RefundPart(kind=PartKind.RETURN_SHIPPING, amount=-terms.return_shipping, tax=zero)
        )
    return _bounded(parts, fees, units, at_most)


def _share(whole: Money, count: int, of: int) -> Money:
    return whole.allocate([count, of - count])[0]


def _bounded(
    parts: list[RefundPart], fees: list[RefundPart], units: dict[UUID, int], at_most: int
) -> Settlement:
    gross = sum(part.amount.amount for part in parts)
    kept: list[RefundPart] = []
    left = gross
    for fee in fees:
        taken = min(left, -fee.amount.amount)
        if taken:
            kept.append(_scaled(fee, -taken))
            left -= taken
    amount = max(0, min(left, at_most))
    if not amount:
        return Settlement(0, [], units)
    granted = allocate(gross - left + amount, [part.amount.amount for part in parts])
    scaled = [_scaled(part, given) for part, given in zip(parts, granted, strict=True)]
    return Settlement(amount, [*scaled, *kept], units)


def _scaled(part: RefundPart, amount: int) -> RefundPart:
    """``part`` with less money, and as much less tax."""
    whole = part.amount.amount
    if amount == whole:
        return part
    tax = abs(part.tax.amount) * abs(amount) // abs(whole)
    currency = part.amount.currency
    return replace(
        part,
        amount=Money(amount, currency),
        tax=Money(tax if amount >= 0 else -tax, currency),
    )


def unreturned(asked: Return) -> list[RequestedLine]:
    """What a closed return no longer holds: units that did not arrive may be asked for again."""
    given: list[RequestedLine] = []
    for line in asked.lines:
        if missing := line.missing or 0:
            here = line.quantity - missing
            given.append(
                RequestedLine(
                    line.line_id,
                    missing,
                    line.amount - _share(line.amount, here, line.quantity),
                    line.tax - _share(line.tax, here, line.quantity),
                )
            )
    return given


def waiting_for(returns: Iterable[Return]) -> int:
    """The money that returns which are not closed may ask for."""
    return sum(one.amount.amount for one in returns if one.status in STANDING_RETURNS)


def uncounted(returns: Iterable[Return]) -> Mapping[UUID, int]:
    """Units in returns that are not (yet) counted as refunded on their lines."""
    units = units_in_returns(returns)
    for one in returns:
        for part in one.parts:
            if part.kind is PartKind.ITEM and part.line_id is not None:
                units[part.line_id] -= part.quantity
    return units
