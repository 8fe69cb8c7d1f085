"""Cash on delivery keeps the contract of payment gateways, as far as nobody is asked."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import PaymentGatewayContract, context_for
from commercekit_payment_cod.gateway import CashOnDelivery
from commercekit_payment_cod.settings import Account


class TestCash(PaymentGatewayContract):
    speaks_http = False

    @pytest.fixture
    def gateway(self):
        return CashOnDelivery()

    @pytest.fixture
    async def context(self, gateway, clock):
        async with context_for(gateway, Account(), clock=clock) as made:
            yield made
