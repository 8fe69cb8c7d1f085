"""Money that was to go back and did not: the order says so, and the shopper hears that it takes longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.kernel import Money
from commercekit.orders.events import OrderRefundDelayed
from commercekit.orders.models import Actor
from commercekit.orders.service.follow_facts import FollowFacts
from commercekit.payments import RefundFailed, RefundNeedsAttention

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["FollowRefunds"]

_GATEWAY = Actor("system", "payments")


class FollowRefunds(FollowFacts):
    """Derives what a refund that went wrong changes; staff mend it at ``/admin/refunds``."""

    async def follow_refund_trouble(
        self, uow: UnitOfWork, fact: RefundFailed | RefundNeedsAttention
    ) -> None:
        """A refund failed, perhaps after it had succeeded, or only a person can finish it."""
        await self.follow_payment(uow, fact.reference)
        order = await self._order_of(uow, fact.reference)
        if order is None:
            return
        had_succeeded = isinstance(fact, RefundFailed) and fact.reversed_after_success
        amount = Money(fact.amount, fact.currency)
        failed = isinstance(fact, RefundFailed)
        await self._orders.record(
            uow,
            order.id,
            _GATEWAY,
            "refund-failed" if failed else "refund-needs-attention",
            details={
                "refund_id": str(fact.refund_id),
                "amount": amount.amount,
                "code": fact.code,
                "had_succeeded": had_succeeded,
            },
        )
        uow.publish(
            OrderRefundDelayed(
                order_id=order.id,
                number=order.number,
                refund_id=fact.refund_id,
                amount=amount,
                code=fact.code,
                had_succeeded=had_succeeded,
            )
        )
