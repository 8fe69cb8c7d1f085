"""What every verb of payments needs at hand."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Clock
from commercekit.payments.errors import (
    GatewayUnavailable,
    PaymentNotFound,
    RefundNotFound,
    WebhookUnknown,
)
from commercekit.payments.models import Payment, Refund
from commercekit.payments.repository import PaymentRepository, Reader
from commercekit.payments.service.gateways import GatewayAccount, Gateways
from commercekit.payments.settings import PaymentsSettings
from commercekit.platform.db import Database
from commercekit.platform.months import gone_or
from commercekit.platform.security import AuditPort

if TYPE_CHECKING:
    from commercekit.errors import CommerceKitError
    from commercekit.platform.db import UnitOfWork

__all__ = ["Desk", "logger"]

logger = logging.getLogger("commercekit.payments")


@dataclass(frozen=True, slots=True)
class Desk:
    """Tables, gateways and the clock."""

    db: Database
    clock: Clock
    gateways: Gateways
    rows: PaymentRepository
    audit: AuditPort
    base_url: str
    """Where providers reach this shop, without a slash at the end."""
    settings: PaymentsSettings

    def account_of(self, payment: Payment) -> GatewayAccount:
        """The merchant account that the payment was made with.

        Raises :class:`~commercekit.payments.GatewayUnavailable` when its plugin is not enabled any
        more, or its account was taken out of the settings.
        """
        try:
            return self.gateways.account(payment.gateway, payment.account)
        except WebhookUnknown:
            message = (
                f"Payment {payment.id} was made with the account {payment.account!r} at "
                f"{payment.gateway!r}, which this shop does not have now; enable it to go on."
            )
            raise GatewayUnavailable(message) from None

    def notify_url(self, payment: Payment) -> str:
        """Where the provider tells about this payment."""
        return f"{self.base_url}/webhooks/payments/{payment.gateway}/{payment.account}"

    async def payment(self, payment_id: UUID, *, db: Reader | None = None) -> Payment:
        """The payment, or :class:`~commercekit.payments.errors.PaymentNotFound`."""
        found = await self.rows.payment(db or self.db, payment_id)
        if found is None:
            raise await self._absent(payment_id)
        return found

    async def locked(self, uow: UnitOfWork, payment_id: UUID, reference: str) -> Payment:
        """The payment under the lock of its reference and of its row."""
        await uow.lock(reference)
        found = await self.rows.lock_payment(uow, payment_id)
        if found is None:
            raise await self._absent(payment_id)
        return found

    async def _absent(self, payment_id: UUID) -> CommerceKitError:
        return await gone_or(self.db, "The payment", payment_id, PaymentNotFound(payment_id))

    async def refund(self, refund_id: UUID) -> Refund:
        """The refund, or :class:`~commercekit.payments.errors.RefundNotFound`."""
        found = await self.rows.refund(self.db, refund_id)
        if found is None:
            raise RefundNotFound(refund_id)
        return found

    async def locked_refund(self, uow: UnitOfWork, refund: Refund) -> tuple[Payment, Refund]:
        """The refund and its payment, locked in the order reference, payment, refund."""
        payment = await self.locked(uow, refund.payment_id, refund.reference)
        found = await self.rows.refund(uow, refund.id, lock=True)
        if found is None:
            raise RefundNotFound(refund.id)
        return payment, found
