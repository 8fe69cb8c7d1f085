"""Send money back: where a refund as money is decided, sent, looked into and tried again.

A refund is written down under the lock of its payment before the gateway hears of it, so that all
refunds together never exceed what was captured, however many are asked for at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.errors import Conflict
from commercekit.kernel import Money, new_id
from commercekit.payments.errors import RefundExceedsCapture, RefundNotPossible
from commercekit.payments.events import RefundCreated
from commercekit.payments.models import (
    REFUND_STEPS,
    AttentionKind,
    Payment,
    Refund,
    RefundStatus,
)
from commercekit.payments.providers import RefundRequest, RefundSnapshot, RefundState
from commercekit.payments.repository import Draft, write
from commercekit.payments.rules import QUERY_AFTER, check_refund, spread_refund
from commercekit.payments.service.booking import PROVIDER
from commercekit.payments.service.booking_refunds import book_refund
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.query import SILENT
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import ProviderRejected
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = [
    "confirm_refund",
    "create_refund",
    "create_refunds",
    "refund_excess",
    "retry_refund",
    "send_refund",
]


async def create_refund(
    desk: Desk, uow: UnitOfWork, *, refund_id: UUID, payment_id: UUID, amount: Money, reason: str
) -> Refund:
    """See :meth:`PaymentService.create_refund`."""
    payment = await desk.payment(payment_id, db=uow)
    payment = await desk.locked(uow, payment.id, payment.reference)
    return await _create(desk, uow, payment, refund_id, amount, reason)


async def create_refunds(
    desk: Desk, uow: UnitOfWork, *, refund_id: UUID, reference: str, amount: Money, reason: str
) -> list[Refund]:
    """See :meth:`PaymentService.create_refunds`."""
    await uow.lock(reference)
    payments = await desk.rows.payments_of(uow, reference, lock=True)
    family = [UUID(int=refund_id.int + place) for place in range(len(payments))]
    before = [
        refund for refund in await desk.rows.refunds_of(uow, reference) if refund.id in family
    ]
    if before:
        if sum(refund.amount.amount for refund in before) != amount.amount:
            message = f"Refund {refund_id} was made over another amount."
            raise Conflict(message)
        return before
    paid = [payment for payment in payments if payment.captured.amount]
    if not paid:
        raise RefundExceedsCapture(reference, amount, Money.zero(amount.currency))
    if amount.amount <= 0:
        message = f"A refund on {reference} has to be more than nothing."
        raise RefundNotPossible(message)
    return [
        await _create(desk, uow, payment, one, part, reason)
        for one, (payment, part) in zip(family, spread_refund(paid, amount), strict=False)
    ]


async def refund_excess(
    desk: Desk, uow: UnitOfWork, *, reference: str, keep: Money, reason: str
) -> list[Refund]:
    """See :meth:`PaymentService.refund_excess`."""
    await uow.lock(reference)
    payments = await desk.rows.payments_of(uow, reference, lock=True)
    kept = sum(
        payment.refundable.amount
        for payment in payments
        if payment.amount.currency == keep.currency
    )
    excess = Money(kept - keep.amount, keep.currency)
    if excess.amount <= 0:
        return []
    return await create_refunds(
        desk, uow, refund_id=new_id(), reference=reference, amount=excess, reason=reason
    )


async def _create(
    desk: Desk, uow: UnitOfWork, payment: Payment, refund_id: UUID, amount: Money, reason: str
) -> Refund:
    found = await desk.rows.refund(uow, refund_id)
    if found is not None:
        if (found.payment_id, found.amount) != (payment.id, amount):
            message = f"Refund {refund_id} was made for something else."
            raise Conflict(message)
        return found
    now = uow.clock.now()
    able = desk.account_of(payment).gateway.capabilities
    earlier = await desk.rows.refunds_on(uow, payment.id)
    standing = sum(refund.status is not RefundStatus.FAILED for refund in earlier)
    check_refund(payment, amount, able, earlier=standing, now=now)
    refund = Refund(
        id=refund_id,
        payment_id=payment.id,
        reference=payment.reference,
        amount=amount,
        reason=reason,
        status=RefundStatus.PENDING,
        attempts=0,
        retries=0,
        pending_since=now,
        created_at=now,
        updated_at=now,
        version=1,
    )
    # Due at once: whoever wrote it may send it right away, and the sweep sends it if they do not.
    await desk.rows.insert_refund(uow, refund, next_query_at=now)
    await desk.rows.move_refund_money(uow, payment.id, pending=amount.amount, refunded=0)
    draft = Draft(now)
    draft.note(
        payment.id,
        actor="shop",
        event="refund-created",
        before=None,
        after=refund.status.value,
        detail=f"{amount} {reason}".strip(),
        refund_id=refund.id,
    )
    await write(uow, draft)
    failpoint("payments.refund-written")
    uow.publish(
        RefundCreated(
            payment_id=payment.id,
            refund_id=refund.id,
            reference=payment.reference,
            amount=amount.amount,
            currency=amount.currency,
            method=payment.method,
        )
    )
    return refund


async def send_refund(desk: Desk, refund_id: UUID) -> Refund:
    """See :meth:`PaymentService.send_refund`."""
    refund = await desk.refund(refund_id)

    async def intend(uow: UnitOfWork) -> tuple[Payment, Refund, bool]:
        payment, locked = await desk.locked_refund(uow, refund)
        if locked.status is not RefundStatus.PENDING:
            return payment, locked, False
        trying = msgspec.structs.replace(locked, attempts=locked.attempts + 1)
        due = uow.clock.now() + QUERY_AFTER[0]
        return payment, await desk.rows.save_refund(uow, trying, next_query_at=due), True

    payment, trying, waiting = await desk.db.run(intend)
    if not waiting:
        return trying
    failpoint("payments.refund-intended")
    try:
        snapshot, source = await _ask(desk, payment, trying)
    except SILENT as error:
        logger.warning("refund %s: the gateway's answer is unknown: %s", refund_id, error)
        await desk.rows.put_off_refund(desk.db, refund_id, now=desk.clock.now())
        return trying
    except ProviderRejected as error:
        source = "answer"
        snapshot = RefundSnapshot(
            refund_id=trying.id.hex,
            payment_id=payment.id.hex,
            state=RefundState.FAILED,
            failure_code=error.code,
        )
    failpoint("payments.refund-answered")
    booked = await _book(desk, trying, snapshot, source=source)
    failpoint("payments.refund-booked")
    return booked


async def _ask(desk: Desk, payment: Payment, refund: Refund) -> tuple[RefundSnapshot, str]:
    account = desk.account_of(payment)
    gateway, context = account.gateway, account.context
    if refund.attempts > 1 + refund.retries and gateway.capabilities.query:
        # An earlier try had no answer: what it did is known before it is repeated.
        seen = await desk.gateways.ask(
            account,
            "query_refund",
            lambda: gateway.query_refund(
                context, refund.id.hex, payment.id.hex, refund.provider_ref
            ),
        )
        if seen.state is not RefundState.UNKNOWN:
            return seen, "query"
    request = RefundRequest(
        refund_id=refund.id.hex,
        payment_id=payment.id.hex,
        provider_ref=payment.provider_ref,
        amount=refund.amount,
        payment_total=payment.captured,
        reason=refund.reason,
        idempotency_key=f"{refund.id.hex}-{refund.retries}",
        notify_url=desk.notify_url(payment),
    )
    answer = await desk.gateways.ask(account, "refund", lambda: gateway.refund(context, request))
    return answer, "answer"


async def _book(
    desk: Desk, refund: Refund, snapshot: RefundSnapshot, *, source: str, actor: str = PROVIDER
) -> Refund:
    async def work(uow: UnitOfWork) -> Refund:
        payment, locked = await desk.locked_refund(uow, refund)
        return await book_refund(desk, uow, payment, locked, snapshot, source=source, actor=actor)

    return await desk.db.run(work)


async def retry_refund(
    desk: Desk, refund_id: UUID, *, actor: str, operation_id: UUID | None
) -> Refund:
    """See :meth:`PaymentService.retry_refund`."""
    refund = await desk.refund(refund_id)

    async def work(uow: UnitOfWork) -> Refund:
        payment, locked = await desk.locked_refund(uow, refund)
        if not await _first_time(desk, uow, payment, locked, "retry", operation_id):
            return locked
        REFUND_STEPS.check(locked.status, RefundStatus.PENDING)
        if locked.status is RefundStatus.FAILED:
            if payment.refundable < locked.amount:
                subject = f"payment {payment.id}"
                raise RefundExceedsCapture(subject, locked.amount, payment.refundable)
            await desk.rows.move_refund_money(
                uow, payment.id, pending=locked.amount.amount, refunded=0
            )
        again = msgspec.structs.replace(
            locked,
            status=RefundStatus.PENDING,
            retries=locked.retries + 1,
            attempts=locked.retries + 1,
            failure_code=None,
            pending_since=uow.clock.now(),
        )
        step = _Step("refund-retry", locked.status, again.status)
        await _record(desk, uow, payment, locked, "retry", actor, steps=[step])
        uow.publish(
            RefundCreated(
                payment_id=payment.id,
                refund_id=locked.id,
                reference=payment.reference,
                amount=locked.amount.amount,
                currency=locked.amount.currency,
                method=payment.method,
            )
        )
        return await desk.rows.save_refund(uow, again, next_query_at=uow.clock.now())

    await desk.db.run(work)
    failpoint("payments.refund-retried")
    return await send_refund(desk, refund_id)


async def confirm_refund(
    desk: Desk, refund_id: UUID, *, actor: str, operation_id: UUID | None, note: str
) -> Refund:
    """See :meth:`PaymentService.confirm_refund`."""
    refund = await desk.refund(refund_id)

    async def work(uow: UnitOfWork) -> Refund:
        payment, locked = await desk.locked_refund(uow, refund)
        if not await _first_time(desk, uow, payment, locked, "confirm", operation_id):
            return locked
        steps: list[_Step] = []
        if locked.status is RefundStatus.FAILED:
            if payment.refundable < locked.amount:
                subject = f"payment {payment.id}"
                raise RefundExceedsCapture(subject, locked.amount, payment.refundable)
            await desk.rows.move_refund_money(
                uow, payment.id, pending=locked.amount.amount, refunded=0
            )
            needs = RefundStatus.NEEDS_ATTENTION
            steps.append(_Step("refund-by-hand", locked.status, needs))
            locked = msgspec.structs.replace(locked, status=needs)
        if locked.status is not RefundStatus.NEEDS_ATTENTION:
            message = (
                f"Refund {refund_id} is {locked.status}; only one that failed or needs attention is "
                "confirmed by hand."
            )
            raise Conflict(message, state=locked.status.value)
        await _record(desk, uow, payment, locked, "confirm", actor, steps=steps, note=note)
        done = RefundSnapshot(
            refund_id=locked.id.hex,
            payment_id=payment.id.hex,
            state=RefundState.SUCCEEDED,
            amount=locked.amount,
        )
        return await book_refund(
            desk, uow, payment, locked, done, source="staff", actor=actor, note=note
        )

    confirmed = await desk.db.run(work)
    failpoint("payments.refund-confirmed")
    return confirmed


async def _first_time(
    desk: Desk,
    uow: UnitOfWork,
    payment: Payment,
    refund: Refund,
    verb: str,
    operation_id: UUID | None,
) -> bool:
    """Whether this very command was not carried out before: its caller may have lost the answer."""
    if operation_id is None:
        return True
    return await desk.rows.first_seen(
        uow,
        gateway=payment.gateway,
        account=payment.account,
        event_id=f"staff:{operation_id.hex}",
        source="staff",
        kind=f"refund-{verb}",
        state=refund.status.value,
        payment_id=payment.id,
        refund_id=refund.id,
        raw=b"",
        occurred_at=uow.clock.now(),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    event: str
    before: RefundStatus
    after: RefundStatus


async def _record(
    desk: Desk,
    uow: UnitOfWork,
    payment: Payment,
    refund: Refund,
    verb: str,
    actor: str,
    *,
    steps: Sequence[_Step],
    note: str = "",
) -> None:
    draft = Draft(uow.clock.now())
    for step in steps:
        draft.note(
            payment.id,
            actor=actor,
            event=step.event,
            before=step.before.value,
            after=step.after.value,
            detail=note,
            refund_id=refund.id,
        )
    kinds = (AttentionKind.REFUND_FAILED, AttentionKind.REFUND_REVERSED, AttentionKind.UNANSWERED)
    draft.settle_attention(payment.id, *kinds, AttentionKind.REFUND_BY_HAND, refund_id=refund.id)
    await write(uow, draft)
    await desk.audit.record(
        uow,
        AuditEntry(
            actor=actor,
            action=f"refunds:{verb}",
            subject=f"refund/{refund.id}",
            reason=note,
            details={"amount": refund.amount.amount, "currency": refund.amount.currency},
        ),
    )
