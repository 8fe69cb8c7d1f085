"""What a payment gateway must do, and the vendor's side of a trial."""

from commercekit.testing.conformance.gateways.contract import PaymentGatewayContract
from commercekit.testing.conformance.gateways.line import Fault
from commercekit.testing.conformance.gateways.rules import PAYMENT_GATEWAY_RULES
from commercekit.testing.conformance.gateways.vendor import (
    CARD_NUMBER,
    Asked,
    InProcessVendor,
    PaymentVendor,
    VendorBooks,
)

__all__ = [
    "CARD_NUMBER",
    "PAYMENT_GATEWAY_RULES",
    "Asked",
    "Fault",
    "InProcessVendor",
    "PaymentGatewayContract",
    "PaymentVendor",
    "VendorBooks",
]
