"""Write down that money will be asked for. Inside a transaction no call leaves the shop."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec.structs import replace

from commercekit.errors import Conflict
from commercekit.kernel import Money, new_id
from commercekit.payments.events import PaymentPending
from commercekit.payments.models import Intent, Payment, PaymentStatus, StoredRequest
from commercekit.payments.providers import CreateResult, Flow, PaymentGateway
from commercekit.payments.rules import check_return, judge_payment, next_query
from commercekit.payments.service.booking import PROVIDER
from commercekit.payments.service.desk import logger
from commercekit.payments.service.start import question
from commercekit.platform.providers import ProviderError

if TYPE_CHECKING:
    from commercekit.payments.service.desk import Desk
    from commercekit.platform.db import UnitOfWork

__all__ = ["create_intent", "prepare_intent"]


async def prepare_intent(
    desk: Desk,
    *,
    payment_id: UUID,
    reference: str,
    amount: Money,
    method: str,
    flow: Flow | None,
    expires_at: datetime | None,
    request: StoredRequest,
) -> Intent:
    """See :meth:`PaymentService.prepare_intent`."""
    check_return(request.return_url, desk.settings.return_hosts)
    payment = _new(desk, payment_id, reference, amount, method, flow, expires_at)
    due = next_query(payment.created_at, payment.expires_at, payment.created_at)
    account = desk.account_of(payment)
    result = None
    if account.gateway.capabilities.flows == {Flow.OFFLINE}:
        result = await _ask(desk, account.gateway, payment, request)
    if result is None:
        row = desk.rows.payment_row(payment, request, next_query_at=due)
        return Intent(payment=payment, row=row)
    pending = replace(
        payment,
        status=PaymentStatus.PENDING,
        provider_ref=result.snapshot.provider_ref,
        action=result.action,
    )
    row = desk.rows.payment_row(pending, request, next_query_at=due)
    row["history"] = [
        {
            "id": new_id(),
            "at": payment.created_at,
            "actor": PROVIDER,
            "event": f"payment-{pending.status}",
            "before": payment.status,
            "after": pending.status,
        }
    ]
    told = PaymentPending(
        payment_id=payment.id,
        reference=reference,
        currency=amount.currency,
        method=payment.method,
        amount=amount.amount,
    )
    return Intent(payment=pending, row=row, facts=(told,), asked=True)


async def _ask(
    desk: Desk, gateway: PaymentGateway, payment: Payment, request: StoredRequest
) -> CreateResult | None:
    """What a gateway that asks nobody says; ``None`` for anything but "pending", which can wait."""
    account = desk.account_of(payment)
    try:
        result = await desk.gateways.ask(
            account,
            "create",
            lambda: gateway.create(account.context, question(desk, payment, request)),
        )
    except ProviderError as error:
        logger.warning("payment %s: %s did not say what to do: %s", payment.id, gateway.code, error)
        return None
    change = judge_payment(payment, result.snapshot)
    return result if change.status is PaymentStatus.PENDING and not change.note else None


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
    check_return(request.return_url, desk.settings.return_hosts)
    payment = _new(desk, payment_id, reference, amount, method, flow, expires_at)
    due = next_query(payment.created_at, payment.expires_at, payment.created_at)
    if await desk.rows.insert_payment(uow, payment, request, next_query_at=due):
        return payment
    found = await desk.payment(payment_id, db=uow)
    if (found.reference, found.amount) != (reference, amount):
        message = f"Payment {payment_id} was made for something else."
        raise Conflict(message)
    return found


def _new(
    desk: Desk,
    payment_id: UUID,
    reference: str,
    amount: Money,
    method: str,
    flow: Flow | None,
    expires_at: datetime | None,
) -> Payment:
    if amount.amount <= 0:
        message = f"{amount} needs no payment"
        raise ValueError(message)
    way = desk.gateways.method(method, amount)
    now = desk.clock.now()
    zero = Money.zero(amount.currency)
    return Payment(
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
