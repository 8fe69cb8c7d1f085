"""The table keeps the contract of sources of tax rates."""

from __future__ import annotations

import pytest

from commercekit.pricing import TaxDestination
from commercekit.testing.conformance import TaxProviderContract
from commercekit_tax_table.provider import TaxTableProvider
from commercekit_tax_table.settings import Row


class TestContract(TaxProviderContract):
    tax_classes = ("standard", "food")
    destinations = (
        TaxDestination(country="CA", region="QC"),
        TaxDestination(country="US", region="CA", postcode="94105"),
        TaxDestination(country="GB", postcode="sw1A 1aa"),
    )

    @pytest.fixture
    def provider(self):
        return TaxTableProvider(
            [
                Row(code="gst", country="CA", rate_ppm=50_000, name={"en": "GST", "fr": "TPS"}),
                Row(code="qst", country="CA", regions=["QC"], rate_ppm=99_750, compound=True),
                Row(country="US", regions=["CA"], classes=["food"], rate_ppm=0),
                Row(country="US", postcodes=["941"], rate_ppm=86_250),
                Row(country="GB", postcodes=["SW1A"], rate_ppm=200_000),
            ]
        )
