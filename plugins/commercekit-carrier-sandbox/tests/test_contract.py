"""The sandbox keeps the contract of carriers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commercekit.testing.conformance import CarrierContract

if TYPE_CHECKING:
    from commercekit.fulfilment import Carrier, Shipment
    from commercekit.platform.providers import ProviderContext, RawRequest


class TestSandbox(CarrierContract):
    label_format = "txt"

    @pytest.fixture
    def carrier(self, shop):
        self.shop = shop
        return shop.carrier

    @pytest.fixture
    def context(self, shop):
        return shop.fulfilment._carriers.account("sandbox").context

    async def travel(self, carrier: Carrier, context: ProviderContext, booked: Shipment) -> bool:
        for each in booked.tracking:
            await self.shop.depot.advance(each.number)
        return True

    async def notification(
        self, carrier: Carrier, context: ProviderContext, booked: Shipment
    ) -> RawRequest | None:
        await self.travel(carrier, context, booked)
        return self.shop.requests[-1]
