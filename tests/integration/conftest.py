"""A whole shop against a real PostgreSQL, asked over its own HTTP interface.

Nothing runs by itself here: ``shop.settle()`` relays facts and does what is due, when a test says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from commercekit.app import Shop, ShopConfiguration, build_application, load_configuration
from commercekit.app import piccolo_apps as apps_of
from commercekit.catalog import NewProduct, NewVariant, Option, OptionValue, ProductStatus
from commercekit.identity import NewToken
from commercekit.kernel import Money, new_id
from commercekit.platform.security import Principal
from commercekit.testing.clock import ManualClock

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

[[fulfilment.accounts.table-rate.default.rates]]
amount = 1000
free_above = 100000

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
SHIRT, MUG = "SHIRT-BLUE-M", "MUG"


class _Loop(httpx.AsyncBaseTransport):
    """Leads calls to the outside back into the shop: sandbox vendors stand on its own address."""

    def __init__(self) -> None:
        self.inner: httpx.ASGITransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self.inner is not None
        return await self.inner.handle_async_request(request)


@dataclass
class TestShop:
    """The shop, a client for shoppers, and one for staff."""

    __test__ = False

    shop: Shop
    client: httpx.AsyncClient
    clock: ManualClock
    staff_token: str
    keys: list[str] = field(default_factory=list)

    async def settle(self) -> None:
        """Everything due, here and now: facts to consumers, jobs, and what follows from them."""
        for _ in range(20):
            moved = await self.shop.bus.drain()
            done = await self.shop.jobs.run_due()
            if not moved and not done:
                return
        pytest.fail("the shop does not come to rest")

    async def admin(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask as staff who may do everything."""
        headers = {"Authorization": f"Bearer {self.staff_token}", **request.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid4()))
        return await self.client.request(method, path, headers=headers, **request)

    async def order(
        self,
        *lines: tuple[str, int],
        method: str = "sandbox",
        key: str | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One-call checkout of ``lines``."""
        body = {
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            "address": ADDRESS,
            "email": "li.lei@example.com",
            "shipping": await self.shipping_code(),
            "payment_method": method,
            **more,
        }
        headers = {"Idempotency-Key": key or str(uuid4())}
        return await self.client.post("/store/checkout", json=body, headers=headers)

    async def placed(self, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
        """An order that was placed."""
        answer = await self.order(*(lines or ((SHIRT, 1),)), **more)
        assert answer.status_code == 201, answer.text
        order: dict[str, Any] = answer.json()
        return order

    async def paid(self, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
        """An order that was paid on the sandbox gateway's own page."""
        order = await self.placed(*lines, **more)
        await self.pay(order)
        return await self.read(order)

    async def pay(self, order: dict[str, Any], choice: str = "pay") -> httpx.Response:
        """Open the payment's page and press one of its buttons, as a browser would."""
        url = order["payment"]["action"]["url"]
        page = await self.client.get(url)
        assert page.status_code == 200, page.text
        answer = await self.client.post(url, data={"action": choice})
        await self.settle()
        return answer

    async def read(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order as its shopper sees it now."""
        answer = await self.client.get(
            f"/store/orders/{order['number']}", headers={"X-Order-Token": order["token"]}
        )
        assert answer.status_code == 200, answer.text
        return {**answer.json(), "token": order["token"]}

    async def shipping_code(self) -> str:
        """A way of shipping that the shop offers to the test's address."""
        cart = (await self.client.post("/store/carts", json={})).json()
        path, headers = f"/store/carts/{cart['id']}", {"X-Cart-Token": cart["token"]}
        line = {"sku": MUG, "quantity": 1}
        await self.client.post(f"{path}/lines", json=line, headers=headers)
        await self.client.put(f"{path}/address", json=ADDRESS, headers=headers)
        options = (await self.client.get(f"{path}/shipping-options", headers=headers)).json()
        await self.client.delete(path, headers=headers)
        code: str = options[0]["code"]
        return code

    async def stock(self, sku: str) -> tuple[int, int]:
        """On hand and allocated."""
        level = await self.shop.inventory.level(sku)
        return level.on_hand, level.allocated


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> ShopConfiguration:
    """The settings of the test shop, with every plugin of the repository."""
    folder: Path = tmp_path_factory.mktemp("shop")
    file = folder / "commercekit.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return load_configuration(file, {"COMMERCEKIT_DATA": str(folder / "data")})


@pytest.fixture(scope="session")
def piccolo_apps(configuration: ShopConfiguration) -> Sequence[str]:
    """The core's tables and the plugins'."""
    return apps_of(configuration)


@pytest_asyncio.fixture
async def shop(
    dsn: str, clock: ManualClock, configuration: ShopConfiguration
) -> AsyncIterator[TestShop]:
    """A shop with two products: a shirt of which there are ten, and a mug of which there are 100."""
    loop = _Loop()
    opened = Shop(configuration, dsn, clock=clock, http=httpx.AsyncClient(transport=loop))
    app = build_application(opened)
    loop.inner = httpx.ASGITransport(app)
    async with (
        opened.opened(),
        httpx.AsyncClient(transport=loop.inner, base_url="http://shop.test") as client,
    ):
        await _stock(opened)
        issued = await opened.identity.create_token(
            Principal(id="test", scopes=frozenset({"*:*"})), NewToken(name="test", scopes=frozenset({"*:*"}))
        )
        yield TestShop(opened, client, clock, issued.secret)


async def _stock(shop: Shop) -> None:
    market = await shop.markets.default()
    size = Option(code="size", name={"en": "Size"}, values=(OptionValue(code="M", label={"en": "M"}),))
    for slug, sku, price, quantity, options in (
        ("shirt", SHIRT, 19900, 10, (size,)),
        ("mug", MUG, 4500, 100, ()),
    ):
        await shop.catalog.create_product(
            NewProduct(
                slug=slug,
                name={"en": slug.title(), "zh": slug},
                status=ProductStatus.ACTIVE,
                options=options,
                variants=(
                    NewVariant(sku=sku, options={"size": "M"} if options else {}, weight_grams=300),
                ),
            )
        )
        async with shop.db.unit_of_work() as uow:
            await shop.pricing.set_price(uow, market, sku, Money(price, "CNY"))
            await shop.inventory.receive(uow, new_id(), sku, quantity)
    await shop.bus.drain()
