"""A shop does not serve before it hears what turns old."""

from __future__ import annotations

import asyncio

from tests.shop import TestShop


async def test_who_serves_hears_changes_already(shop: TestShop) -> None:
    listening = shop.shop.broadcast.wait_until_listening

    async def late() -> None:
        await asyncio.sleep(0.15)
        await listening()

    shop.shop.broadcast.wait_until_listening = late  # type: ignore[method-assign]  # a database that is slow
    async with shop.shop.broadcast.running(), shop.shop._heard_in_time():
        assert shop.shop.broadcast.is_listening


async def test_a_shop_that_cannot_hear_serves_all_the_same(shop: TestShop, monkeypatch) -> None:
    monkeypatch.setattr("commercekit.app.shop._HEARD_SECONDS", 0.05)
    async with shop.shop._heard_in_time():
        assert not shop.shop.broadcast.is_listening
