"""Returns from the parcel on: counted, looked into, put back on the shelf, paid back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.inventory import Demand
from commercekit.kernel import Money
from commercekit.orders.errors import MoreThanAsked
from commercekit.orders.events import ReturnClosed, ReturnInspected, ReturnReceived
from commercekit.orders.models import (
    Actor,
    InspectedLine,
    ReceivedLine,
    Return,
    ReturnStatus,
)
from commercekit.orders.rules import count_parcel, inspected, settle_return, unreturned
from commercekit.orders.service.return_order import ReturnOrders
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["ReceiveReturns"]


class ReceiveReturns(ReturnOrders):
    """What staff do once the parcel is here; each step once, whoever presses twice."""

    async def receive_return(
        self,
        return_id: UUID,
        *,
        operation_id: UUID,
        counted: Sequence[ReceivedLine] | None,
        actor: Actor,
    ) -> Return:
        """The parcel is here, with all that was announced or what was ``counted``.

        One of which nobody said that it was sent is taken as sent just now. Raises
        :class:`~commercekit.errors.InvalidTransition` for one that was not approved, or came before.
        """

        async def work(uow: UnitOfWork) -> None:
            asked = await self.order_return(return_id)
            await uow.lock(str(asked.order_id))
            asked = await self.order_return(return_id)
            if asked.status is ReturnStatus.APPROVED:
                await self._send_return(uow, asked, None, "", "", actor)
            ready = await self._ready(uow, return_id, ReturnStatus.RECEIVED, operation_id)
            if ready is None:
                return
            lines = count_parcel(ready, counted)
            await self._returns.receive(uow, ready, lines)
            await self._count_back(uow, ready, {line.line_id: line.quantity for line in lines})
            await self._record_return(
                uow,
                ready,
                actor,
                "return-received",
                decision_id=operation_id,
                units=sum(line.quantity for line in lines),
            )
            uow.publish(
                ReturnReceived(
                    order_id=ready.order_id, number=ready.order_number, return_id=ready.id
                )
            )

        await self._db.run(work)
        return await self.order_return(return_id)

    async def inspect_return(
        self,
        return_id: UUID,
        *,
        operation_id: UUID,
        found: Sequence[InspectedLine],
        location: str | None,
        actor: Actor,
    ) -> Return:
        """Say what became of every unit; the sellable ones are stock at ``location`` from then on.

        Without a location they go back to where they were taken from. Damaged units are written off:
        they left the books when they were sold. Raises
        :class:`~commercekit.orders.errors.CountsDiffer` unless every unit is accounted for, and
        :class:`~commercekit.inventory.UnknownLocation`.
        """

        async def work(uow: UnitOfWork) -> None:
            asked = await self._ready(uow, return_id, ReturnStatus.INSPECTED, operation_id)
            if asked is None:
                return
            lines = inspected(asked, found)
            skus = {line.line_id: line.sku for line in asked.lines}
            before = {line.line_id: line.received or 0 for line in asked.lines}
            await self._returns.inspect(uow, asked, lines, location)
            await self._count_back(
                uow,
                asked,
                {
                    line.line_id: line.sellable + line.damaged - before[line.line_id]
                    for line in lines
                },
            )
            await self._inventory.take_in(
                uow,
                str(asked.order_id),
                sellable=[
                    Demand(skus[line.line_id], line.sellable) for line in lines if line.sellable
                ],
                written_off=[
                    Demand(skus[line.line_id], line.damaged) for line in lines if line.damaged
                ],
                location=location,
                reason=f"return {asked.id}",
            )
            await self._record_return(
                uow,
                asked,
                actor,
                "return-inspected",
                decision_id=operation_id,
                sellable=sum(line.sellable for line in lines),
                damaged=sum(line.damaged for line in lines),
                missing=sum(line.missing for line in lines),
            )
            uow.publish(
                ReturnInspected(
                    order_id=asked.order_id, number=asked.order_number, return_id=asked.id
                )
            )

        await self._db.run(work)
        return await self.order_return(return_id)

    async def close_return(
        self,
        return_id: UUID,
        *,
        operation_id: UUID,
        actor: Actor,
        reason: str = "",
        amount: Money | None = None,
    ) -> Return:
        """Pay back what the inspection and the terms come to, or ``amount`` if that is less.

        Units that never arrived may be asked for again. Repeating it with the same ``operation_id``
        sends nothing twice. Raises :class:`~commercekit.orders.errors.MoreThanAsked`.
        """
        refunds: list[UUID] = []

        async def work(uow: UnitOfWork) -> None:
            refunds.clear()
            asked = await self._ready(uow, return_id, ReturnStatus.CLOSED, operation_id)
            if asked is not None:
                refunds.extend(
                    await self._close_return(uow, asked, operation_id, actor, reason, amount)
                )

        await self._db.run(work)
        if refunds:
            failpoint("orders.return-closed")
        for refund_id in refunds:
            await self._payments.send_refund(refund_id)
        return await self.order_return(return_id)

    async def _close_return(
        self,
        uow: UnitOfWork,
        asked: Return,
        operation_id: UUID,
        actor: Actor,
        reason: str,
        amount: Money | None,
    ) -> list[UUID]:
        order = await self.get(asked.order_id)
        summary = await self._payments.summary(uow, order.reference)
        others = await self._waiting(order.id) - asked.amount.amount
        left = min(asked.amount.amount, summary.kept - others)
        due = settle_return(order, asked, at_most=left)
        if amount is not None:
            most = Money(due.amount, order.currency)
            if amount.currency != order.currency or not 0 <= amount.amount <= due.amount:
                message = f"{amount} is not between nothing and the {most} that are due."
                raise MoreThanAsked(message, asked=most)
            due = settle_return(order, asked, at_most=amount.amount)
        refund = Money(due.amount, order.currency)
        sent: list[UUID] = []
        if due.amount:
            made = await self._payments.create_refunds(
                uow,
                refund_id=asked.id,
                reference=order.reference,
                amount=refund,
                reason=f"return for order {order.number}",
            )
            sent = [one.id for one in made]
        await self._returns.close(uow, asked, refund, due.parts)
        if due.units:
            await self._orders.count_units(uow, order.id, "refunded", due.units)
        if given := unreturned(asked):
            await self._claims.give_back(uow, order.id, given)
        if asked.terms is not None and asked.terms.refund_shipping:
            if due.units:
                await self._claims.mark_freight_refunded(uow, order.id, asked.id)
            else:
                await self._claims.give_freight_back(uow, order.id, asked.id)
        await self._record_return(
            uow,
            asked,
            actor,
            "return-closed",
            decision_id=operation_id,
            reason=reason,
            refund=due.amount,
        )
        uow.publish(
            ReturnClosed(order_id=order.id, number=order.number, return_id=asked.id, refund=refund)
        )
        return sent

    async def _count_back(self, uow: UnitOfWork, asked: Return, units: dict[UUID, int]) -> None:
        """So many units more (or fewer) are back; where the goods stand follows from it."""
        changed = {line_id: count for line_id, count in units.items() if count}
        if not changed:
            return
        await self._orders.count_units(uow, asked.order_id, "returned", changed)
        order = await self.get(asked.order_id)
        shipments = await self._fulfilment.shipments(uow, order.reference)
        await self._derive_fulfilment(uow, order, shipments)
