"""The shopper thinks better of it: a refund request or a return that nobody has decided is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.orders.errors import OrderChanged
from commercekit.orders.events import RefundWithdrawn, ReturnWithdrawn
from commercekit.orders.models import (
    Actor,
    RefundRequest,
    RefundRequestStatus,
    Return,
    ReturnStatus,
)
from commercekit.orders.rules import claim_of
from commercekit.orders.service.review_claims import ReviewClaims

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["WithdrawClaims"]


class WithdrawClaims(ReviewClaims):
    """What was asked is free again, to be asked anew, cancelled or edited; the wish stays on record.

    Whoever decides first wins: rules and staff that come later find a claim that is decided.
    """

    async def withdraw_refund(
        self, request_id: UUID, *, operation_id: UUID, actor: Actor
    ) -> RefundRequest:
        """Take a refund request back; repeating it with the same ``operation_id`` changes nothing.

        Raises :class:`~commercekit.orders.errors.RefundRequestDecided` for one that was decided.
        """

        async def work(uow: UnitOfWork) -> None:
            request = await self.refund_request(request_id)
            order = await self._locked(uow, request.order_id)
            request = await self.refund_request(request_id)
            if await self._is_decided(request, RefundRequestStatus.WITHDRAWN, operation_id):
                return
            if not await self._requests.decide(
                uow,
                request,
                RefundRequestStatus.WITHDRAWN,
                actor,
                "",
                amount=request.amount,
                parts=[],
            ):
                raise OrderChanged
            await self._claims.give_back(uow, order.id, request.lines)
            await self._claims.give_freight_back(uow, order.id, request.id)
            await self._orders.record(
                uow,
                order.id,
                actor,
                "refund-withdrawn",
                details={
                    "refund_request_id": str(request_id),
                    "decision_id": str(operation_id),
                },
            )
            uow.publish(
                RefundWithdrawn(
                    order_id=order.id, number=order.number, refund_request_id=request_id
                )
            )

        await self._db.run(work)
        return await self.refund_request(request_id)

    async def withdraw_return(self, return_id: UUID, *, operation_id: UUID, actor: Actor) -> Return:
        """Take a return back before it was agreed; as repeatable as :meth:`withdraw_refund`.

        Raises :class:`~commercekit.orders.errors.ReturnDecided` for one that was decided: who was told
        to send the goods and does not simply keeps them.
        """

        async def work(uow: UnitOfWork) -> None:
            asked = await self._ready(uow, return_id, ReturnStatus.WITHDRAWN, operation_id)
            if asked is None:
                return
            if not await self._returns.decide(uow, asked, ReturnStatus.WITHDRAWN, actor, "", None):
                raise OrderChanged
            await self._claims.give_back(uow, asked.order_id, claim_of(asked.lines))
            await self._claims.give_freight_back(uow, asked.order_id, asked.id)
            await self._record_return(
                uow, asked, actor, "return-withdrawn", decision_id=operation_id
            )
            uow.publish(
                ReturnWithdrawn(
                    order_id=asked.order_id, number=asked.order_number, return_id=asked.id
                )
            )

        await self._db.run(work)
        return await self.order_return(return_id)
