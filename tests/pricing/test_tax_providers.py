"""Whose rates count: the shop's own, or a plugin's while it answers."""

from __future__ import annotations

import pytest

from commercekit.errors import ConfigurationError
from commercekit.platform.providers import FailurePolicy, ProviderError, ProviderUnavailable
from commercekit.pricing import (
    TAX_PROVIDERS,
    PricingService,
    PricingSettings,
    TaxComponent,
    TaxDestination,
    TaxProvider,
)
from tests.guards import patient_guard


class Vendor(TaxProvider):
    code = "vendor"

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def rates(self, request):
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def shop_with(database, clock, market, facts):
    def make(answer, policy=None, **settings):
        vendor = Vendor(answer)
        service = PricingService(
            database,
            clock,
            None,
            settings=PricingSettings(tax_provider="vendor", **settings),
            caller=patient_guard(TAX_PROVIDERS, policy=policy),
            tax_providers={"vendor": vendor},
        )
        return service, vendor

    return make


QUEBEC = TaxDestination("CA", "Quebec", "H2X", "Montreal")


def said(table, tax_class="standard"):
    return [(r.code, r.rate_ppm, r.compound) for r in table.of(tax_class)]


async def test_without_a_provider_the_shops_own_rates_count(pricing):
    await pricing.add_tax_rate("standard", "CA", None, 50_000, {})
    assert said(await pricing.tax_for(QUEBEC, ["standard"])) == [("tax", 50_000, False)]


async def test_a_providers_rates_take_the_place_of_the_shops(shop_with, clock):
    service, vendor = shop_with(
        [
            TaxComponent(tax_class="standard", code="gst", rate_ppm=50_000),
            TaxComponent(tax_class="standard", code="qst", rate_ppm=99_750, compound=True),
        ]
    )
    await service.add_tax_rate("food", "CA", None, 10_000, {})
    table = await service.tax_for(QUEBEC, ["standard", "food", "food"])
    assert said(table) == [("gst", 50_000, False), ("qst", 99_750, True)]
    assert said(table, "food") == []
    [request] = vendor.asked
    assert (request.destination, request.tax_classes) == (QUEBEC, ("food", "standard"))
    assert request.at == clock.now()


@pytest.mark.parametrize("failure", [ProviderUnavailable("down"), ZeroDivisionError()])
async def test_while_it_does_not_answer_the_shops_table_counts(shop_with, failure):
    service, _ = shop_with(failure)
    await service.add_tax_rate("standard", "CA", None, 50_000, {})
    assert said(await service.tax_for(QUEBEC, ["standard"])) == [("tax", 50_000, False)]


async def test_a_shop_may_refuse_to_quote_instead(shop_with):
    service, _ = shop_with(ProviderUnavailable("down"), policy=FailurePolicy.CLOSED)
    with pytest.raises(ProviderError):
        await service.tax_for(QUEBEC, ["standard"])


async def test_an_answer_that_is_no_rates_is_not_believed(shop_with):
    service, _ = shop_with([{"rate": 5}])
    assert said(await service.tax_for(QUEBEC, ["standard"])) == []


def test_a_provider_nobody_offers_stops_the_start(database, clock):
    with pytest.raises(ConfigurationError, match="'vendor', which no enabled plugin offers"):
        PricingService(database, clock, None, settings=PricingSettings(tax_provider="vendor"))


async def test_two_rates_of_one_class_differ_in_code(pricing, client):
    body = {"tax_class": "standard", "country": "CA", "rate_ppm": 50_000, "code": "gst"}
    assert (await client.post("/admin/tax-rates", json=body)).status_code == 201
    assert (await client.post("/admin/tax-rates", json=body)).status_code == 409
    second = await client.post(
        "/admin/tax-rates",
        json={**body, "code": "pst", "rate_ppm": 70_000, "position": 1, "compound": True},
    )
    assert second.status_code == 201, second.text
    assert said(await pricing.tax_for(QUEBEC, ["standard"])) == [
        ("gst", 50_000, False),
        ("pst", 70_000, True),
    ]
