"""Ask the gateway for the money, outside every transaction, and keep what the shopper has to do."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.payments.errors import PaymentNotFound
from commercekit.payments.models import Payment, PaymentStatus, StoredRequest
from commercekit.payments.providers import (
    Action,
    CreatePayment,
    PaymentSnapshot,
    PaymentState,
)
from commercekit.payments.rules import QUERY_AFTER
from commercekit.payments.service.booking import book_payment
from commercekit.payments.service.desk import Desk, logger
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["question", "start", "with_action"]

_OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING)
"""Without an action known these have not been started yet, whatever a query said of them."""

_UNDECIDED = (
    PaymentState.CREATED,
    PaymentState.PENDING,
    PaymentState.ACTION_REQUIRED,
    PaymentState.UNKNOWN,
)


async def start(desk: Desk, payment_id: UUID) -> Payment:
    """See :meth:`PaymentService.start`."""
    found = await desk.rows.payment_to_start(desk.db, payment_id)
    if found is None:
        raise PaymentNotFound(payment_id)
    payment, request, action, attempts = found
    if action is not None or payment.status not in _OPEN:
        return with_action(payment, action, desk)
    if payment.expires_at is not None and payment.expires_at <= desk.clock.now():
        return payment
    account = desk.account_of(payment)
    gateway, context = account.gateway, account.context
    failpoint("payments.asking")
    try:
        if attempts and gateway.capabilities.query:
            # The last try had no answer: what it did is known before it is repeated.
            seen = await desk.gateways.ask(
                account, "query", lambda: gateway.query(context, payment.id.hex, None)
            )
            if seen.state not in _UNDECIDED:
                return await _book(desk, payment, seen, None)
        result = await desk.gateways.ask(
            account, "create", lambda: gateway.create(context, question(desk, payment, request))
        )
    except ProviderUnknown as error:
        logger.warning("payment %s: the gateway's answer is unknown: %s", payment.id, error)
        return await _count(desk, payment)
    except ProviderRejected as error:
        refused = PaymentSnapshot(
            payment_id=payment.id.hex,
            state=PaymentState.FAILED,
            amount=payment.amount,
            failure_code=error.code,
        )
        return await _book(desk, payment, refused, None)
    except ProviderUnavailable as error:
        logger.warning("payment %s: the gateway is unavailable: %s", payment.id, error)
        return payment
    except ProviderConfigError:
        logger.exception("payment %s: the account at %s is misconfigured", payment.id, gateway.code)
        return payment
    failpoint("payments.asked")
    booked = await _book(desk, payment, result.snapshot, result.action)
    failpoint("payments.started")
    if booked.status is PaymentStatus.CLOSED and gateway.capabilities.close:
        # Closed while the gateway was being asked: nobody may pay what it has just opened.
        snapshot = await desk.gateways.ask(
            account, "close", lambda: gateway.close(context, payment.id.hex, booked.provider_ref)
        )
        booked = await _book(desk, booked, snapshot, None)
    return booked


def with_action(payment: Payment, action: Action | None, desk: Desk) -> Payment:
    """The payment with what the shopper has to do, while there is anything to do."""
    expired = payment.expires_at is not None and payment.expires_at <= desk.clock.now()
    if payment.status is not PaymentStatus.PENDING or expired:
        return payment
    return msgspec.structs.replace(payment, action=action)


def question(desk: Desk, payment: Payment, request: StoredRequest) -> CreatePayment:
    """What the gateway is asked; the same for every repetition."""
    return CreatePayment(
        payment_id=payment.id.hex,
        order_ref=payment.reference,
        amount=payment.amount,
        flow=payment.flow,
        capture=payment.capture,
        subject=request.subject,
        idempotency_key=payment.id.hex,
        notify_url=desk.notify_url(payment),
        return_url=request.return_url,
        cancel_url=request.cancel_url or request.return_url,
        expires_at=payment.expires_at,
        customer_ip=request.customer_ip,
        payer_ref=request.payer_ref,
        metadata={"locale": request.locale},
    )


async def _book(
    desk: Desk, payment: Payment, snapshot: PaymentSnapshot, action: Action | None
) -> Payment:
    async def work(uow: UnitOfWork) -> tuple[Payment, Action | None]:
        locked = await desk.locked(uow, payment.id, payment.reference)
        booked = await book_payment(desk, uow, locked, snapshot, source="answer", action=action)
        return booked, action

    booked, shown = await desk.db.run(work)
    return with_action(booked, shown, desk)


async def _count(desk: Desk, payment: Payment) -> Payment:
    async def work(uow: UnitOfWork) -> Payment:
        locked = await desk.locked(uow, payment.id, payment.reference)
        if locked.status is PaymentStatus.CREATED:
            due = desk.clock.now() + QUERY_AFTER[0]
            await desk.rows.count_attempt(uow, payment.id, due)
        return locked

    return await desk.db.run(work)
