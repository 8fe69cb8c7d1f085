"""The table keeps the contract of carriers, as far as a table can."""

from __future__ import annotations

import httpx
import pytest

from commercekit.platform.providers import ProviderContexts
from commercekit.testing.conformance import CarrierContract
from commercekit_carrier_table_rate.carrier import TableRateCarrier
from commercekit_carrier_table_rate.settings import Account, Rate


class TestTableRate(CarrierContract):
    @pytest.fixture
    def carrier(self):
        return TableRateCarrier()

    @pytest.fixture
    async def context(self, clock):
        account = Account(rates=[Rate(amount=1000), Rate(service="express", amount=2500)])
        async with httpx.AsyncClient() as http:
            yield ProviderContexts(http=http, clock=clock)("table-rate", "default", account)
