"""Many prices of one list, each way in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.pricing.models import ListedPrice, PriceList
from commercekit.pricing.repository.prices import Source, as_price

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["default_prices", "lock_prices", "write_prices"]


async def default_prices(
    db: Source, market_id: UUID, currency: str, skus: Iterable[str]
) -> dict[str, ListedPrice]:
    """What the market's default list has for one of each; a SKU that is not in it is absent."""
    rows = await db.fetch(
        """
        SELECT p.sku, p.amount, p.compare_at, p.version, p.min_quantity
        FROM pricing_price_list l JOIN pricing_price p ON p.price_list_id = l.id
        WHERE l.market_id = $1 AND l.currency = $2 AND l.is_default
          AND p.sku = ANY($3::text[]) AND p.min_quantity = 1
        """,
        market_id,
        currency,
        list(skus),
    )
    return {row["sku"]: as_price(row, currency) for row in rows}


async def lock_prices(
    uow: UnitOfWork, price_list: PriceList, keys: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, int | None]]:
    """Amount and comparison of these SKUs and quantities, held until the transaction ends."""
    rows = await uow.fetch(
        """
        -- Each by its key: where the table has just grown, a join reads every price of the list.
        SELECT p.sku, p.min_quantity, p.amount, p.compare_at
        FROM (SELECT sku, min_quantity FROM unnest($2::text[], $3::integer[]) AS u (sku, min_quantity)
              ORDER BY sku, min_quantity) k
        CROSS JOIN LATERAL (
            SELECT sku, min_quantity, amount, compare_at FROM pricing_price
            WHERE price_list_id = $1 AND sku = k.sku AND min_quantity = k.min_quantity FOR UPDATE) p
        """,
        price_list.id,
        [key[0] for key in keys],
        [key[1] for key in keys],
    )
    return {(row["sku"], row["min_quantity"]): (row["amount"], row["compare_at"]) for row in rows}


async def write_prices(
    uow: UnitOfWork,
    price_list: PriceList,
    prices: Sequence[tuple[str, int, int, int | None]],
) -> None:
    """Write or overwrite (SKU, quantity, amount, comparison), each once; a trigger keeps history."""
    await uow.execute(
        """
        INSERT INTO pricing_price (price_list_id, sku, min_quantity, amount, compare_at, changed_at)
        SELECT $1, sku, min_quantity, amount, compare_at, $6
        FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[])
            AS p(sku, min_quantity, amount, compare_at)
        ORDER BY sku, min_quantity
        ON CONFLICT (price_list_id, sku, min_quantity) DO UPDATE
        SET amount = excluded.amount, compare_at = excluded.compare_at,
            changed_at = excluded.changed_at, version = pricing_price.version + 1
        """,
        price_list.id,
        *(list(column) for column in zip(*prices, strict=True)),
        uow.clock.now(),
    )
