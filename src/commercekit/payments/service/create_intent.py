"""Write down that money will be asked for. No call leaves the shop here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import Conflict
from commercekit.kernel import Money
from commercekit.payments.models import Payment, PaymentStatus, StoredRequest
from commercekit.payments.providers import Flow
from commercekit.payments.rules import next_query

if TYPE_CHECKING:
    from commercekit.payments.service.desk import Desk
    from commercekit.platform.db import UnitOfWork

__all__ = ["create_intent"]


async def create_intent(
    desk: Desk,
    uow: UnitOfWork,
    *,
    payment_id: UUID,
    reference: str,
    amount: Money,
    method: str,
    flow: Flow | None,
    expires_at: datetime | None,
    request: StoredRequest,
) -> Payment:
    """See :meth:`PaymentService.create_intent`."""
    if amount.amount <= 0:
        message = f"{amount} needs no payment"
        raise ValueError(message)
    way = desk.gateways.method(method, amount)
    now = uow.clock.now()
    zero = Money.zero(amount.currency)
    payment = Payment(
        id=payment_id,
        reference=reference,
        method=way.code,
        gateway=way.gateway,
        account=way.account,
        flow=flow if flow in way.flows else way.flows[0],
        capture=way.capture,
        status=PaymentStatus.CREATED,
        amount=amount,
        authorised=zero,
        captured=zero,
        refunded=zero,
        refund_pending=zero,
        expires_at=None if way.collects_later else expires_at,
        created_at=now,
        updated_at=now,
        version=1,
    )
    due = next_query(now, payment.expires_at, now)
    if await desk.rows.insert_payment(uow, payment, request, next_query_at=due):
        return payment
    found = await desk.payment(payment_id, db=uow)
    if (found.reference, found.amount) != (reference, amount):
        message = f"Payment {payment_id} was made for something else."
        raise Conflict(message)
    return found
