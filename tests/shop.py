"""A whole shop against a real PostgreSQL, asked over its own HTTP interface.

Nothing runs by itself here: ``shop.settle()`` relays facts and does what is due, when a test says so.
A ``conftest.py`` that wants it imports the three fixtures at the end of this module.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from commercekit.app import Shop, ShopConfiguration, build_application, load_configuration
from commercekit.app import piccolo_apps as apps_of
from commercekit.catalog import Option, OptionValue
from commercekit.kernel import Money
from commercekit.platform.providers import ProviderUnavailable
from commercekit.testing.clock import ManualClock
from commercekit_payment_sandbox.gateway import SandboxGateway
from tests.shop_parts import (
    ADDRESS,
    EMAIL,
    MUG,
    PICKUP,
    SETTINGS,
    SHIPPING,
    SHIRT,
    Loopback,
    issue_token,
    sell,
)

__all__ = [
    "ADDRESS",
    "EMAIL",
    "MUG",
    "PICKUP",
    "SHIPPING",
    "SHIRT",
    "Body",
    "Cart",
    "TestShop",
    "cny",
    "configuration",
    "events",
    "given",
    "piccolo_apps",
    "refused",
    "shop",
]

Body = dict[str, Any]


def cny(amount: int) -> dict[str, Any]:
    """So many fen, as on the wire."""
    return {"amount": amount, "currency": "CNY"}


def refused(answer: httpx.Response, status: int, slug: str) -> Body:
    """The problem in ``answer``, which has this status and this end of its type."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem: Body = answer.json()
    assert problem["type"].rpartition("/")[2] == slug, problem
    assert problem["status"] == status
    return problem


def given(answer: httpx.Response, status: int = 200) -> Any:
    """What a successful ``answer`` says."""
    assert answer.status_code == status, answer.text
    return answer.json()


def events(order: Body) -> list[str]:
    """What happened to the order, oldest first."""
    return [entry["event"] for entry in order["history"]]


@dataclass
class Cart:
    """A shopper with a cart."""

    client: httpx.AsyncClient
    id: str
    token: str
    language: str = "en"

    async def ask(self, method: str, path: str = "", **request: Any) -> httpx.Response:
        """Ask about this cart; ``path`` starts with a slash or is empty."""
        headers = {
            "X-Cart-Token": self.token,
            "Accept-Language": self.language,
            **request.pop("headers", {}),
        }
        return await self.client.request(
            method, f"/store/carts/{self.id}{path}", headers=headers, **request
        )

    async def add(self, sku: str, quantity: int = 1) -> Body:
        """Put something in."""
        line = {"sku": sku, "quantity": quantity}
        cart: Body = given(await self.ask("POST", "/lines", json=line))
        return cart

    async def ready(self) -> Body:
        """Say where it goes and how it travels."""
        given(await self.ask("PUT", "/address", json=ADDRESS))
        cart: Body = given(await self.ask("PUT", "/shipping", json={"code": SHIPPING}))
        return cart

    async def read(self) -> Body:
        """The cart, priced now."""
        cart: Body = given(await self.ask("GET"))
        return cart

    async def checkout(self, agreed: int, *, key: str | None = None, **more: Any) -> httpx.Response:
        """Order what is in it."""
        body = {"payment_method": "sandbox", "email": EMAIL, "expected_total": cny(agreed), **more}
        return await self.ask(
            "POST", "/checkout", json=body, headers={"Idempotency-Key": key or str(uuid4())}
        )


@dataclass
class TestShop:
    """The shop, a client for shoppers, and one for staff."""

    __test__ = False

    shop: Shop
    client: httpx.AsyncClient
    clock: ManualClock
    staff_token: str
    outbox: Path

    async def settle(self) -> None:
        """Everything due, here and now: facts to consumers, jobs, and what follows from them."""
        for _ in range(20):
            moved = await self.shop.bus.drain()
            swept = await self.shop.payments.sweep()
            done = await self.shop.jobs.run_due()
            if not moved and not swept and not done:
                return
        pytest.fail("the shop does not come to rest")

    # ------------------------------------------------------------------------------- the shopper

    async def cart(
        self, *lines: tuple[str, int], language: str = "en", ready: bool = False
    ) -> Cart:
        """A new cart with ``lines``, and with address and shipping if it is to be ``ready``."""
        headers = {"Accept-Language": language}
        made = given(await self.client.post("/store/carts", json={}, headers=headers), 201)
        cart = Cart(self.client, made["id"], made["token"], language)
        for sku, quantity in lines:
            await cart.add(sku, quantity)
        if ready:
            await cart.ready()
        return cart

    async def order(
        self,
        *lines: tuple[str, int],
        method: str | None = "sandbox",
        key: str | None = None,
        language: str = "en",
        **more: Any,
    ) -> httpx.Response:
        """One-call checkout of ``lines``; what is ``None`` in ``more`` is left out."""
        body = {
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            "address": ADDRESS,
            "email": EMAIL,
            "shipping": SHIPPING,
            "payment_method": method,
            **more,
        }
        body = {name: value for name, value in body.items() if value is not None}
        headers = {"Idempotency-Key": key or str(uuid4()), "Accept-Language": language}
        return await self.client.post("/store/checkout", json=body, headers=headers)

    async def placed(self, *lines: tuple[str, int], **more: Any) -> Body:
        """An order that was placed."""
        order: Body = given(await self.order(*(lines or ((SHIRT, 1),)), **more), 201)
        return order

    async def paid(self, *lines: tuple[str, int], **more: Any) -> Body:
        """An order that was paid on the sandbox gateway's own page."""
        order = await self.placed(*lines, **more)
        await self.pay(order)
        return await self.read(order)

    async def pay(self, order: Body, choice: str = "pay", **fields: str) -> httpx.Response:
        """Open the payment's page and press one of its buttons, as a browser would."""
        url = order["payment"]["action"]["url"]
        page = await self.client.get(url)
        assert page.status_code == 200, page.text
        answer = await self.client.post(url, data={"action": choice, **fields})
        await self.settle()
        return answer

    async def pay_at_once(self, *orders: Body) -> None:
        """Press "pay" on every page before the shop hears of any."""
        for order in orders:
            await self.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
        await self.settle()

    async def pay_another_way(
        self, order: Body, method: str = "sandbox", *, deaf: bool = False
    ) -> Body:
        """Open another payment; ``deaf`` has the gateway not hear that the former is to be closed."""

        async def unheard(*_: Any) -> Any:
            raise ProviderUnavailable

        body = {"payment_method": method}
        with pytest.MonkeyPatch.context() as patch:
            if deaf:
                patch.setattr(SandboxGateway, "close", unheard)
            opened: Body = given(await self.ask("POST", order, "/payments", json=body), 201)
        return {**opened, "token": order["token"]}

    async def ask(
        self, method: str, order: Body, path: str = "", *, key: str | None = None, **request: Any
    ) -> httpx.Response:
        """Ask about an order, as its shopper."""
        headers = {"X-Order-Token": order["token"], **request.pop("headers", {})}
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid4())
        return await self.client.request(
            method, f"/store/orders/{order['number']}{path}", headers=headers, **request
        )

    async def read(self, order: Body) -> Body:
        """The order as its shopper sees it now."""
        return {**given(await self.ask("GET", order)), "token": order["token"]}

    async def asked_back(
        self, order: Body, *units: int, shipping: bool = False, **request: Any
    ) -> Body:
        """A refund request over so many ``units`` of the order's lines, in their order."""
        body = {
            "lines": [
                {"line_id": line["id"], "quantity": quantity}
                for line, quantity in zip(order["lines"], units, strict=False)
                if quantity
            ],
            "shipping": shipping,
            "reason": "It does not fit",
        }
        made: Body = given(
            await self.ask("POST", order, "/refund-requests", json=body, **request), 201
        )
        return made

    # --------------------------------------------------------------------------------- the staff

    async def admin(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask as staff who may do everything."""
        headers = {"Authorization": f"Bearer {self.staff_token}", **request.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid4()))
        return await self.client.request(method, path, headers=headers, **request)

    async def token(self, *scopes: str) -> dict[str, str]:
        """The header of a member of staff with these scopes only."""
        return {"Authorization": f"Bearer {await issue_token(self.shop, *scopes)}"}

    async def ship(self, order: Body, **body: Any) -> httpx.Response:
        """Ship what is left, or what ``body`` says; by the carrier that needs no real one."""
        wanted = {"carrier": "sandbox", "service": "standard", **body}
        return await self.admin("POST", f"/admin/orders/{order['number']}/shipments", json=wanted)

    async def deliver(self, shipment: Body) -> None:
        """Let the carrier's script run to its end."""
        number = shipment["tracking_number"]
        for _ in range(10):
            path = f"/plugins/carrier-sandbox/parcels/{number}/advance"
            if (await self.client.post(path)).status_code == 409:
                break
        await self.settle()

    async def approve(self, request: Body, **body: Any) -> httpx.Response:
        """Agree to a refund request."""
        key = body.pop("key", None) or str(uuid4())
        path = f"/admin/refund-requests/{request['id']}/approve"
        return await self.admin("POST", path, json=body, headers={"Idempotency-Key": key})

    async def reject(self, request: Body, reason: str = "Worn") -> httpx.Response:
        """Decline a refund request."""
        path = f"/admin/refund-requests/{request['id']}/reject"
        return await self.admin("POST", path, json={"reason": reason})

    async def promotion(self, code: str, rule: str, config: Body, **more: Any) -> Body:
        """A promotion, set up through the admin interface."""
        body = {
            "code": code,
            "name": {"en": code.title(), "zh": f"促销 {code}"},
            "rule": rule,
            "config": config,
            **more,
        }
        made: Body = given(await self.admin("POST", "/admin/promotions", json=body), 201)
        return made

    # ---------------------------------------------------------------------------------- the books

    async def product(self, sku: str, price: int, quantity: int = 10) -> str:
        """Another product on sale; gives its SKU."""
        await sell(self.shop, sku.lower(), sku, price, quantity)
        await self.settle()
        return sku

    async def reprice(self, sku: str, price: int) -> None:
        """Another list price."""
        async with self.shop.db.unit_of_work() as uow:
            market = await self.shop.markets.default()
            await self.shop.pricing.set_price(uow, market, sku, Money(price, "CNY"))
        await self.settle()

    async def withdraw(self, slug: str) -> None:
        """Take a product off sale."""
        product = await self.shop.catalog.product_by_slug(slug)
        await self.shop.catalog.archive_product(product.id)
        await self.settle()

    async def stock(self, sku: str) -> tuple[int, int]:
        """On hand and allocated."""
        level = await self.shop.inventory.level(sku)
        return level.on_hand, level.allocated

    async def count(self, table: str) -> int:
        """Rows of a table."""
        return int(await self.shop.db.fetchval(f"SELECT count(*) FROM {table}"))

    async def orders(self) -> int:
        """How many orders there are."""
        return await self.count("orders_order")

    def mails(self, number: str) -> list[Mapping[str, str]]:
        """What was written to the shopper about an order: subject and text, oldest first."""
        found = []
        for file in sorted(self.outbox.glob("*.eml")):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            text = message.get_body(("plain",))
            if number in str(message["Subject"]):
                assert text is not None
                found.append(
                    {
                        "to": str(message["To"]),
                        "subject": str(message["Subject"]),
                        "text": text.get_content(),
                    }
                )
        return found


async def open_shop(
    dsn: str, clock: ManualClock, configuration: ShopConfiguration, *, goods: bool = True
) -> AsyncIterator[TestShop]:
    """A shop with two products: a shirt of which there are ten, and a mug of which there are 100.

    Without ``goods`` there is what the database has already.
    """
    loop = Loopback()
    opened = Shop(configuration, dsn, clock=clock, http=httpx.AsyncClient(transport=loop))
    app = build_application(opened)
    loop.inner = httpx.ASGITransport(app)
    async with (
        opened.opened(),
        httpx.AsyncClient(transport=loop.inner, base_url="http://shop.test") as client,
    ):
        size = Option(
            code="size", name={"en": "Size"}, values=(OptionValue(code="M", label={"en": "M"}),)
        )
        if goods:
            await sell(opened, "shirt", SHIRT, 19900, 10, size)
            await sell(opened, "mug", MUG, 4500, 100)
            await opened.bus.drain()
        folder = configuration.sections["notify-sandbox"].folder  # type: ignore[attr-defined]  # its own struct
        yield TestShop(opened, client, clock, await issue_token(opened, "*:*"), folder)


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> ShopConfiguration:
    """The settings of the test shop, with every plugin of the repository."""
    folder: Path = tmp_path_factory.mktemp("shop")
    file = folder / "commercekit.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return load_configuration(
        file,
        {
            "COMMERCEKIT_DATA": str(folder / "data"),
            "COMMERCEKIT_PLUGINS__NOTIFY_SANDBOX__FOLDER": str(folder / "messages"),
        },
    )


@pytest.fixture(scope="session")
def piccolo_apps(configuration: ShopConfiguration) -> Sequence[str]:
    """The core's tables and the plugins'."""
    return apps_of(configuration)


@pytest_asyncio.fixture
async def shop(
    dsn: str, clock: ManualClock, configuration: ShopConfiguration
) -> AsyncIterator[TestShop]:
    """See :func:`open_shop`."""
    async for opened in open_shop(dsn, clock, configuration):
        yield opened
