"""The use cases of payments, one file per verb."""

from commercekit.payments.service.gateways import Gateways
from commercekit.payments.service.payment_service import PaymentService

__all__ = ["Gateways", "PaymentService"]
