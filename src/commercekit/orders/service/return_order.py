"""Returns up to the parcel: asked by the shopper, agreed by staff or rules, and sent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from commercekit.errors import InvalidTransition
from commercekit.fulfilment import ShipmentStatus
from commercekit.kernel import Money
from commercekit.orders.errors import (
    MoreThanAsked,
    OrderChanged,
    ReturnDecided,
    ReturnNotFound,
    TooManyUnits,
)
from commercekit.orders.events import (
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
    ReturnSent,
)
from commercekit.orders.models import (
    RETURN_STATES,
    SHOPS_FAULT,
    Actor,
    AskedLine,
    Fault,
    Order,
    ReasonCode,
    Return,
    ReturnLine,
    ReturnStatus,
    ReturnTerms,
)
from commercekit.orders.rules import (
    claim_of,
    packed_units,
    plan_refund,
    returnable_units,
)
from commercekit.orders.service.refund_order import RefundOrders
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["ReturnOrders", "WantedTerms"]

_DECISIONS = frozenset({ReturnStatus.APPROVED, ReturnStatus.REJECTED, ReturnStatus.WITHDRAWN})


class WantedTerms(Struct, frozen=True, kw_only=True):
    """What staff say about who pays what; what is left out follows from the reason and settings."""

    fault: Fault | None = None
    refund_shipping: bool | None = None
    restocking_basis_points: int | None = None
    return_shipping: Money | None = None


class ReturnOrders(RefundOrders):
    """Goods that were delivered may come back, each unit once, and not if its money went back."""

    async def order_return(self, return_id: UUID, *, reach: Reach = EVERYWHERE) -> Return:
        """One; raises :class:`~commercekit.orders.errors.ReturnNotFound`, beyond ``reach`` too."""
        found = await self._returns.get(return_id, reach=reach)
        if found is None:
            message = "There is no such return."
            raise ReturnNotFound(message)
        return found

    async def returns_of(self, order: Order) -> list[Return]:
        """All returns of an order, oldest first."""
        return await self._returns.of_order(order.id)

    async def returns(
        self,
        *,
        status: str | None = None,
        before: UUID | None = None,
        limit: int = 100,
        reach: Reach = EVERYWHERE,
    ) -> list[Return]:
        """Staff's list, newest first, below ``before``, as far as ``reach`` goes."""
        return await self._returns.find(status=status, before=before, limit=limit, reach=reach)

    async def ask_return(
        self,
        order_id: UUID,
        *,
        return_id: UUID,
        lines: Sequence[AskedLine],
        shipping: bool,
        reason: str,
        reason_code: ReasonCode,
        actor: Actor,
    ) -> Return:
        """Write down that goods are to come back; no rule has seen it yet."""
        await self._db.run(
            partial(
                self._ask_return,
                order_id=order_id,
                return_id=return_id,
                lines=lines,
                shipping=shipping,
                reason=reason,
                reason_code=reason_code,
                actor=actor,
            )
        )
        return await self.order_return(return_id)

    async def _ask_return(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        return_id: UUID,
        lines: Sequence[AskedLine],
        shipping: bool,
        reason: str,
        reason_code: ReasonCode,
        actor: Actor,
    ) -> None:
        order = await self._locked(uow, order_id)
        if await self._returns.get(return_id) is not None:
            return
        summary = await self._payments.summary(uow, order.reference)
        if summary.captured == 0:
            message = f"Nothing was paid on order {order.number} yet."
            raise InvalidTransition(message, payment_status=order.payment_status)
        plan = plan_refund(
            order,
            lines,
            shipping=shipping,
            shipping_taken=await self._claims.is_freight_taken(uow, order_id),
            refundable=summary.kept - await self._waiting(order_id),
        )
        units = {line.line_id: line.quantity for line in plan.lines}
        await self._check_delivered(uow, order, units)
        skus = {line.id: line.sku for line in order.lines}
        zero = Money.zero(order.currency)
        asked = Return(
            id=return_id,
            order_id=order.id,
            order_number=order.number,
            status=ReturnStatus.REQUESTED,
            lines=[
                ReturnLine(
                    line_id=line.line_id,
                    sku=skus[line.line_id],
                    quantity=line.quantity,
                    amount=line.amount,
                    tax=line.tax or zero,
                )
                for line in plan.lines
            ],
            shipping=plan.shipping,
            amount=Money(plan.amount, order.currency),
            reason=reason,
            reason_code=reason_code,
            created_at=self._clock.now(),
        )
        await self._returns.add(uow, asked)
        await self._claim(uow, order, return_id, plan.lines, shipping=plan.shipping)
        await self._record_return(uow, asked, actor, "return-requested", reason=reason)
        uow.publish(
            ReturnRequested(
                order_id=order.id, number=order.number, return_id=return_id, amount=asked.amount
            )
        )

    async def _check_delivered(self, uow: UnitOfWork, order: Order, units: dict[UUID, int]) -> None:
        """Refuse units that the shopper does not have, or may not send back any more."""
        shipments = await self._fulfilment.shipments(uow, order.reference)
        delivered = packed_units(shipments, status=ShipmentStatus.DELIVERED)
        returns = await self._returns.of_order(order.id)
        requests = await self._requests.standing(order.id)
        for line in order.lines:
            wanted = units.get(line.id, 0)
            left = returnable_units(
                line, delivered=delivered[line.id], returns=returns, requests=requests
            )
            if wanted > left:
                message = (
                    f"{wanted} of {line.sku} on order {order.number} were to come back; "
                    f"{left} were delivered and may."
                )
                raise TooManyUnits(message, line_id=str(line.id), wanted=wanted, left=left)

    async def approve_return(
        self,
        return_id: UUID,
        *,
        decision_id: UUID,
        actor: Actor,
        reason: str = "",
        terms: WantedTerms | None = None,
    ) -> Return:
        """Agree; the shopper may send the goods. Repeating it with ``decision_id`` changes nothing.

        Raises :class:`~commercekit.orders.errors.ReturnDecided` for one that was decided before.
        """

        async def work(uow: UnitOfWork) -> None:
            await self._approve_return(
                uow,
                return_id=return_id,
                decision_id=decision_id,
                actor=actor,
                reason=reason,
                terms=terms or WantedTerms(),
            )

        await self._db.run(work)
        return await self.order_return(return_id)

    async def _approve_return(
        self,
        uow: UnitOfWork,
        *,
        return_id: UUID,
        decision_id: UUID,
        actor: Actor,
        reason: str,
        terms: WantedTerms,
    ) -> None:
        asked = await self._ready(uow, return_id, ReturnStatus.APPROVED, decision_id)
        if asked is None:
            return
        agreed = self._terms(asked, terms)
        if not await self._returns.decide(uow, asked, ReturnStatus.APPROVED, actor, reason, agreed):
            raise _changed()
        if not agreed.refund_shipping:
            await self._claims.give_freight_back(uow, asked.order_id, asked.id)
        await self._record_return(
            uow,
            asked,
            actor,
            "return-approved",
            decision_id=decision_id,
            reason=reason,
            fault=agreed.fault.value,
        )
        uow.publish(
            ReturnApproved(order_id=asked.order_id, number=asked.order_number, return_id=asked.id)
        )

    def _terms(self, asked: Return, wanted: WantedTerms) -> ReturnTerms:
        """Who pays what: as staff say, else by the reason and the shop's settings."""
        fault = wanted.fault
        if fault is None:
            fault = Fault.SHOP if asked.reason_code in SHOPS_FAULT else Fault.CUSTOMER
        pays = fault is Fault.CUSTOMER
        points = wanted.restocking_basis_points
        if points is None:
            points = self._settings.restocking_basis_points if pays else 0
        cost = wanted.return_shipping
        if cost is None and pays:
            amount = self._settings.return_shipping.get(asked.amount.currency, 0)
            cost = Money(amount, asked.amount.currency) if amount else None
        if cost is not None and (cost.currency != asked.amount.currency or cost.amount < 0):
            message = f"{cost} is no amount that can come off {asked.amount}."
            raise MoreThanAsked(message, asked=asked.amount)
        freight = wanted.refund_shipping
        return ReturnTerms(
            fault=fault,
            refund_shipping=asked.shipping and (not pays if freight is None else freight),
            restocking_basis_points=points,
            return_shipping=cost,
        )

    async def reject_return(
        self, return_id: UUID, *, decision_id: UUID, actor: Actor, reason: str
    ) -> Return:
        """Decline, with the reason the shopper reads; as repeatable as :meth:`approve_return`."""

        async def work(uow: UnitOfWork) -> None:
            await self._reject_return(
                uow, return_id=return_id, decision_id=decision_id, actor=actor, reason=reason
            )

        await self._db.run(work)
        return await self.order_return(return_id)

    async def _reject_return(
        self, uow: UnitOfWork, *, return_id: UUID, decision_id: UUID, actor: Actor, reason: str
    ) -> None:
        asked = await self._ready(uow, return_id, ReturnStatus.REJECTED, decision_id)
        if asked is None:
            return
        if not await self._returns.decide(uow, asked, ReturnStatus.REJECTED, actor, reason, None):
            raise _changed()
        await self._claims.give_back(uow, asked.order_id, claim_of(asked.lines))
        await self._claims.give_freight_back(uow, asked.order_id, asked.id)
        await self._record_return(
            uow, asked, actor, "return-rejected", decision_id=decision_id, reason=reason
        )
        uow.publish(
            ReturnRejected(order_id=asked.order_id, number=asked.order_number, return_id=asked.id)
        )

    async def send_return(
        self,
        return_id: UUID,
        *,
        operation_id: UUID,
        carrier: str,
        tracking_number: str,
        actor: Actor,
    ) -> Return:
        """The parcel is on its way; raises :class:`~commercekit.errors.InvalidTransition` otherwise."""

        async def work(uow: UnitOfWork) -> None:
            asked = await self._ready(uow, return_id, ReturnStatus.IN_TRANSIT, operation_id)
            if asked is not None:
                await self._send_return(uow, asked, operation_id, carrier, tracking_number, actor)

        await self._db.run(work)
        return await self.order_return(return_id)

    async def _send_return(
        self,
        uow: UnitOfWork,
        asked: Return,
        operation_id: UUID | None,
        carrier: str,
        tracking_number: str,
        actor: Actor,
    ) -> None:
        if not await self._returns.send(uow, asked, carrier, tracking_number):
            raise _changed()
        await self._record_return(uow, asked, actor, "return-sent", decision_id=operation_id)
        uow.publish(
            ReturnSent(order_id=asked.order_id, number=asked.order_number, return_id=asked.id)
        )

    async def _ready(
        self, uow: UnitOfWork, return_id: UUID, wanted: ReturnStatus, operation_id: UUID
    ) -> Return | None:
        """The return, its order locked, if it may take the step; ``None`` if this call took it before."""
        asked = await self.order_return(return_id)
        await uow.lock(str(asked.order_id))
        asked = await self.order_return(return_id)
        if RETURN_STATES.allows(asked.status, wanted):
            return asked
        if await self._orders.was_decided_by(asked.order_id, operation_id):
            return None
        if wanted in _DECISIONS:
            message = f"This return is {asked.status}."
            raise ReturnDecided(message, state=asked.status)
        RETURN_STATES.check(asked.status, wanted)
        return None

    async def _record_return(
        self,
        uow: UnitOfWork,
        asked: Return,
        actor: Actor,
        event: str,
        *,
        decision_id: UUID | None = None,
        reason: str = "",
        **details: str | int,
    ) -> None:
        known: dict[str, str | int] = {"return_id": str(asked.id)}
        if decision_id is not None:
            known["decision_id"] = str(decision_id)
        await self._orders.record(
            uow, asked.order_id, actor, event, reason=reason, details={**known, **details}
        )


def _changed() -> OrderChanged:
    message = "Somebody else was quicker with this return; read it again."
    return OrderChanged(message)
