"""A real export of a real shop comes in right."""

from __future__ import annotations

import pytest

from commercekit.catalog import ImportProducts, ProductStatus


class Sink:
    def __init__(self):
        self.prices = {}
        self.stock = {}

    async def take(self, uow, offers):
        changed = set()
        for offer in offers:
            if self.prices.get(offer.sku) != (offer.price, offer.compare_at) or offer.new:
                changed.add(offer.sku)
            self.prices[offer.sku] = (offer.price, offer.compare_at)
            self.stock.setdefault(offer.sku, offer.quantity)
        return changed


@pytest.fixture
def apparel(shared):
    return shared / "data" / "products-shopify-apparel.csv"


async def test_the_apparel_file_comes_in_whole_and_once(apparel, database, catalog, told):
    sink = Sink()
    importer = ImportProducts(database, catalog, sink)

    async def load():
        with apparel.open(encoding="utf-8-sig", newline="") as lines:
            return await importer.run(lines, currency="USD")

    report = await load()
    assert (report.rows, report.created, report.failed) == (22, 20, 0)
    assert (report.variants, report.images, report.errors) == (22, 20, [])
    varsity = await catalog.product_by_slug("classic-varsity-top")
    assert varsity.name == {"en": "Classic Varsity Top"}
    assert varsity.status is ProductStatus.ACTIVE
    assert varsity.tags == ("women",)
    assert [(v.sku, v.options) for v in varsity.variants] == [
        ("CLASSIC-VARSITY-TOP-SMALL", {"Size": "Small"}),
        ("CLASSIC-VARSITY-TOP-MEDIUM", {"Size": "Medium"}),
        ("CLASSIC-VARSITY-TOP-LARGE", {"Size": "Large"}),
    ]
    assert {sink.prices[v.sku][0].amount for v in varsity.variants} == {6000}
    assert {sink.stock[v.sku] for v in varsity.variants} == {1}
    shirt = await catalog.product_by_slug("ocean-blue-shirt")
    assert (shirt.options, [v.sku for v in shirt.variants]) == ((), ["OCEAN-BLUE-SHIRT"])
    assert [b.slug for b in await catalog.brands()] == ["partners-demo"]

    told.clear()
    again = await load()
    assert (again.created, again.changed, again.unchanged, again.failed) == (0, 0, 20, 0)
    assert told == []
