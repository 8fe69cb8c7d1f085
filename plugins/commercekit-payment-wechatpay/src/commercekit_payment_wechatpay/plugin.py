"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit import hookimpl
from commercekit.payments import PaymentGateway
from commercekit_payment_wechatpay.gateway import WechatPayGateway


@hookimpl
def register_payment_gateways() -> Sequence[PaymentGateway]:
    """One gateway, ``wechatpay``, for any number of merchant accounts."""
    return [WechatPayGateway()]
