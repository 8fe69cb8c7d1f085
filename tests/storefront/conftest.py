from __future__ import annotations

import io

import httpx
import pytest
import pytest_asyncio

from commercekit.catalog import (
    CatalogService,
    ImportProducts,
    NewBrand,
    NewProduct,
    NewVariant,
    Option,
    OptionValue,
    ProductStatus,
)
from commercekit.inventory import InventoryService
from commercekit.kernel import Money
from commercekit.markets import MarketService
from commercekit.platform.bus import Bus
from commercekit.platform.http import Cursors, build_litestar
from commercekit.pricing import PricingService
from commercekit.storefront import (
    Freshness,
    Projection,
    StorefrontController,
    StorefrontFeeds,
    StorefrontService,
    projectors,
    read_lane,
    read_shortcut,
)
from commercekit.testing import core_piccolo_apps


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "markets", "catalog", "pricing", "inventory", "storefront")


class Running:
    """Promotions that are on, as promotions would tell them."""

    def __init__(self, freshness):
        self._freshness = freshness
        self._on = []

    @property
    def on(self):
        return self._on

    @on.setter
    def on(self, promotions):
        # As a projector does when a promotion is changed.
        self._on = promotions
        self._freshness.forget_all()

    async def running(self, now):
        return [each for each in self.on if each.ends_at is None or now < each.ends_at]


class Shop:
    """Everything that a read model shows, wired as a shop wires it."""

    def __init__(self, db, clock):
        self.db = db
        self.markets = MarketService(db, clock)
        self.catalog = CatalogService(db, clock)
        self.pricing = PricingService(db, clock, self.markets)
        self.inventory = InventoryService(db, clock)
        self.freshness = Freshness()
        self.projection = Projection(
            db, self.markets, self.catalog, self.pricing, self.inventory, self.freshness
        )
        self.running = Running(self.freshness)
        self.storefront = StorefrontService(
            db, self.markets, self.catalog, self.projection, self.running
        )
        self.bus = Bus(db, clock, projectors(self.projection, self.catalog))
        self.cursors = Cursors(b"k" * 32)
        self.framework = self.application()
        self.app = self.application(shortcut=read_shortcut(self.storefront, self.cursors))
        self.freshness.follow(self.markets)
        self.lane = read_lane(
            self.app,
            self.freshness,
            languages=("en", "zh"),
            languages_of=lambda code: (
                market.languages if (market := self.markets.known(code)) else None
            ),
        )

    def application(self, **more):
        return build_litestar(
            controllers=[StorefrontController, StorefrontFeeds],
            dependencies={"storefront": self.storefront},
            cursors=self.cursors,
            **more,
        )

    async def price(self, sku, amount, compare_at=None):
        async with self.db.unit_of_work() as uow:
            await self.pricing.set_price(
                uow,
                self.market,
                sku,
                Money(amount, "CNY"),
                Money(compare_at, "CNY") if compare_at else None,
            )

    async def stock(self, sku, quantity):
        async with self.db.unit_of_work() as uow:
            await self.inventory.set_stock(uow, sku, quantity)

    async def product(self, slug, price=1000, stock=5, **fields):
        """A product with one variant, priced and in stock."""
        wanted = {
            "slug": slug,
            "name": {"en": slug.replace("-", " ").title()},
            "status": ProductStatus.ACTIVE,
            "variants": (NewVariant(sku=slug.upper()),),
            **fields,
        }
        made = await self.catalog.create_product(NewProduct(**wanted))
        for variant in made.variants:
            if price is not None:
                await self.price(variant.sku, price)
            if stock is not None:
                await self.stock(variant.sku, stock)
        return made

    async def brand(self, slug, **names):
        return await self.catalog.create_brand(
            NewBrand(slug=slug, name={"en": slug.title(), **names})
        )

    async def load(self, text):
        shop = self

        class Sink:
            async def take(self, uow, offers):
                for offer in offers:
                    if offer.price is not None:
                        await shop.pricing.set_price(
                            uow, shop.market, offer.sku, offer.price, offer.compare_at
                        )
                    if offer.new:
                        await shop.inventory.set_stock(
                            uow, offer.sku, offer.quantity, tracked=offer.quantity is not None
                        )
                return {offer.sku for offer in offers if offer.new}

        lines = io.StringIO(text, newline="")
        return await ImportProducts(self.db, self.catalog, Sink()).run(lines, currency="CNY")


@pytest_asyncio.fixture
async def shop(database, clock):
    shop = Shop(database, clock)
    shop.market = await shop.markets.ensure_default(currency="CNY", languages=["en", "zh"])
    return shop


def client(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example")


@pytest_asyncio.fixture
async def store(shop):
    """The shop over HTTP, without the lane."""
    async with client(shop.app) as opened:
        yield opened


@pytest_asyncio.fixture
async def lane(shop):
    """The shop over HTTP, with the lane in front."""
    async with client(shop.lane) as opened:
        yield opened


@pytest.fixture
def sizes():
    return (
        Option(
            "Size",
            {"en": "Size", "zh": "尺寸"},
            (OptionValue("S", {"en": "Small", "zh": "小"}), OptionValue("L", {"en": "Large"})),
        ),
    )
