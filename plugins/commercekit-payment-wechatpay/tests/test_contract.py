"""What every payment gateway must do, of both ways to know the vendor."""

from __future__ import annotations

import msgspec
import pytest

from commercekit.payments import CreatePayment, PaymentGateway
from commercekit.platform.providers import ProviderContext
from commercekit.testing.conformance import PaymentGatewayContract, PaymentVendor


class WechatPay(PaymentGatewayContract):
    """Shoppers decline by closing a window; nobody hears of it."""

    tells_of_declines = False

    @pytest.fixture
    def gateway(self, wechatpay: PaymentGateway) -> PaymentGateway:
        return wechatpay

    @pytest.fixture
    def vendor(self, played: PaymentVendor) -> PaymentVendor:
        return played

    @pytest.fixture
    def context(self, account: ProviderContext) -> ProviderContext:
        return account

    def payment_request(self, request: CreatePayment) -> CreatePayment:
        return msgspec.structs.replace(request, payer_ref="openid-of-somebody")


class TestByPublicKey(WechatPay):
    """The vendor's public key is in the settings."""


class TestByCertificates(WechatPay):
    """The vendor's certificates are fetched."""

    certificates = True
    fetches_keys = True
