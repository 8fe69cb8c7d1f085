"""Fills an empty development shop with what its settings call its demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from commercekit.errors import ConfigurationError
from commercekit.kernel import new_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from commercekit.app import Shop
    from commercekit.catalog import ImportReport

__all__ = ["seed_demo"]


async def seed_demo(shop: Shop, progress: Callable[[int], None]) -> ImportReport | None:
    """Import the demo catalogue and set up its promotions; None when there is nothing to do.

    Only a shop without a single product is filled: whoever deleted the demo gets no second one. Of
    several nodes that start at once one fills it. In safe mode it waits, for its promotions need their
    rules.
    """
    demo = shop.settings.demo
    if demo.products is None or shop.settings.in_production or shop.safe_mode.active:
        return None
    async with shop.db.alone("demo"):
        if await shop.catalog.product_ids(limit=1):
            return None
        return await _fill(shop, demo.products, progress)


async def _fill(shop: Shop, products: Path, progress: Callable[[int], None]) -> ImportReport:
    market = await shop.markets.default()
    try:
        lines = products.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        message = f"demo.products names {products}, and that cannot be read: {error.strerror}"
        raise ConfigurationError(message) from error
    with lines:
        report = await shop.importer(market).run(
            lines,
            currency=market.currency,
            language=market.languages[0],
            progress=lambda so_far: progress(so_far.products),
        )
    await _promote(shop)
    return report


async def _promote(shop: Shop) -> None:
    from commercekit.promotions import Promotion

    for given in shop.settings.demo.promotions:
        try:
            text = msgspec.json.encode({"id": new_id(), **given})
            promotion = msgspec.json.decode(text, type=Promotion)
        except msgspec.ValidationError as error:
            message = f"demo.promotions: {error}"
            raise ConfigurationError(message) from error
        async with shop.db.unit_of_work() as uow:
            await shop.promotions.create(uow, promotion)
