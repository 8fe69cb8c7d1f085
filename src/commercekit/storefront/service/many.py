"""Many facts of one change taken in at once: each product is written once, prices set by set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.inventory import AvailabilityChanged
from commercekit.pricing import PriceChanged

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.storefront.service.projection import Projection

__all__ = ["take_together"]

Figures = tuple[int | None, int | None]
"""Amount and comparison."""


async def take_together(projection: Projection, uow: UnitOfWork, facts: Sequence[Any]) -> None:
    """What one after the other would come to.

    A product that is written anew takes its prices and its stock from where they are now, so facts of
    these say nothing more about it.
    """
    prices: dict[UUID, dict[str, Figures]] = {}
    stock: dict[tuple[str, str | None], AvailabilityChanged] = {}
    products: dict[UUID, None] = {}
    for fact in facts:
        if isinstance(fact, PriceChanged):
            # Nothing is a price: it is another thing than none.
            compare_at = None if fact.compare_at is None else fact.compare_at.amount
            amount = None if fact.amount is None else fact.amount.amount
            prices.setdefault(fact.market_id, {})[fact.sku] = (amount, compare_at)
        elif isinstance(fact, AvailabilityChanged):
            stock[fact.sku, fact.market] = fact
        else:
            products[fact.product_id] = None
    await projection.refresh(uow, list(products))
    written = await _skus_of(uow, list(products))
    for market_id, figures in prices.items():
        left = {sku: pair for sku, pair in figures.items() if sku not in written}
        if left:
            await _prices(projection, uow, market_id, left)
    for (sku, market), told in stock.items():
        if sku not in written:
            await projection.availability(
                uow, sku, told.shown, market=market, elsewhere=told.elsewhere
            )


async def _skus_of(uow: UnitOfWork, product_ids: list[UUID]) -> set[str]:
    if not product_ids:
        return set()
    rows = await uow.fetch(
        "SELECT DISTINCT sku FROM storefront_variant WHERE product_id = ANY ($1)", product_ids
    )
    return {row["sku"] for row in rows}


async def _prices(
    projection: Projection, uow: UnitOfWork, market_id: UUID, figures: Mapping[str, Figures]
) -> None:
    if len(figures) == 1:
        ((sku, (amount, compare_at)),) = figures.items()
        await projection.price(uow, market_id, sku, amount, compare_at)
        return
    columns = zip(*((sku, *pair) for sku, pair in sorted(figures.items())), strict=True)
    rows = await uow.fetch(
        """
        UPDATE storefront_variant v SET price = p.price, compare_at = p.compare_at
        FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS p (sku, price, compare_at)
        WHERE v.market_id = $1 AND v.sku = p.sku
          AND (v.price, v.compare_at) IS DISTINCT FROM (p.price, p.compare_at)
        RETURNING v.product_id, v.sku
        """,
        market_id,
        *(list(column) for column in columns),
    )
    await projection.summarise(uow, market_id, list({row["product_id"] for row in rows}))
    done = {row["sku"] for row in rows}
    await projection.price_first(
        uow,
        market_id,
        [s for s, (amount, _) in figures.items() if amount is not None and s not in done],
    )
