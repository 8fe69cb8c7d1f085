"""A cancelled order owes nothing more: what was still asked back on it is closed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import pick
from commercekit.orders.models import Actor, RefundRequest, RefundRequestStatus
from commercekit.orders.service.withdraw_claims import WithdrawClaims

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["EndClaims", "ended_with_its_order"]

_CANCELLED = Actor("system", "order-cancelled")
_WHY = {
    "en": "the order was cancelled, and all that was paid goes back",
    "zh": "订单已取消，已付款项全部退回",
}


class EndClaims(WithdrawClaims):
    """Part of cancelling a whole order. Returns need no end: what was delivered is not cancelled."""

    async def end_claims(self, uow: UnitOfWork, order_id: UUID) -> None:
        """Close the refund requests that nobody has decided, in the transaction that cancels."""
        order = await self.get(order_id)
        for request in await self._requests.standing(order_id):
            if request.status is RefundRequestStatus.REQUESTED:
                await self._reject(
                    uow,
                    request_id=request.id,
                    decision_id=request.id,
                    actor=_CANCELLED,
                    reason=pick(_WHY, [order.locale]),
                )


def ended_with_its_order(request: RefundRequest) -> bool:
    """Whether it was closed like this: the shopper hears of the cancellation, and of nothing else."""
    return request.decided_by == _CANCELLED.id
