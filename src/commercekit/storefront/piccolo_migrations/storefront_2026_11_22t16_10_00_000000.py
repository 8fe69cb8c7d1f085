"""What is nearly gone is said in lists."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T16:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "products that are nearly gone"

_SUMMARISE = """
    CREATE OR REPLACE FUNCTION storefront_summarise(market uuid, products uuid[])
    RETURNS TABLE (changed_product uuid)
    LANGUAGE sql AS $$
        WITH summed AS (
            SELECT v.product_id, min(v.price) AS price_min, max(v.price) AS price_max,
                   (array_agg(v.compare_at ORDER BY v.price, v.position))[1] AS compare_at,
                   bool_or(v.available > 0) AS in_stock%s
            FROM storefront_variant v
            WHERE v.market_id = market AND v.product_id = ANY (products)
              AND v.price IS NOT NULL
            GROUP BY v.product_id
        ), wanted AS (
            SELECT p.product_id, s.price_min, s.price_max, s.compare_at,
                   coalesce(s.in_stock, false) AS in_stock%s
            FROM unnest(products) AS p (product_id)
            LEFT JOIN summed s ON s.product_id = p.product_id
        )
        UPDATE storefront_product t
        SET price_min = w.price_min, price_max = w.price_max, compare_at = w.compare_at,
            in_stock = w.in_stock%s
        FROM wanted w
        WHERE t.market_id = market AND t.product_id = w.product_id
          AND (t.price_min, t.price_max, t.compare_at, t.in_stock%s)
              IS DISTINCT FROM (w.price_min, w.price_max, w.compare_at, w.in_stock%s)
        RETURNING t.product_id
    $$
"""
_WITH_LOW_STOCK = (
    ", sum(v.available) BETWEEN 1 AND 3 AS low_stock",
    ", coalesce(s.low_stock, false) AS low_stock",
    ", low_stock = w.low_stock",
    ", t.low_stock",
    ", w.low_stock",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        "ALTER TABLE storefront_product ADD COLUMN low_stock boolean NOT NULL DEFAULT false",
        _SUMMARISE % _WITH_LOW_STOCK,
        """
        SELECT storefront_summarise(market_id, array_agg(product_id))
        FROM storefront_product GROUP BY market_id
        """,
    ],
    backwards=[
        _SUMMARISE % ("", "", "", "", ""),
        "ALTER TABLE storefront_product DROP COLUMN low_stock",
    ],
)
