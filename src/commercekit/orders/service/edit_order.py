"""Editing a placed order before it ships: units taken off, lines added, another address or freight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.inventory import AllocationPlan, Demand, Destination
from commercekit.kernel import Money
from commercekit.orders.errors import OrderChanged
from commercekit.orders.events import OrderEdited
from commercekit.orders.models import Actor, EditOutcome, Order, OrderChange
from commercekit.orders.rules import (
    check_edit,
    check_open,
    edited_lines,
    freight_difference,
    packed_units,
    plan_withdrawal,
)
from commercekit.orders.service.cancel_lines import CancelLines
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["EditOrders"]

_ATTEMPTS = 3
_NOBODY = Actor("staff")


class _Undo(Exception):
    """Carries what a preview found out of the transaction, which then never was."""

    def __init__(self, outcome: EditOutcome) -> None:
        super().__init__()
        self.outcome = outcome


class _InTheWay(msgspec.Struct, frozen=True):
    """A payment page over another amount than this is open."""

    owed: int


class EditOrders(CancelLines):
    """By staff. Prices come from above: the caller asks for a quote before the transaction."""

    async def preview_edit(self, order_id: UUID, change: OrderChange) -> EditOutcome:
        """What :meth:`edit` would do, refusals included: the very same work, undone.

        Stock is looked at under its locks, so that what is promised here was true a moment ago; no
        gateway is told anything. Raises what :meth:`edit` raises.
        """
        plan = await self._plan_stock(await self.get(order_id), change)

        async def work(uow: UnitOfWork) -> None:
            outcome = await self._edit(
                uow, order_id=order_id, edit_id=None, change=change, plan=plan, actor=_NOBODY
            )
            if isinstance(outcome, EditOutcome):
                raise _Undo(outcome)

        try:
            await self._db.run(work)
        except _Undo as undone:
            return undone.outcome
        raise OrderChanged

    async def edit(
        self,
        order_id: UUID,
        *,
        edit_id: UUID,
        change: OrderChange,
        actor: Actor,
        reason: str,
        expected_version: int | None = None,
    ) -> EditOutcome:
        """Change the order; repeating it with the same ``edit_id`` gives what came of it.

        What becomes cheaper goes back by its original route, what becomes dearer is left to pay, what
        is collected later is collected anew; stock is promised and given back in the same transaction.
        Raises :class:`~commercekit.orders.errors.OrderChanged` when the order is not in
        ``expected_version`` any more, :class:`~commercekit.inventory.OutOfStock`, what
        :meth:`cancel_units` raises, and the refusals of
        :func:`~commercekit.orders.rules.check_edit`.
        """
        plan = await self._plan_stock(await self.get(order_id), change)
        for _ in range(_ATTEMPTS):
            outcome = await self._db.run(
                partial(
                    self._edit,
                    order_id=order_id,
                    edit_id=edit_id,
                    change=change,
                    plan=plan,
                    actor=actor,
                    reason=reason,
                    expected_version=expected_version,
                )
            )
            if isinstance(outcome, EditOutcome):
                failpoint("orders.edited")
                await self._settle_now(order_id)
                return outcome
            # What is refused anyway must not cost the shopper the page that is open.
            await self.preview_edit(order_id, change)
            await self._close_wrong(await self.get(order_id), outcome.owed)
            # Closing a payment is a change of the order as well, and not the one to guard against.
            expected_version = None
        message = "The order is being paid just now; try again in a moment."
        raise OrderChanged(message)

    async def was_edited(self, order_id: UUID, edit_id: UUID) -> bool:
        """Whether this very edit was made; its caller may have lost the answer."""
        return await self._orders.was_decided_by(order_id, edit_id)

    async def _edit(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        edit_id: UUID | None,
        change: OrderChange,
        plan: AllocationPlan,
        actor: Actor,
        reason: str = "",
        expected_version: int | None = None,
    ) -> EditOutcome | _InTheWay:
        """Without an ``edit_id`` it is a preview, which no open payment page is in the way of."""
        order = await self._locked(uow, order_id)
        if edit_id is not None:
            known = await self._orders.outcome_of(order_id, edit_id)
            if known is not None:
                return msgspec.convert(known, EditOutcome)
        if expected_version is not None and order.version != expected_version:
            message = f"Order {order.number} has changed since it was read; read it again."
            raise OrderChanged(message, version=order.version)
        check_open(order)
        shipments = await self._fulfilment.shipments(uow, order.reference)
        packed = packed_units(shipments)
        withdrawals = plan_withdrawal(order, change.take_off, packed=packed)
        taken = await self._claims.is_freight_taken(uow, order.id)
        check_edit(order, change, packed, freight_taken=taken)
        freight = freight_difference(order, change.freight)
        if edit_id is not None:
            less = sum(each.amount for each in withdrawals)
            more = freight.total.amount + (change.added.total.amount if change.added else 0)
            paid = await self._owed_on(uow, order)
            summary = await self._payments.summary(uow, order.reference)
            owed = paid - less + more - summary.authorised
            if await self._open_wrong(uow, order, owed):
                return _InTheWay(owed)
        if withdrawals:
            await self._orders.withdraw(uow, order.id, withdrawals)
        if change.added is not None:
            await self._orders.append_lines(
                uow, order.id, change.add, change.adjustments, change.added
            )
        if change.freight is not None:
            await self._orders.set_freight(uow, order.id, change.freight, freight)
        if change.address is not None:
            await self._orders.set_address(uow, order.id, change.address)
        await self._move_stock(uow, order, change, plan)
        after = await self.get(order.id)
        back = await self._follow_cost(uow, after)
        outcome = await self._outcome(uow, order, after, change, back)
        await self._orders.record(
            uow,
            order.id,
            actor,
            "edited",
            reason=reason,
            details={
                "decision_id": str(edit_id),
                "outcome": msgspec.to_builtins(outcome),
            },
        )
        uow.publish(
            OrderEdited(
                order_id=order.id,
                number=order.number,
                added=_units((line.sku, line.quantity) for line in change.add),
                removed=_units((each.sku, each.quantity) for each in withdrawals),
                due=after.due,
                refunded=back,
                to_pay=outcome.to_pay,
                address_changed=outcome.address_changed,
                freight_changed=outcome.freight_changed,
            )
        )
        fulfilment = await self._derive_fulfilment(uow, after, shipments)
        after = await self.get(order.id)
        await self._complete_if_done(uow, after, fulfilment, after.payment_status, actor)
        return outcome

    async def _outcome(
        self, uow: UnitOfWork, before: Order, after: Order, change: OrderChange, back: Money
    ) -> EditOutcome:
        summary = await self._payments.summary(uow, after.reference)
        given_back = after.given_back + back.amount
        owed = after.due.amount - (summary.captured - given_back) - summary.authorised
        return EditOutcome(
            number=after.number,
            lines=edited_lines(before, after),
            before=before.current_totals,
            after=after.current_totals,
            difference=after.due - before.due,
            refund=back,
            to_pay=Money(max(0, owed), after.currency),
            address_changed=change.address not in (None, before.address),
            freight_changed=change.freight not in (None, before.shipping),
        )

    async def _plan_stock(self, order: Order, change: OrderChange) -> AllocationPlan:
        """Who serves what is added; a plugin may decide, so it is asked before the transaction."""
        address = change.address or order.address
        return await self._inventory.plan(
            [Demand(line.sku, line.quantity) for line in change.add],
            market=order.market,
            destination=Destination(address.country, address.region, address.postcode),
        )

    async def _move_stock(
        self, uow: UnitOfWork, order: Order, change: OrderChange, plan: AllocationPlan
    ) -> None:
        """Only the difference moves: a line that is re-priced keeps the very units it had."""
        wanted: Counter[str] = Counter()
        for line in change.add:
            wanted[line.sku] += line.quantity
        skus = {line.id: line.sku for line in order.lines}
        for line_id, quantity in change.take_off.items():
            wanted[skus[line_id]] -= quantity
        less = [Demand(sku, -quantity) for sku, quantity in sorted(wanted.items()) if quantity < 0]
        more = [Demand(sku, quantity) for sku, quantity in sorted(wanted.items()) if quantity > 0]
        if more:
            await self._inventory.allocate(
                uow, order.reference, more, order.expires_at, market=order.market, plan=plan
            )
        if less:
            await self._inventory.release(uow, order.reference, less, reason="taken off the order")


def _units(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    units: Counter[str] = Counter()
    for sku, quantity in pairs:
        units[sku] += quantity
    return dict(sorted(units.items()))
