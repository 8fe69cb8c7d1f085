"""Staff say that money was handed over: cash on delivery, a transfer seen on the bank statement."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Money
from commercekit.payments.errors import CollectionAmountDiffers, NotCollectable
from commercekit.payments.models import Payment, PaymentStatus
from commercekit.payments.providers import Flow, PaymentSnapshot, PaymentState
from commercekit.payments.service.booking import book_payment
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from commercekit.payments.service.desk import Desk
    from commercekit.platform.db import UnitOfWork

__all__ = ["record_collection"]

_CLOSED_TO_MONEY = (PaymentStatus.PAID, PaymentStatus.AUTHORISED, PaymentStatus.MISMATCH)


async def record_collection(
    desk: Desk,
    payment_id: UUID,
    amount: Money,
    *,
    actor: str,
    operation_id: UUID | None,
    note: str,
) -> Payment:
    """See :meth:`PaymentService.record_collection`."""
    payment = await desk.payment(payment_id)

    async def work(uow: UnitOfWork) -> Payment:
        locked = await desk.locked(uow, payment.id, payment.reference)
        evidence = f"staff:{(operation_id or locked.id).hex}"
        if locked.flow is not Flow.OFFLINE:
            message = f"Payment {payment_id} goes through {locked.gateway}, which tells by itself."
            raise NotCollectable(message)
        if amount != locked.amount:
            raise CollectionAmountDiffers(locked.amount, amount)
        first = await desk.rows.first_seen(
            uow,
            gateway=locked.gateway,
            account=locked.account,
            event_id=evidence,
            source="staff",
            kind="payment",
            state=PaymentState.PAID.value,
            payment_id=locked.id,
            refund_id=None,
            raw=b"",
            occurred_at=uow.clock.now(),
        )
        if not first and operation_id is not None:
            return locked
        if locked.status in _CLOSED_TO_MONEY:
            message = f"Payment {payment_id} is {locked.status} already."
            raise NotCollectable(message, state=locked.status.value)
        await desk.audit.record(
            uow,
            AuditEntry(
                actor=actor,
                action="payments:record-collection",
                subject=f"payment/{locked.id}",
                reason=note,
                details={"amount": amount.amount, "currency": amount.currency},
            ),
        )
        collected = PaymentSnapshot(
            payment_id=locked.id.hex,
            state=PaymentState.PAID,
            amount=amount,
            captured=amount,
            occurred_at=uow.clock.now(),
        )
        return await book_payment(
            desk, uow, locked, collected, source="staff", actor=actor, event_id=evidence
        )

    collected = await desk.db.run(work)
    failpoint("payments.collection-booked")
    return collected
