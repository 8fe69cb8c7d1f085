"""A market whose prices exclude tax: it is added, once, and every sum says so."""

from __future__ import annotations

import pytest

from commercekit.app import ShopConfiguration, load_configuration
from tests.shop import MUG, SHIRT, TestShop, cny, events, given
from tests.shop_parts import SETTINGS


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> ShopConfiguration:
    """The test shop, with prices before tax."""
    folder = tmp_path_factory.mktemp("before-tax")
    file = folder / "commercekit.toml"
    file.write_text(SETTINGS.replace("[market]", "[market]\nprices_include_tax = false"))
    return load_configuration(
        file,
        {
            "COMMERCEKIT_DATA": str(folder / "data"),
            "COMMERCEKIT_PLUGINS__NOTIFY_SANDBOX__FOLDER": str(folder / "messages"),
        },
    )


async def test_tax_is_added_to_goods_and_freight_and_goes_back_with_them(shop: TestShop) -> None:
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    cart = await shop.cart((SHIRT, 1), (MUG, 2), ready=True)
    quote = await cart.read()
    totals = {name: money["amount"] for name, money in quote["totals"].items()}
    assert (totals["items"], totals["discount"], totals["shipping"]) == (28_900, 2_890, 1_000)
    goods, freight = 26_010, 1_000
    assert totals["tax"] == sum(line["tax"]["amount"] for line in quote["lines"]) + 130
    assert abs(totals["tax"] - (goods + freight) * 0.13) <= 1
    assert totals["total"] == goods + freight + totals["tax"]
    assert sum(line["total"]["amount"] for line in quote["lines"]) == totals["total"] - 1_130

    order = given(await cart.checkout(totals["total"]), 201)
    assert order["totals"] == quote["totals"]
    await shop.pay(order)
    paid = await shop.read(order)
    assert paid["payment_status"] == "paid"
    request = await shop.asked_back(paid, 1, 2, shipping=True)
    assert request["amount"] == cny(totals["total"])
    given(await shop.approve(request))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert "refund-succeeded" in events(read)
