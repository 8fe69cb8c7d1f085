"""One order, all the way through the house."""

from __future__ import annotations

from tests.shop import MUG, SHIRT, TestShop


async def test_a_shopper_finds_buys_receives_and_returns_money(shop: TestShop) -> None:
    listed = (await shop.client.get("/store/products")).json()["items"]
    assert [item["slug"] for item in listed] == ["mug", "shirt"]

    order = await shop.placed((SHIRT, 2), (MUG, 1))
    assert order["status"] == "placed"
    assert order["fulfilment_status"] == "unfulfilled"
    assert order["totals"]["items"] == {"amount": 44300, "currency": "CNY"}
    assert order["payment"]["action"]["kind"] == "redirect"
    assert await shop.stock(SHIRT) == (10, 2)

    await shop.pay(order)
    paid = await shop.read(order)
    assert paid["payment_status"] == "paid"
    assert [entry["event"] for entry in paid["history"]] == ["placed", "pending", "paid"]

    shipped = await shop.admin("POST", f"/admin/orders/{order['number']}/shipments", json={})
    assert shipped.status_code == 201, shipped.text
    assert shipped.json()["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (8, 0)
