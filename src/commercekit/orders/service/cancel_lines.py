"""Cancelling part of an order: units of its lines, before they are in a shipment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.inventory import Demand
from commercekit.orders.errors import OrderChanged
from commercekit.orders.events import OrderLinesCancelled
from commercekit.orders.models import (
    Actor,
    Order,
    OrderStatus,
    RefundRequestLine,
)
from commercekit.orders.rules import (
    Withdrawal,
    check_open,
    packed_units,
    plan_withdrawal,
)
from commercekit.orders.service.cancel_order import CancelOrders
from commercekit.orders.service.settle_money import SettleMoney
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["CancelLines"]

_ATTEMPTS = 3


class _IsWhole(Exception):
    """Nothing would be left of the order: that is a cancellation of the whole."""


class CancelLines(CancelOrders, SettleMoney):
    """By staff; the shopper cancels the whole order, or asks for a refund."""

    async def cancel_units(
        self,
        order_id: UUID,
        *,
        cancellation_id: UUID,
        units: Sequence[RefundRequestLine],
        actor: Actor,
        reason: str,
    ) -> Order:
        """Take ``units`` off the order; repeating it with the same ``cancellation_id`` takes no more.

        Each unit costs its share of the line as it was agreed, discounts included; promotions are not
        tried again. Stock is given back, what was paid too much goes back by its original route, and
        what is still to be paid becomes less. When nothing is left the whole order is cancelled, its
        freight included. Raises :class:`~commercekit.orders.errors.UnitsBeingPacked` for units in a
        shipment, :class:`~commercekit.orders.errors.UnitsAskedBack`,
        :class:`~commercekit.orders.errors.TooManyUnits`, and
        :class:`~commercekit.errors.Unavailable` when a gateway does not say that a payment page over the
        old amount is closed: nothing is cancelled then.
        """
        wanted: Counter[UUID] = Counter()
        for unit in units:
            wanted[unit.line_id] += unit.quantity
        try:
            await self._take_off(order_id, cancellation_id, wanted, actor, reason)
        except _IsWhole:
            return await self.cancel(order_id, actor, reason)
        failpoint("orders.lines-cancelled")
        await self._settle_now(order_id)
        return await self.get(order_id)

    async def _take_off(
        self,
        order_id: UUID,
        cancellation_id: UUID,
        wanted: Counter[UUID],
        actor: Actor,
        reason: str,
    ) -> None:
        """Close what asks for the old amount, then take off; again if a page was opened meanwhile."""
        for _ in range(_ATTEMPTS):
            owed = await self._db.run(
                partial(
                    self._withdraw_units,
                    order_id=order_id,
                    cancellation_id=cancellation_id,
                    wanted=wanted,
                    actor=actor,
                    reason=reason,
                )
            )
            if owed is None:
                return
            await self._close_wrong(await self.get(order_id), owed)
        message = "The order is being paid just now; try again in a moment."
        raise OrderChanged(message)

    async def _withdraw_units(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        cancellation_id: UUID,
        wanted: Counter[UUID],
        actor: Actor,
        reason: str,
    ) -> int | None:
        """Everything in one transaction; gives what would be owed while a payment page is in the way."""
        order = await self._locked(uow, order_id)
        if await self._orders.was_decided_by(order_id, cancellation_id):
            return None
        if order.status is OrderStatus.CANCELLED:
            raise _IsWhole
        check_open(order)
        shipments = await self._fulfilment.shipments(uow, order.reference)
        withdrawals = plan_withdrawal(order, wanted, packed=packed_units(shipments))
        if _leaves_nothing(order, wanted):
            raise _IsWhole
        less = sum(each.amount for each in withdrawals)
        summary = await self._payments.summary(uow, order.reference)
        owed = order.due.amount - less - (summary.captured - order.given_back) - summary.authorised
        if await self._open_wrong(uow, order, owed):
            return owed
        await self._orders.withdraw(uow, order.id, withdrawals)
        await self._inventory.release(
            uow,
            order.reference,
            [Demand(each.sku, each.quantity) for each in withdrawals],
            reason="cancelled before shipping",
        )
        after = await self.get(order.id)
        back = await self._follow_cost(uow, after)
        await self._orders.record(
            uow,
            order.id,
            actor,
            "lines-cancelled",
            reason=reason,
            details={
                "decision_id": str(cancellation_id),
                "lines": _told(withdrawals),
                "amount": less,
                "refunded": back.amount,
            },
        )
        uow.publish(
            OrderLinesCancelled(
                order_id=order.id,
                number=order.number,
                units={each.sku: each.quantity for each in _by_sku(withdrawals)},
                due=after.due,
                refunded=back,
            )
        )
        fulfilment = await self._derive_fulfilment(uow, after, shipments)
        after = await self.get(order.id)
        await self._complete_if_done(uow, after, fulfilment, after.payment_status, actor)
        return None


def _leaves_nothing(order: Order, wanted: Counter[UUID]) -> bool:
    """Whether no unit would be left, neither to ship nor shipped."""
    return all(line.quantity - line.cancelled == wanted[line.id] for line in order.lines)


def _by_sku(withdrawals: Sequence[Withdrawal]) -> list[Demand]:
    units: Counter[str] = Counter()
    for each in withdrawals:
        units[each.sku] += each.quantity
    return [Demand(sku, quantity) for sku, quantity in sorted(units.items())]


def _told(withdrawals: Sequence[Withdrawal]) -> list[dict[str, str | int]]:
    return [
        {"line_id": str(each.line_id), "quantity": each.quantity, "amount": each.amount}
        for each in withdrawals
    ]
