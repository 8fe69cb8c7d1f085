"""Ask the gateway what it knows, and end what has expired."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.payments.errors import GatewayUnavailable, PaymentRefused
from commercekit.payments.models import Payment, PaymentStatus
from commercekit.payments.providers import PaymentSnapshot, PaymentState
from commercekit.payments.service.booking import PROVIDER, book_payment
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import (
    PluginFailed,
    PluginFailedMidway,
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

if TYPE_CHECKING:
    from commercekit.payments.service.desk import Desk
    from commercekit.platform.db import UnitOfWork

__all__ = ["SILENT", "book", "close", "query"]

SILENT = (ProviderUnknown, ProviderUnavailable, ProviderConfigError)
"""No answer to work with: what was asked may or may not have happened."""

_OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING)


async def query(desk: Desk, payment_id: UUID) -> Payment:
    """See :meth:`PaymentService.query`."""
    payment = await desk.payment(payment_id)
    account = desk.account_of(payment)
    gateway, context = account.gateway, account.context
    if not gateway.capabilities.query:
        return payment
    try:
        snapshot = await desk.gateways.ask(
            account,
            "query",
            lambda: gateway.query(context, payment.id.hex, payment.provider_ref),
        )
    except (PluginFailed, PluginFailedMidway):
        raise
    except SILENT as error:
        message = f"{gateway.code} does not say what became of payment {payment_id}."
        raise GatewayUnavailable(message) from error
    except ProviderRejected as error:
        message = f"{gateway.code} refuses to say: {error.code}."
        raise PaymentRefused(message, code=error.code) from None
    failpoint("payments.query-answered")
    return await book(desk, payment, snapshot, source="query")


async def close(desk: Desk, payment_id: UUID, *, actor: str = PROVIDER) -> Payment:
    """See :meth:`PaymentService.close`."""
    payment = await desk.payment(payment_id)
    if payment.status not in _OPEN:
        return payment
    account = desk.account_of(payment)
    gateway, context = account.gateway, account.context
    if not gateway.capabilities.close:
        ended = PaymentSnapshot(
            payment_id=payment.id.hex, state=PaymentState.CLOSED, amount=payment.amount
        )
        return await book(desk, payment, ended, source="answer", actor=actor)
    try:
        snapshot = await desk.gateways.ask(
            account,
            "close",
            lambda: gateway.close(context, payment.id.hex, payment.provider_ref),
        )
    except (PluginFailed, PluginFailedMidway):
        raise
    except SILENT as error:
        message = f"{gateway.code} does not say whether payment {payment_id} is closed."
        raise GatewayUnavailable(message) from error
    except ProviderRejected as error:
        message = f"{gateway.code} refuses to close payment {payment_id}: {error.code}."
        raise PaymentRefused(message, code=error.code) from None
    failpoint("payments.close-answered")
    return await book(desk, payment, snapshot, source="answer", actor=actor)


async def book(
    desk: Desk,
    payment: Payment,
    snapshot: PaymentSnapshot,
    *,
    source: str,
    actor: str = PROVIDER,
) -> Payment:
    """Write down what the gateway answered, in a unit of work of its own."""

    async def work(uow: UnitOfWork) -> Payment:
        locked = await desk.locked(uow, payment.id, payment.reference)
        return await book_payment(desk, uow, locked, snapshot, source=source, actor=actor)

    return await desk.db.run(work)
