"""Beside a price that is reduced stands the lowest of the 30 days before."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "lowest price of 30 days"

_SUMMARISE = """
    CREATE OR REPLACE FUNCTION storefront_summarise(market uuid, products uuid[])
    RETURNS TABLE (changed_product uuid)
    LANGUAGE %s
        WITH summed AS (
            SELECT v.product_id, min(v.price) AS price_min, max(v.price) AS price_max,
                   (array_agg(v.compare_at ORDER BY v.price, v.position))[1] AS compare_at,
                   bool_or(v.available > 0) AS in_stock,
                   sum(v.available) BETWEEN 1 AND 3 AS low_stock
            FROM storefront_variant v
            WHERE v.market_id = market AND v.product_id = ANY (products)
              AND v.price IS NOT NULL
            GROUP BY v.product_id
        ), wanted AS (
            SELECT p.product_id, s.price_min, s.price_max, s.compare_at,
                   coalesce(s.in_stock, false) AS in_stock,
                   coalesce(s.low_stock, false) AS low_stock
            FROM unnest(products) AS p (product_id)
            LEFT JOIN summed s ON s.product_id = p.product_id
        )
        UPDATE storefront_product t
        SET price_min = w.price_min, price_max = w.price_max, compare_at = w.compare_at,
            in_stock = w.in_stock, low_stock = w.low_stock
        FROM wanted w
        WHERE t.market_id = market AND t.product_id = w.product_id
          AND (t.price_min, t.price_max, t.compare_at, t.in_stock, t.low_stock)
              IS DISTINCT FROM
              (w.price_min, w.price_max, w.compare_at, w.in_stock, w.low_stock)
        RETURNING t.product_id%s
    $$
"""
_LOCKED = """plpgsql AS $$
    BEGIN
        -- Two who sell the last of two variants at once must not both count the other's: whoever comes
        -- second waits here, and the statement below sees what the first one wrote.
        PERFORM FROM storefront_product p
        WHERE p.market_id = market AND p.product_id = ANY (products)
        ORDER BY p.product_id FOR NO KEY UPDATE;
        RETURN QUERY"""

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        "ALTER TABLE storefront_variant ADD COLUMN lowest_30d bigint",
        # Which rows were made in an older way is asked for with whatever number is the present one.
        "DROP INDEX storefront_product_old_terms",
        """
        CREATE INDEX storefront_product_search_version ON storefront_product (search_version)
        """,
        _SUMMARISE % (_LOCKED, ";\n    END"),
    ],
    backwards=[
        _SUMMARISE % ("sql AS $$", ""),
        "DROP INDEX storefront_product_search_version",
        """
        CREATE INDEX storefront_product_old_terms ON storefront_product (search_version)
            WHERE search_version < 1
        """,
        "ALTER TABLE storefront_variant DROP COLUMN lowest_30d",
    ],
)
