"""Orders are written by one statement, unless a number that shoppers see changes with them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from commercekit.checkout.service import placing
from commercekit.platform.db import UnitOfWork
from tests.shop import MUG, Body, TestShop, given, refused

FACTS = """
SELECT aggregate, type, version, sequence, payload ->> 'number' IS NOT NULL AS numbered
FROM platform_outbox WHERE payload::text LIKE '%' || $1 || '%' ORDER BY position
"""


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How each batch was written, or was tried to be."""
    taken: list[str] = []
    genuine = placing.place_all

    async def place_all(where: Any, *args: Any, **options: Any) -> Any:
        taken.append("unit of work" if isinstance(where, UnitOfWork) else "statement")
        return await genuine(where, *args, **options)

    monkeypatch.setattr(placing, "place_all", place_all)
    return taken


async def facts_of(shop: TestShop, order: Body) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await shop.shop.db.fetch(FACTS, order["id"])]


async def shown(shop: TestShop, sku: str) -> int:
    product = given(await shop.client.get(f"/store/products/{sku.lower()}"))
    return int(product["variants"][0]["available"])


async def test_the_facts_are_the_same_either_way(
    shop: TestShop, ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for method in ("cod", "sandbox"):
        ways.clear()
        alone = given(await shop.order((MUG, 1), method=method), 201)
        assert ways == ["statement"]
        told = await facts_of(shop, alone)
        with monkeypatch.context() as patched:
            patched.setattr(shop.shop.bus, "rows", lambda *_: None)
            together = given(await shop.order((MUG, 1), method=method), 201)
        assert ways == ["statement", "unit of work"]
        assert told[0][1] == "order.OrderPlaced"
        assert told == await facts_of(shop, together)
        assert told[0][3] == 1


async def test_what_shoppers_see_of_the_last_pieces_changes_with_the_order(
    shop: TestShop, ways: list[str]
) -> None:
    sku = await shop.product("LAST", 900, quantity=21)
    assert await shown(shop, "LAST") == 20
    given(await shop.order((sku, 1), method="cod"), 201)
    assert (ways, await shown(shop, "LAST")) == (["statement"], 20)
    given(await shop.order((sku, 2), method="cod"), 201)
    assert ways == ["statement", "statement", "unit of work"]
    assert await shown(shop, "LAST") == 18
    given(await shop.order((sku, 1), method="cod"), 201)
    assert ways[3:] == ["unit of work"], "it is remembered for a moment whose last pieces are sold"
    given(await shop.order((MUG, 1), method="cod"), 201)
    assert ways[4:] == ["statement"]
    assert await shown(shop, "LAST") == 17
    assert await shop.stock(sku) == (21, 4)


async def test_the_last_pieces_go_to_as_many_as_there_are(shop: TestShop) -> None:
    sku = await shop.product("LAST", 900, quantity=23)
    answers = await asyncio.gather(*(shop.order((sku, 2), method="cod") for _ in range(15)))
    sold = [answer for answer in answers if answer.status_code == 201]
    assert len(sold) == 11
    for answer in answers:
        if answer not in sold:
            refused(answer, 409, "out-of-stock")
    assert await shop.stock(sku) == (23, 22)
    assert await shown(shop, "LAST") == 1
