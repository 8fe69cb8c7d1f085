"""Row 57: whoever steals the database, the queue or the cache reads no personal field there."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import pytest_asyncio

from commercekit.app import ShopConfiguration, load_configuration
from tests.security.dumps import dump, dump_of_cache, listening_in, seen, spellings
from tests.shop import MUG, SHIRT, Body, TestShop, given, open_shop
from tests.shop_parts import SETTINGS

NAME = "Canaria Vogelsang"
PHONE = "+8613911112222"
STREET = "4711 Canary Wharf Lane"
MAIL = "canary.person@example.org"
NOTE = "leave it with the canary"
REASON = "the canary died in it"
STAFF_NOTE = "she keeps canaries"
HOOK = "whsec-canary-header-value"
CANARIES = (NAME, PHONE, STREET, MAIL, NOTE, REASON, STAFF_NOTE, HOOK)
ADDRESS = {
    "name": NAME,
    "phone": PHONE,
    "country": "CN",
    "region": "Shanghai",
    "city": "Shanghai",
    "line1": STREET,
}


def test_a_canary_is_found_however_it_is_spelt():
    for spelt in (MAIL.encode(), MAIL.encode().hex().encode()):
        assert seen({"t": b"x" + spelt + b"y"}, CANARIES) == [("t", MAIL)]
    for offset in range(3):
        hidden = base64.b64encode(b"?" * offset + MAIL.encode() + b"tail")
        assert seen({"t": hidden}, CANARIES) == [("t", MAIL)], offset
    assert seen({"t": b"nothing"}, CANARIES) == []
    assert all(len(each) > 8 for each in spellings(MAIL))


def beside(folder: Path, **settings: str) -> ShopConfiguration:
    """The settings of the test shop with some more."""
    file = folder / "commercekit.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    environ = {
        "DATA": str(folder / "data"),
        "PLUGINS__NOTIFY_SANDBOX__FOLDER": str(folder / "messages"),
        **settings,
    }
    return load_configuration(
        file, {f"COMMERCEKIT_{name}": value for name, value in environ.items()}
    )


async def leave_traces(shop: TestShop) -> Body:
    """Everything that a shopper and staff type, once; gives the order."""
    cart = await shop.cart((SHIRT, 1))
    given(await cart.ask("PUT", "/address", json=ADDRESS))
    order = await shop.paid((SHIRT, 1), (MUG, 2), address=ADDRESS, email=MAIL, note=NOTE)
    number = order["number"]
    given(await shop.admin("POST", f"/admin/orders/{number}/notes", json={"text": STAFF_NOTE}), 201)
    given(await shop.ship(order), 201)
    await shop.settle()
    line = order["lines"][0]["id"]
    body = {"lines": [{"line_id": line, "quantity": 1}], "shipping": False, "reason": REASON}
    given(await shop.ask("POST", order, "/refund-requests", json=body), 201)
    registered = await shop.client.post(
        "/store/auth/register",
        json={"email": MAIL, "password": "canary battery staple", "name": NAME},
    )
    assert registered.status_code == 201, registered.text
    await shop.settle()
    # Last, and nothing is settled any more: it is called by nobody.
    hook = {
        "url": "https://8.8.8.8/in",
        "events": ["order.OrderPlaced"],
        "headers": {"X-Key": HOOK},
    }
    given(await shop.admin("POST", "/admin/webhooks", json=hook), 201)

    return order


async def test_no_personal_field_lies_in_clear_anywhere(shop: TestShop) -> None:
    order = await leave_traces(shop)
    dumped = await dump(shop)
    assert len(dumped) > 30
    assert "public.orders_order" in str(dumped.keys()) or any(
        "orders_order" in each for each in dumped
    )
    assert seen(dumped, (*CANARIES, "canary battery staple")) == []
    # They are there, for those who may read them.
    read = await shop.read(order)
    assert read["address"]["phone"] == PHONE


@pytest_asyncio.fixture
async def cached_shop(dsn, clock, tmp_path, cache_url):
    """A shop that keeps what it caches in a server of its own."""
    async for opened in open_shop(dsn, clock, beside(tmp_path, CACHE__URL=cache_url)):
        yield opened


async def test_no_personal_field_lies_in_the_cache(cached_shop: TestShop, cache_url: str) -> None:
    order = await leave_traces(cached_shop)
    broadcast, client = cached_shop.shop.broadcast, cached_shop.client
    async with broadcast.running():
        await broadcast.wait_until_listening()
        for path in ("/store/products", "/store/products/mug", "/store/categories"):
            given(await client.get(path, headers={"X-Order-Token": order["token"]}))
        given(await client.get("/store/products", params={"q": MAIL}))
        await cached_shop.read(order)
        kept = await dump_of_cache(cache_url)
    assert any(b"mug" in each for each in kept.values()), list(kept)
    assert any("limit" in name for name in kept), list(kept)
    assert seen(kept, CANARIES) == []


@pytest_asyncio.fixture
async def queued_shop(dsn, clock, tmp_path, rabbit_url):
    """A shop whose facts travel by a broker."""
    async for opened in open_shop(dsn, clock, beside(tmp_path, BUS__URL=rabbit_url)):
        yield opened


@pytest.mark.slow
async def test_no_personal_field_travels_by_the_queue(
    queued_shop: TestShop, rabbit_url: str
) -> None:
    async with listening_in(rabbit_url, "commercekit.facts") as heard:
        await leave_traces(queued_shop)
        await queued_shop.settle()
        messages = await heard()
    assert len(messages) > 5
    assert any("OrderPlaced" in name for name in messages), list(messages)
    assert seen(messages, (*CANARIES, "canary battery staple")) == []
