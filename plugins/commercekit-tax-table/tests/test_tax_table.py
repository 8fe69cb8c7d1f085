from __future__ import annotations

from datetime import UTC, datetime

import pytest

from commercekit.pricing import TaxDestination, TaxRequest
from commercekit_tax_table.provider import TaxTableProvider
from commercekit_tax_table.settings import Row

ROWS = [
    Row(code="gst", country="CA", rate_ppm=50_000, name={"en": "GST"}),
    Row(code="qst", country="CA", regions=["Quebec", "QC"], rate_ppm=99_750, compound=True),
    Row(country="US", postcodes=["941 0"], rate_ppm=86_250),
    Row(country="US", regions=["CA"], classes=["food"], rate_ppm=0),
    Row(country="US", regions=["CA"], rate_ppm=72_500),
]


async def asked(*tax_classes, **destination):
    said = await TaxTableProvider(ROWS).rates(
        TaxRequest(
            destination=TaxDestination(**destination),
            tax_classes=tax_classes,
            at=datetime(2026, 11, 22, tzinfo=UTC),
        )
    )
    return [(each.tax_class, each.code, each.rate_ppm, each.compound) for each in said]


async def test_taxes_of_several_codes_come_in_the_order_of_the_table():
    assert await asked("standard", country="CA", region="qc") == [
        ("standard", "gst", 50_000, False),
        ("standard", "qst", 99_750, True),
    ]
    assert await asked("standard", country="CA", region="Ontario") == [
        ("standard", "gst", 50_000, False)
    ]


@pytest.mark.parametrize(
    ("tax_class", "region", "postcode", "rate"),
    [
        ("standard", "CA", "94105", 86_250),
        ("standard", "CA", "90001", 72_500),
        ("food", "CA", "90001", 0),
        ("food", "CA", "94105", 86_250),
    ],
)
async def test_the_first_row_of_a_code_that_fits_counts(tax_class, region, postcode, rate):
    assert await asked(tax_class, country="US", region=region, postcode=postcode) == [
        (tax_class, "tax", rate, False)
    ]


async def test_nothing_that_fits_is_no_tax():
    assert await asked("standard", country="US", region="OR") == []
    assert await asked("standard", country="CN") == []
