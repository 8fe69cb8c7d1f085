"""How much of an order goes back, exact to the cent, and what each cent of it is for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commercekit.kernel import Money, allocate
from commercekit.orders.errors import (
    MoreThanLeft,
    NothingToRefund,
    QuantityOrAmount,
    TooManyUnits,
    UnknownOrderLine,
)
from commercekit.orders.models import (
    AskedLine,
    Order,
    OrderLine,
    PartKind,
    RefundPart,
    RequestedLine,
)

__all__ = [
    "Gone",
    "RefundPlan",
    "gone_of",
    "grant",
    "plan_refund",
    "share_of_line",
    "tax_of_share",
]


class Gone(Struct, frozen=True):
    """What of one line went back, was promised, or is asked for by a claim not decided yet."""

    units: int = 0
    money: int = 0
    tax: int = 0


def gone_of(line: OrderLine) -> Gone:
    """What nobody else may ask back of ``line``."""
    return Gone(line.claimed, line.claimed_amount, line.claimed_tax)


def share_of_line(payable: int, quantity: int, gone: Gone, units: int) -> int:
    """What ``units`` more of a line are worth, in minor units; the last ones get what is left.

    However the units are cut, and whatever was asked and declined in between, the shares of all that
    went back sum to ``payable``. Part of the price that went back before makes the last units cheaper.
    """
    left = payable - gone.money
    if gone.units + units == quantity:
        return left
    return min(left, payable * units // quantity)


def tax_of_share(tax: int, payable: int, gone: Gone, share: int) -> int:
    """The tax in ``share`` of a line; when all of the line goes back, all of its tax does."""
    left = tax - gone.tax
    if gone.money + share == payable:
        return left
    return min(left, tax * share // payable)


class RefundPlan(Struct, frozen=True):
    """How much goes back and what for."""

    amount: int
    lines: list[RequestedLine]
    shipping: bool


def plan_refund(
    order: Order,
    wanted: Sequence[AskedLine],
    *,
    shipping: bool,
    shipping_taken: bool,
    refundable: int,
) -> RefundPlan:
    """The refund of what is ``wanted``, and of the freight if ``shipping``, bounded by what was paid.

    ``refundable`` is what was captured and has not gone back, been promised or been asked for;
    ``shipping_taken`` says that an earlier claim has the freight. Nothing left raises
    :class:`~commercekit.orders.errors.NothingToRefund`, too many units
    :class:`~commercekit.orders.errors.TooManyUnits`, too much of a price
    :class:`~commercekit.orders.errors.MoreThanLeft`, a foreign line
    :class:`~commercekit.orders.errors.UnknownOrderLine`, and a line with both units and an amount, or
    neither, :class:`~commercekit.orders.errors.QuantityOrAmount`.
    """
    units, money = _by_line(order, wanted)
    lines = {line.id: line for line in order.lines}
    asked = [_priced_units(order, lines[line_id], count) for line_id, count in units.items()]
    asked += [_priced_part(order, lines[line_id], part) for line_id, part in money.items()]
    amount = sum(item.amount.amount for item in asked)
    freight = order.shipping if shipping and not shipping_taken else None
    if freight is not None:
        amount += freight.payable
    amount = min(amount, refundable)
    if amount <= 0:
        message = f"Nothing of order {order.number} is left to refund."
        raise NothingToRefund(message, refundable=max(0, refundable))
    return RefundPlan(amount, asked, freight is not None)


def _by_line(order: Order, wanted: Sequence[AskedLine]) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """Units, and amounts, by line; a line that is named twice counts as the sum."""
    known = {line.id for line in order.lines}
    units: dict[UUID, int] = {}
    money: dict[UUID, int] = {}
    for item in wanted:
        if item.line_id not in known:
            message = f"Order {order.number} has no line {item.line_id}."
            raise UnknownOrderLine(message, line_id=str(item.line_id))
        if isinstance(item.quantity, int):
            units[item.line_id] = units.get(item.line_id, 0) + item.quantity
        if isinstance(item.amount, Money):
            if item.amount.currency != order.currency or item.amount.amount <= 0:
                message = f"{item.amount} is no part of a price in {order.currency}."
                raise MoreThanLeft(message, line_id=str(item.line_id))
            money[item.line_id] = money.get(item.line_id, 0) + item.amount.amount
        if (item.line_id in units) == (item.line_id in money):
            message = "Say either how many units come back, or how much of the price."
            raise QuantityOrAmount(message, line_id=str(item.line_id))
    return units, money


def _priced_units(order: Order, line: OrderLine, quantity: int) -> RequestedLine:
    before = gone_of(line)
    left = line.quantity - before.units
    if quantity > left:
        message = (
            f"{quantity} of {line.sku} on order {order.number} were asked back, {left} are left."
        )
        raise TooManyUnits(message, line_id=str(line.id), wanted=quantity, left=left)
    share = share_of_line(line.total.amount, line.quantity, before, quantity)
    return _requested(line, quantity, share, before)


def _priced_part(order: Order, line: OrderLine, amount: int) -> RequestedLine:
    before = gone_of(line)
    left = line.total.amount - before.money
    if amount > left:
        message = (
            f"{Money(amount, order.currency)} of {line.sku} on order {order.number} were asked back, "
            f"{Money(left, order.currency)} are left."
        )
        raise MoreThanLeft(message, line_id=str(line.id), left=Money(left, order.currency))
    return _requested(line, 0, amount, before)


def _requested(line: OrderLine, quantity: int, amount: int, before: Gone) -> RequestedLine:
    tax = tax_of_share(line.tax.amount, line.total.amount, before, amount)
    currency = line.total.currency
    return RequestedLine(line.id, quantity, Money(amount, currency), Money(tax, currency))


def grant(
    order: Order, lines: Sequence[RequestedLine], *, shipping: bool, amount: int
) -> list[RefundPart]:
    """What ``amount`` is for, if it goes back for ``lines`` and, if ``shipping``, the freight.

    Less than they are worth together is spread by largest remainder, so that the parts sum to
    ``amount`` and none exceeds what its line is worth; each takes its share of the tax with it.
    """
    zero = Money.zero(order.currency)
    worth = [
        RefundPart(
            kind=PartKind.ITEM,
            amount=line.amount,
            tax=line.tax or zero,
            line_id=line.line_id,
            quantity=line.quantity,
        )
        for line in lines
    ]
    if shipping and order.shipping is not None:
        worth.append(
            RefundPart(
                kind=PartKind.SHIPPING,
                amount=Money(order.shipping.payable, order.currency),
                tax=Money(order.shipping.tax, order.currency),
            )
        )
    granted = allocate(amount, [part.amount.amount for part in worth])
    return list(map(_given, worth, granted))


def _given(part: RefundPart, amount: int) -> RefundPart:
    """``part`` with ``amount`` of what it is worth, and that share of its tax."""
    whole, tax = part.amount, part.tax
    share = tax.amount * amount // whole.amount if whole else tax.amount
    return replace(part, amount=Money(amount, whole.currency), tax=Money(share, tax.currency))
