"""What the shop of the tests is made of: its settings, its goods, and the way back into itself."""

from __future__ import annotations

from uuid import UUID

import httpx

from commercekit.app import Shop
from commercekit.catalog import NewProduct, NewVariant, Option, ProductStatus
from commercekit.identity import NewToken
from commercekit.kernel import Money, new_id
from commercekit.platform.security import Principal

SETTINGS = """
name = "Test shop"

[web]
base_url = "http://shop.test"

[market]
currency = "CNY"
languages = ["en", "zh"]
countries = ["CN"]

[[taxes]]
country = "CN"
rate_ppm = 130000
name = { en = "VAT", zh = "增值税" }

[payments.methods.sandbox]
gateway = "sandbox"
label = { en = "Sandbox", zh = "沙箱" }

[payments.methods.sandbox-hold]
gateway = "sandbox"
capture = "manual"

[payments.methods.cod]
gateway = "cod"

[[fulfilment.accounts.table-rate.default.rates]]
amount = 1000
free_above = 100000

[[fulfilment.accounts.table-rate.default.rates]]
service = "pickup"
amount = 0

[notifications]
shop_name = "Test shop"
"""

ADDRESS = {
    "name": "Li Lei",
    "phone": "+8613800138000",
    "country": "CN",
    "region": "Shanghai",
    "city": "Shanghai",
    "line1": "88 Century Avenue",
    "postcode": "200120",
}
EMAIL = "li.lei@example.com"
SHIRT, MUG = "SHIRT-BLUE-M", "MUG"
SHIPPING = "table-rate-standard"
"""10.00, free above 1,000.00."""
PICKUP = "table-rate-pickup"
"""Free."""


class Loopback(httpx.AsyncBaseTransport):
    """Leads calls to the outside back into the shop: sandbox vendors stand on its own address."""

    def __init__(self) -> None:
        self.inner: httpx.ASGITransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self.inner is not None
        return await self.inner.handle_async_request(request)


async def issue_token(shop: Shop, *scopes: str) -> str:
    """The secret of a staff token with these scopes."""
    wanted = NewToken(name="test", scopes=frozenset(scopes))
    issued = await shop.identity.create_token(
        Principal(id="test", scopes=frozenset({"*:*"})), wanted
    )
    secret: str = issued.secret
    return secret


async def sell(
    shop: Shop, slug: str, sku: str, price: int, quantity: int, option: Option | None = None
) -> UUID:
    """Put a product with one variant on sale."""
    variant = NewVariant(sku=sku, options={"size": "M"} if option else {}, weight_grams=300)
    product = await shop.catalog.create_product(
        NewProduct(
            slug=slug,
            name={"en": slug.title(), "zh": f"{slug} 中文"},
            status=ProductStatus.ACTIVE,
            options=(option,) if option else (),
            variants=(variant,),
        )
    )
    market = await shop.markets.default()
    async with shop.db.unit_of_work() as uow:
        await shop.pricing.set_price(uow, market, sku, Money(price, "CNY"))
        if quantity:
            await shop.inventory.receive(uow, new_id(), sku, quantity)
    return product.id
