"""Refund requests and returns are reviewed by rules before a person has to look at them.

Asked and written down first, then reviewed outside of any transaction, then decided in one: a process
that dies in between leaves a request that nobody has reviewed, which a job finds.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
    RequestedLine,
    Return,
    ReturnLine,
    Review,
    ReviewOutcome,
)
from commercekit.orders.providers import CaseKind, CaseLine, RefundCase
from commercekit.orders.rules import packed_units
from commercekit.orders.service.receive_return import ReceiveReturns
from commercekit.orders.service.return_order import WantedTerms
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["RULES", "ReviewClaims"]

_logger = logging.getLogger(__name__)

RULES = Actor("system", "refund-rules")
"""Who decided, where rules did."""

_ATTEMPTS = 3
_OVERDUE = timedelta(seconds=30)


Claim = RefundRequest | Return


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where one kind of claim is found and decided."""

    kind: CaseKind
    find: Callable[[UUID], Awaitable[Claim]]
    keep_review: Callable[[UnitOfWork, UUID, UUID, Review], Awaitable[None]]
    approve: Callable[[UnitOfWork, Claim, str], Awaitable[list[UUID]]]
    """The refunds to send."""
    reject: Callable[[UnitOfWork, Claim, str], Awaitable[None]]


class ReviewClaims(ReceiveReturns):
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
        await self._review(self._refund_desk(), request_id)
        return await self.refund_request(request_id)

    async def request_return(
        self,
        order_id: UUID,
        *,
        return_id: UUID,
        lines: Sequence[AskedLine],
        shipping: bool,
        reason: str,
        actor: Actor,
        reason_code: ReasonCode = ReasonCode.OTHER,
    ) -> Return:
        """Ask to send goods back, and have the rules look at it; as repeatable as a refund request.

        Raises :class:`~commercekit.orders.errors.TooManyUnits` for units that were not delivered, or
        that a refund request or another return has, and
        :class:`~commercekit.errors.InvalidTransition` while nothing was captured.
        """
        await self.ask_return(
            order_id,
            return_id=return_id,
            lines=lines,
            shipping=shipping,
            reason=reason,
            reason_code=reason_code,
            actor=actor,
        )
        failpoint("orders.return-requested")
        await self._review(self._return_desk(), return_id)
        return await self.order_return(return_id)

    async def review_overdue(self, limit: int = 100) -> int:
        """Review claims that were left without a review, because a process died; gives how many."""
        if not self._reviewer.rules:
            return 0
        before = self._clock.now() - _OVERDUE
        refunds = await self._requests.unreviewed(before, limit)
        returns = await self._returns.unreviewed(before, limit)
        for desk, found in (
            (self._refund_desk(), refunds),
            (self._return_desk(), returns),
        ):
            for claim_id in found:
                try:
                    await self._review(desk, claim_id)
                except CommerceKitError as error:
                    _logger.warning("%s %s stays unreviewed: %s", desk.kind, claim_id, error)
        return len(refunds) + len(returns)

    async def _review(self, desk: _Desk, claim_id: UUID) -> None:
        """Have the rules look at a claim that they have not seen; one they have is left alone."""
        if not self._reviewer.rules:
            return
        for attempt in range(1, _ATTEMPTS + 1):
            claim = await desk.find(claim_id)
            if not _awaits_review(claim):
                return
            case = await self._case(desk.kind, claim, self._clock.now())
            review = await self._reviewer.review(case)
            failpoint("orders.claim-reviewed")
            refunds = await self._db.run(
                partial(
                    self._book_review,
                    desk=desk,
                    claim_id=claim_id,
                    case=case,
                    review=review,
                    last=attempt == _ATTEMPTS,
                )
            )
            if refunds is not None:
                for refund_id in refunds:
                    await self._payments.send_refund(refund_id)
                return

    async def _book_review(
        self,
        uow: UnitOfWork,
        *,
        desk: _Desk,
        claim_id: UUID,
        case: RefundCase,
        review: Review,
        last: bool,
    ) -> list[UUID] | None:
        """Write down the review and do what it says; the refunds to send.

        ``None`` when something has changed since the rules looked: they have to look again, or, after
        the ``last`` attempt, a person has.
        """
        claim = await desk.find(claim_id)
        order = await self._locked(uow, claim.order_id)
        claim = await desk.find(claim_id)
        if not _awaits_review(claim):
            return []
        if await self._case(desk.kind, claim, case.now) != case:
            if not last:
                return None
            review = _left_to_a_person(review, "the order kept changing")
        refunds: list[UUID] = []
        if review.outcome is not ReviewOutcome.PERSON:
            words = pick(review.reason, [order.locale]) if review.reason else ""
            try:
                async with uow.nested():
                    if review.outcome is ReviewOutcome.APPROVED:
                        refunds = await desk.approve(uow, claim, words)
                    else:
                        await desk.reject(uow, claim, words)
            except Refused as refusal:
                # Such as a gateway that sends nothing back any more: a person finds another way.
                review = _left_to_a_person(review, str(refusal))
        await desk.keep_review(uow, order.id, claim.id, review)
        subject = "refund_request_id" if desk.kind is CaseKind.REFUND else "return_id"
        await self._orders.record(
            uow,
            order.id,
            RULES,
            f"{desk.kind}-reviewed",
            details={
                subject: str(claim_id),
                "outcome": review.outcome.value,
                "decided_by": review.decided_by,
            },
        )
        return refunds

    def _refund_desk(self) -> _Desk:
        async def approve(uow: UnitOfWork, claim: Claim, reason: str) -> list[UUID]:
            return await self._approve(
                uow,
                request_id=claim.id,
                decision_id=claim.id,
                actor=RULES,
                reason=reason,
                amount=None,
            )

        async def reject(uow: UnitOfWork, claim: Claim, reason: str) -> None:
            await self._reject(
                uow, request_id=claim.id, decision_id=claim.id, actor=RULES, reason=reason
            )

        return _Desk(
            CaseKind.REFUND, self.refund_request, self._requests.keep_review, approve, reject
        )

    def _return_desk(self) -> _Desk:
        async def approve(uow: UnitOfWork, claim: Claim, reason: str) -> list[UUID]:
            await self._approve_return(
                uow,
                return_id=claim.id,
                decision_id=claim.id,
                actor=RULES,
                reason=reason,
                terms=WantedTerms(),
            )
            return []

        async def reject(uow: UnitOfWork, claim: Claim, reason: str) -> None:
            await self._reject_return(
                uow, return_id=claim.id, decision_id=claim.id, actor=RULES, reason=reason
            )

        return _Desk(CaseKind.RETURN, self.order_return, self._returns.keep_review, approve, reject)

    async def _case(self, kind: CaseKind, claim: Claim, now: datetime) -> RefundCase:
        """What the rules may look at, as it is now."""
        order = await self.get(claim.order_id)
        shipments = await self._fulfilment.shipments(None, order.reference)
        summary = await self._payments.summary(None, order.reference)
        customer = await self._customers.history(order.email, without=claim.id)
        currency = order.currency
        return RefundCase(
            kind=kind,
            now=now,
            asked_at=claim.created_at,
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
            lines=_case_lines(order, claim.lines, shipments),
            shipping=claim.shipping,
            amount=claim.amount,
            reason_code=claim.reason_code,
            reason=claim.reason,
            delivered_at=_delivered_at(claim.lines, shipments),
            customer=customer,
        )


def _awaits_review(claim: Claim) -> bool:
    return claim.status == "requested" and claim.review is None


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
    order: Order,
    asked: Sequence[RequestedLine] | Sequence[ReturnLine],
    shipments: Sequence[ShipmentView],
) -> tuple[CaseLine, ...]:
    lines = {line.id: line for line in order.lines}
    waiting = packed_units(shipments, left=False)
    delivered = packed_units(shipments, status=ShipmentStatus.DELIVERED)
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
    asked: Sequence[RequestedLine] | Sequence[ReturnLine], shipments: Sequence[ShipmentView]
) -> datetime | None:
    wanted = {item.line_id for item in asked}
    moments = [
        parcel.delivered_at
        for shipment in shipments
        for parcel in shipment.parcels
        if parcel.delivered_at is not None and wanted & {line.line_id for line in parcel.lines}
    ]
    return max(moments, default=None)
