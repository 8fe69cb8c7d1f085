"""Everything about payments that changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Page, PageRequest
from commercekit.payments.errors import PaymentNotFound, RefundNotFound
from commercekit.payments.models import (
    Attention,
    AttentionKind,
    Dispute,
    GatewayUse,
    HistoryEntry,
    LedgerEntry,
    Payment,
    PaymentSummary,
    Refund,
)
from commercekit.payments.service.desk import Desk
from commercekit.platform.security import (
    EVERYWHERE,
    NothingReached,
    ReferencesWithin,
    narrowed_page,
)

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["ReadPayments"]


class ReadPayments:
    """Payments, refunds, their sums, their histories, and what waits for a person."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._references: ReferencesWithin = NothingReached()

    def know_references(self, known: ReferencesWithin) -> None:
        """Whom to ask what a reference is, for staff who are limited; until then they reach nothing."""
        self._references = known

    async def payment(self, payment_id: UUID, *, reach: Reach = EVERYWHERE) -> Payment:
        """One payment, or :class:`~commercekit.payments.PaymentNotFound`, beyond ``reach`` too."""
        found = await self._desk.payment(payment_id)
        if not await self._reaches(found.reference, reach):
            raise PaymentNotFound(payment_id)
        return found

    async def refund(self, refund_id: UUID, *, reach: Reach = EVERYWHERE) -> Refund:
        """One refund, or :class:`~commercekit.payments.RefundNotFound`, beyond ``reach`` too."""
        found = await self._desk.refund(refund_id)
        if not await self._reaches(found.reference, reach):
            raise RefundNotFound(refund_id)
        return found

    async def _reaches(self, reference: str, reach: Reach) -> bool:
        return reach.everything or bool(
            await self._references.references_within([reference], reach)
        )

    async def payments_of(self, uow: UnitOfWork | None, reference: str) -> list[Payment]:
        """All payments of the reference, oldest first."""
        return await self._desk.rows.payments_of(uow or self._desk.db, reference)

    async def paid_last(self, uow: UnitOfWork, reference: str) -> list[Payment]:
        """Payments of the reference of which something can go back; whose money came last first."""
        rows = self._desk.rows
        came = await rows.money_came(uow, reference)
        found = {one.id: one for one in await rows.payments_of(uow, reference) if one.refundable}
        return [found[payment_id] for payment_id in came if payment_id in found]

    async def refunds_of(self, uow: UnitOfWork | None, reference: str) -> list[Refund]:
        """All refunds of the reference, oldest first."""
        return await self._desk.rows.refunds_of(uow or self._desk.db, reference)

    async def summary(self, uow: UnitOfWork | None, reference: str) -> PaymentSummary:
        """All money of the reference in one row of sums."""
        return await self._desk.rows.summary(uow or self._desk.db, reference)

    async def summaries(
        self, uow: UnitOfWork | None, references: Sequence[str]
    ) -> list[PaymentSummary]:
        """As :meth:`summary` for many references at once, in their order."""
        return await self._desk.rows.summaries(uow or self._desk.db, references)

    async def ledger(self, payment_id: UUID) -> list[LedgerEntry]:
        """Every booking of a payment and its refunds, oldest first."""
        return await self._desk.rows.ledger_of(self._desk.db, payment_id)

    async def history(self, payment_id: UUID) -> list[HistoryEntry]:
        """Every step of a payment and its refunds, oldest first."""
        return await self._desk.rows.history_of(self._desk.db, payment_id)

    async def refunds_on(self, payment_id: UUID) -> list[Refund]:
        """All refunds of one payment, oldest first."""
        return await self._desk.rows.refunds_on(self._desk.db, payment_id)

    async def disputes_on(self, payment_id: UUID) -> list[Dispute]:
        """All disputes of one payment, oldest first."""
        return await self._desk.rows.disputes_on(self._desk.db, payment_id)

    async def disputes_of(self, uow: UnitOfWork | None, reference: str) -> list[Dispute]:
        """All disputes of the reference, oldest first."""
        return await self._desk.rows.disputes_of(uow or self._desk.db, reference)

    async def dispute_page(
        self,
        page: PageRequest,
        *,
        state: str | None = None,
        reference: str | None = None,
        open_only: bool = False,
        reach: Reach = EVERYWHERE,
    ) -> Page[Dispute]:
        """Disputes within ``reach``, newest first."""

        async def read(limit: int, before: UUID | None) -> list[Dispute]:
            return await self._desk.rows.dispute_page(
                self._desk.db,
                limit=limit,
                before=before,
                state=state,
                reference=reference,
                open_only=open_only,
            )

        return await narrowed_page(page, read, reach, self._references)

    async def payment_page(
        self,
        page: PageRequest,
        *,
        status: str | None = None,
        reference: str | None = None,
        gateway: str | None = None,
        reach: Reach = EVERYWHERE,
    ) -> Page[Payment]:
        """Payments within ``reach``, newest first."""

        async def read(limit: int, before: UUID | None) -> list[Payment]:
            return await self._desk.rows.page(
                self._desk.db,
                limit=limit,
                before=before,
                status=status,
                reference=reference,
                gateway=gateway,
            )

        return await narrowed_page(page, read, reach, self._references)

    async def refund_page(
        self,
        page: PageRequest,
        *,
        status: str | None = None,
        reference: str | None = None,
        reach: Reach = EVERYWHERE,
    ) -> Page[Refund]:
        """Refunds within ``reach``, newest first."""

        async def read(limit: int, before: UUID | None) -> list[Refund]:
            return await self._desk.rows.refund_page(
                self._desk.db,
                limit=limit,
                before=before,
                status=status,
                reference=reference,
            )

        return await narrowed_page(page, read, reach, self._references)

    async def attention_page(
        self,
        page: PageRequest,
        *,
        kind: str | None = None,
        resolved: bool = False,
        reach: Reach = EVERYWHERE,
    ) -> Page[Attention]:
        """What a person has to see to within ``reach``, oldest first; or what was resolved."""

        async def read(limit: int, after: UUID | None) -> list[Attention]:
            return await self._desk.rows.attention_page(
                self._desk.db,
                limit=limit,
                after=after,
                kind=kind,
                resolved=resolved,
            )

        return await narrowed_page(page, read, reach, self._references)

    async def attention_counts(self) -> dict[AttentionKind, int]:
        """How many things of each kind wait for a person."""
        return await self._desk.rows.attention_counts(self._desk.db)

    async def made_with(self, gateways: Collection[str]) -> GatewayUse:
        """How many payments these gateways took, how many of them are open, and how many went back."""
        return GatewayUse(*await self._desk.rows.use_of(self._desk.db, gateways))
