"""Refund requests and returns are reviewed by rules before a person has to look at them.

Asked and written down first, then reviewed outside of any transaction, then decided in one: a process
that dies in between leaves a request that nobody has reviewed, which a job finds.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec.structs import replace

from commercekit.errors import CommerceKitError, Refused
from commercekit.fulfilment import ShipmentStatus, ShipmentView
from commercekit.kernel import Money, pick
from commercekit.orders.models import (
    Actor,
    AskedLine,
    Opinion,
    Order,
    ReasonCode,
    RefundRequest,
    RefundRequestStatus,
    RequestedLine,
    Review,
    ReviewOutcome,
)
from commercekit.orders.providers import CaseKind, CaseLine, RefundCase
from commercekit.orders.rules import packed_units
from commercekit.orders.service.refund_order import RefundOrders
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["RULES", "ReviewClaims"]

_logger = logging.getLogger(__name__)

RULES = Actor("system", "refund-rules")
"""Who decided, where rules did."""

_ATTEMPTS = 3
_OVERDUE = timedelta(seconds=30)


class ReviewClaims(RefundOrders):
    """Asks the rules, and does what they say if the world is still what they saw."""

    async def request_refund(
        self,
        order_id: UUID,
        *,
        request_id: UUID,
        lines: Sequence[AskedLine],
        shipping: bool,
        reason: str,
        actor: Actor,
        reason_code: ReasonCode = ReasonCode.OTHER,
    ) -> RefundRequest:
        """Ask for money back; ``request_id`` is made before the work and makes repeating harmless.

        The shop's refund rules see it at once and may decide it. Raises
        :class:`~commercekit.errors.InvalidTransition` while nothing was captured,
        :class:`~commercekit.orders.errors.TooManyUnits`,
        :class:`~commercekit.orders.errors.MoreThanLeft` or
        :class:`~commercekit.orders.errors.NothingToRefund`.
        """
        await self.ask_refund(
            order_id,
            request_id=request_id,
            lines=lines,
            shipping=shipping,
            reason=reason,
            actor=actor,
            reason_code=reason_code,
        )
        failpoint("orders.refund-requested")
        await self.review_refund(request_id)
        return await self.refund_request(request_id)

    async def review_refund(self, request_id: UUID) -> None:
        """Have the rules look at a request that they have not seen; one they have is left alone."""
        if not self._reviewer.rules:
            return
        for attempt in range(1, _ATTEMPTS + 1):
            request = await self.refund_request(request_id)
            if not _awaits_review(request):
                return
            case = await self._case(request, self._clock.now())
            review = await self._reviewer.review(case)
            failpoint("orders.refund-reviewed")
            refunds = await self._db.run(
                partial(
                    self._book_review,
                    request_id=request_id,
                    case=case,
                    review=review,
                    last=attempt == _ATTEMPTS,
                )
            )
            if refunds is not None:
                for refund_id in refunds:
                    await self._payments.send_refund(refund_id)
                return

    async def review_overdue(self, limit: int = 100) -> int:
        """Review requests that were left without one, because a process died; gives how many."""
        if not self._reviewer.rules:
            return 0
        found = await self._requests.unreviewed(self._clock.now() - _OVERDUE, limit)
        for request_id in found:
            try:
                await self.review_refund(request_id)
            except CommerceKitError as error:
                _logger.warning("refund request %s stays unreviewed: %s", request_id, error)
        return len(found)

    async def _book_review(
        self, uow: UnitOfWork, *, request_id: UUID, case: RefundCase, review: Review, last: bool
    ) -> list[UUID] | None:
        """Write down the review and do what it says; the refunds to send.

        ``None`` when something has changed since the rules looked: they have to look again, or, after
        the ``last`` attempt, a person has.
        """
        request = await self.refund_request(request_id)
        order = await self._locked(uow, request.order_id)
        request = await self.refund_request(request_id)
        if not _awaits_review(request):
            return []
        if await self._case(request, case.now) != case:
            if not last:
                return None
            review = _left_to_a_person(review, "the order kept changing")
        refunds: list[UUID] = []
        if review.outcome is not ReviewOutcome.PERSON:
            try:
                async with uow.nested():
                    refunds = await self._decide_by_rule(uow, order, request, review)
            except Refused as refusal:
                # Such as a gateway that sends nothing back any more: a person finds another way.
                review = _left_to_a_person(review, str(refusal))
        await self._requests.keep_review(uow, request, review)
        await self._orders.record(
            uow,
            order.id,
            RULES,
            "refund-reviewed",
            details={
                "refund_request_id": str(request_id),
                "outcome": review.outcome.value,
                "decided_by": review.decided_by,
            },
        )
        return refunds

    async def _decide_by_rule(
        self, uow: UnitOfWork, order: Order, request: RefundRequest, review: Review
    ) -> list[UUID]:
        reason = pick(review.reason, [order.locale]) if review.reason else ""
        if review.outcome is ReviewOutcome.APPROVED:
            return await self._approve(
                uow,
                request_id=request.id,
                decision_id=request.id,
                actor=RULES,
                reason=reason,
                amount=None,
            )
        await self._reject(
            uow, request_id=request.id, decision_id=request.id, actor=RULES, reason=reason
        )
        return []

    async def _case(self, request: RefundRequest, now: datetime) -> RefundCase:
        """What the rules may look at, as it is now."""
        order = await self.get(request.order_id)
        shipments = await self._fulfilment.shipments(None, order.reference)
        summary = await self._payments.summary(None, order.reference)
        customer = await self._customers.history(order.email, without=request.id)
        currency = order.currency
        return RefundCase(
            kind=CaseKind.REFUND,
            now=now,
            asked_at=request.created_at,
            order_id=order.id,
            market=order.market,
            currency=currency,
            placed_at=order.placed_at,
            status=order.status,
            payment_status=order.payment_status,
            fulfilment_status=order.fulfilment_status,
            total=order.totals.total,
            captured=Money(summary.captured, currency),
            refunded=Money(summary.refunded + summary.pending_refunds, currency),
            lines=_case_lines(order, request.lines, shipments),
            shipping=request.shipping,
            amount=request.amount,
            reason_code=request.reason_code,
            reason=request.reason,
            delivered_at=_delivered_at(request.lines, shipments),
            customer=customer,
        )


def _awaits_review(request: RefundRequest) -> bool:
    return request.status is RefundRequestStatus.REQUESTED and request.review is None


def _left_to_a_person(review: Review, why: str) -> Review:
    core = Opinion(
        rule="core", plugin="orders", version="", answer="person", reason={"en": why[:500]}
    )
    return replace(
        review,
        outcome=ReviewOutcome.PERSON,
        reason=core.reason,
        opinions=[*review.opinions, core],
    )


def _case_lines(
    order: Order, asked: Sequence[RequestedLine], shipments: Sequence[ShipmentView]
) -> tuple[CaseLine, ...]:
    lines = {line.id: line for line in order.lines}
    waiting = packed_units(shipments, left=False)
    delivered = packed_units(
        shipment for shipment in shipments if shipment.status is ShipmentStatus.DELIVERED
    )
    return tuple(
        CaseLine(
            line_id=item.line_id,
            sku=lines[item.line_id].sku,
            quantity=item.quantity,
            amount=item.amount,
            ordered=lines[item.line_id].quantity,
            shipped=lines[item.line_id].shipped,
            delivered=delivered[item.line_id],
            unshipped=lines[item.line_id].open - waiting[item.line_id],
        )
        for item in asked
    )


def _delivered_at(
    asked: Sequence[RequestedLine], shipments: Sequence[ShipmentView]
) -> datetime | None:
    wanted = {item.line_id for item in asked}
    moments = [
        shipment.delivered_at
        for shipment in shipments
        if shipment.delivered_at is not None and wanted & {line.line_id for line in shipment.lines}
    ]
    return max(moments, default=None)
