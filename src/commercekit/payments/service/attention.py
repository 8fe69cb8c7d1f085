"""What a person has to see to: found, listed, resolved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.payments.errors import AttentionNotFound
from commercekit.payments.models import Attention, AttentionKind
from commercekit.payments.service.booking import Booking
from commercekit.payments.service.desk import Desk
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["call_for_attention", "find_overdue", "resolve_attention"]

_BATCH = 100


async def find_overdue(desk: Desk) -> int:
    """Call for attention where a gateway has been silent for too long, or waits for an answer.

    Gives how many were found.
    """
    return await _find_silent(desk) + await _find_unanswered_disputes(desk)


async def _find_unanswered_disputes(desk: Desk) -> int:
    until = desk.clock.now() + desk.settings.dispute_alarm_before
    found = await desk.rows.evidence_due(desk.db, until=until, limit=_BATCH)
    for dispute in found:
        due = dispute.evidence_due_at
        detail = f"{dispute.dispute_ref}: {dispute.amount}, to be answered until {due:%Y-%m-%d %H:%M} UTC"
        await desk.db.run(
            partial(
                call_for_attention,
                desk,
                payment_id=dispute.payment_id,
                kind=AttentionKind.EVIDENCE_DUE,
                detail=detail,
            )
        )
    return len(found)


async def _find_silent(desk: Desk) -> int:
    now = desk.clock.now()
    found = await desk.rows.overdue(
        desk.db,
        unanswered_since=now - desk.settings.alarm_after,
        unsettled_since=now - desk.settings.refund_alarm_after,
        limit=_BATCH,
    )
    for payment_id, refund_id in found:
        payment = await desk.payment(payment_id)
        asked = payment.operation or "outcome"
        detail = f"{payment.gateway} has not said what became of it: {asked}"
        if refund_id is not None:
            detail = f"{payment.gateway} has not settled the refund"

        async def work(
            uow: UnitOfWork,
            payment_id: UUID = payment_id,
            refund_id: UUID | None = refund_id,
            detail: str = detail,
        ) -> None:
            await call_for_attention(
                desk, uow, payment_id, AttentionKind.UNANSWERED, detail, refund_id=refund_id
            )

        await desk.db.run(work)
    return len(found)


async def call_for_attention(
    desk: Desk,
    uow: UnitOfWork,
    payment_id: UUID,
    kind: AttentionKind,
    detail: str,
    *,
    refund_id: UUID | None = None,
) -> None:
    """See :meth:`PaymentService.call_for_attention`."""
    payment = await desk.payment(payment_id, db=uow)
    booking = Booking(desk, uow)
    booking.call_for_attention(payment, kind, detail, refund_id=refund_id)
    await booking.write()


async def resolve_attention(
    desk: Desk,
    attention_id: UUID,
    *,
    actor: str,
    resolution: str,
    reaches: Callable[[str], Awaitable[bool]],
) -> Attention:
    """See :meth:`PaymentService.resolve_attention`."""

    async def work(uow: UnitOfWork) -> Attention:
        found = await desk.rows.lock_attention(uow, attention_id)
        if found is None or not await reaches(found.reference):
            raise AttentionNotFound(attention_id)
        if found.resolved_at is not None:
            return found
        await desk.audit.record(
            uow,
            AuditEntry(
                actor=actor,
                action="payments:resolve-attention",
                subject=f"payment/{found.payment_id}"
                if found.payment_id
                else f"statement/{found.statement_id}",
                reason=resolution,
                details={"kind": found.kind.value},
            ),
        )
        return await desk.rows.resolve_attention(uow, attention_id, by=actor, resolution=resolution)

    resolved = await desk.db.run(work)
    failpoint("payments.attention-resolved")
    return resolved
