"""The gateway keeps the contract of payment gateways, against the fake."""

from __future__ import annotations

import msgspec
import pytest

from commercekit.payments import Flow
from commercekit.testing.conformance import PaymentGatewayContract
from commercekit_payment_stripe.gateway import StripeGateway


class InTheShopsOwnPage(StripeGateway):
    capabilities = msgspec.structs.replace(
        StripeGateway.capabilities, flows=frozenset({Flow.CLIENT_SECRET})
    )


class Contract(PaymentGatewayContract):
    currency = "USD"

    @pytest.fixture
    def gateway(self, gateway):
        return gateway

    @pytest.fixture
    def vendor(self, vendor):
        return vendor

    @pytest.fixture
    def context(self, context):
        return context


class TestContract(Contract):
    """By the vendor's page."""


class TestContractInTheShopsOwnPage(Contract):
    """By the vendor's field in the shop's page."""

    tells_of_declines = False  # the shopper tries another card

    @pytest.fixture
    def gateway(self):
        return InTheShopsOwnPage()
