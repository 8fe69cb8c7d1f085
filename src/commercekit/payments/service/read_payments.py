"""Everything about payments that changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Page, PageRequest
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

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["ReadPayments"]


class ReadPayments:
    """Payments, refunds, their sums, their histories, and what waits for a person."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def payment(self, payment_id: UUID) -> Payment:
        """One payment, or :class:`~commercekit.payments.PaymentNotFound`."""
        return await self._desk.payment(payment_id)

    async def refund(self, refund_id: UUID) -> Refund:
        """One refund, or :class:`~commercekit.payments.RefundNotFound`."""
        return await self._desk.refund(refund_id)

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
    ) -> Page[Dispute]:
        """Disputes, newest first."""
        items = await self._desk.rows.dispute_page(
            self._desk.db,
            limit=page.limit + 1,
            before=None if page.after is None else UUID(page.after[0]),
            state=state,
            reference=reference,
            open_only=open_only,
        )
        more = len(items) > page.limit
        items = items[: page.limit]
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def payment_page(
        self,
        page: PageRequest,
        *,
        status: str | None = None,
        reference: str | None = None,
        gateway: str | None = None,
    ) -> Page[Payment]:
        """Payments, newest first."""
        items = await self._desk.rows.page(
            self._desk.db,
            limit=page.limit + 1,
            before=None if page.after is None else UUID(page.after[0]),
            status=status,
            reference=reference,
            gateway=gateway,
        )
        more = len(items) > page.limit
        items = items[: page.limit]
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def refund_page(
        self, page: PageRequest, *, status: str | None = None, reference: str | None = None
    ) -> Page[Refund]:
        """Refunds, newest first."""
        items = await self._desk.rows.refund_page(
            self._desk.db,
            limit=page.limit + 1,
            before=None if page.after is None else UUID(page.after[0]),
            status=status,
            reference=reference,
        )
        more = len(items) > page.limit
        items = items[: page.limit]
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def attention_page(
        self, page: PageRequest, *, kind: str | None = None, resolved: bool = False
    ) -> Page[Attention]:
        """What a person has to see to, oldest first; or what was resolved."""
        items = await self._desk.rows.attention_page(
            self._desk.db,
            limit=page.limit + 1,
            after=None if page.after is None else UUID(page.after[0]),
            kind=kind,
            resolved=resolved,
        )
        more = len(items) > page.limit
        items = items[: page.limit]
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def attention_counts(self) -> dict[AttentionKind, int]:
        """How many things of each kind wait for a person."""
        return await self._desk.rows.attention_counts(self._desk.db)

    async def made_with(self, gateways: Collection[str]) -> GatewayUse:
        """How many payments these gateways took, how many of them are open, and how many went back."""
        return GatewayUse(*await self._desk.rows.use_of(self._desk.db, gateways))
