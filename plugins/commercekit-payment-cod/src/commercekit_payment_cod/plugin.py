"""Plug cash on delivery into a shop."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit.payments import PaymentGateway
from commercekit.platform.plugins import hookimpl
from commercekit_payment_cod.gateway import CashOnDelivery


@hookimpl
def register_payment_gateways() -> Sequence[PaymentGateway]:
    """One gateway, ``cod``."""
    return [CashOnDelivery()]
