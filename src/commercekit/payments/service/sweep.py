"""Look into everything that nobody told us about: the safety net under every call without an answer."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import CommerceKitError
from commercekit.payments.models import Payment, PaymentStatus
from commercekit.payments.rules import next_query
from commercekit.payments.service.capture import resume_operation
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.query import close, query
from commercekit.payments.service.refund import send_refund
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from commercekit.platform.db import UnitOfWork

__all__ = ["sweep"]

_BATCH = 20
_CLAIM = timedelta(minutes=2)
"""How long a claimed payment is left alone if the process that claimed it dies."""
_OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING)


async def sweep(desk: Desk) -> int:
    """Look into what is due, at most twenty payments and twenty refunds; gives how many."""
    now = desk.clock.now()

    async def claim(uow: UnitOfWork) -> tuple[list[UUID], list[UUID]]:
        again = now + _CLAIM
        payments = await desk.rows.claim_due(uow, now=now, again=again, limit=_BATCH)
        refunds = await desk.rows.claim_due_refunds(uow, now=now, again=again, limit=_BATCH)
        return payments, refunds

    payments, refunds = await desk.db.run(claim)
    failpoint("payments.sweep-claimed")
    for payment_id in payments:
        await _one(payment_id, "payment", partial(_look_into, desk, payment_id))
    for refund_id in refunds:
        await _one(refund_id, "refund", partial(send_refund, desk, refund_id))
    return len(payments) + len(refunds)


async def _one(subject: UUID, kind: str, work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except CommerceKitError as error:
        logger.warning("%s %s: looked into in vain: %s", kind, subject, error)
    except Exception:  # noqa: BLE001 - one payment's trouble must not keep the others waiting
        logger.exception("%s %s: looking into it failed", kind, subject)


async def _look_into(desk: Desk, payment_id: UUID) -> None:
    payment = await desk.payment(payment_id)
    try:
        if payment.operation is not None:
            payment = await resume_operation(desk, payment)
        else:
            payment = await _ask_or_end(desk, payment)
    finally:
        await _plan(desk, payment)


async def _ask_or_end(desk: Desk, payment: Payment) -> Payment:
    if payment.status not in _OPEN:
        return payment
    expired = payment.expires_at is not None and payment.expires_at <= desk.clock.now()
    able = desk.account_of(payment).gateway.capabilities
    if able.query:
        payment = await query(desk, payment.id)
    if expired and payment.status in _OPEN:
        payment = await close(desk, payment.id, actor="expiry")
    return payment


async def _plan(desk: Desk, seen: Payment) -> None:
    """When to look again. An answer has planned that already; silence is planned here."""
    payment = await desk.payment(seen.id)
    due = None
    able = desk.account_of(payment).gateway.capabilities
    open_ = payment.status in _OPEN and (able.query or payment.expires_at is not None)
    if payment.operation is not None or open_:
        asked = await desk.rows.queries(desk.db, payment.id)
        now = desk.clock.now()
        expires_at = None if payment.operation is not None else payment.expires_at
        due = next_query(payment.created_at, expires_at, now, asked=asked)
    await desk.rows.set_next_query(desk.db, payment.id, due)
