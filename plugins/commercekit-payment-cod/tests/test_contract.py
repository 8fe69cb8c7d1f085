"""Cash on delivery keeps the contract of payment gateways, as far as nobody is asked."""

from __future__ import annotations

import httpx
import pytest

from commercekit.testing import provider_context
from commercekit.testing.conformance import PaymentGatewayContract
from commercekit_payment_cod.gateway import CashOnDelivery
from commercekit_payment_cod.settings import Account


class TestCash(PaymentGatewayContract):
    speaks_http = False

    @pytest.fixture
    def gateway(self):
        return CashOnDelivery()

    @pytest.fixture
    async def context(self, gateway, clock):
        async with httpx.AsyncClient() as http:
            yield provider_context(gateway, Account(), http=http, clock=clock)
