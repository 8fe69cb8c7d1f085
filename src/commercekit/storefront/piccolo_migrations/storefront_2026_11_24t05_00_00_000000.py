"""Prices and numbers are shown of products, too, that come to the storefront at the same time."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-24T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "newcomers wait for their prices and numbers, and these for them"

_NEWCOMERS = """
    -- The advisory lock that is held in common by whoever writes rows that were not there, from before prices
    -- and stock are read to the end of the transaction, and alone by whoever has a price or a number to show
    -- of a SKU without a row.
    CREATE FUNCTION storefront_newcomers() RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$ SELECT hashtextextended('storefront: newcomers', 0) $$
"""
_AWAIT = """
    -- Where one of these SKUs has no row in one market, or in any but some, waits for who is about to write it,
    -- and keeps others from it. The caller's next statement sees what was written meanwhile.
    CREATE FUNCTION storefront_await(skus text[], only_market uuid, but uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM unnest(skus) AS wanted (sku)
            WHERE NOT EXISTS (
                SELECT FROM storefront_variant v
                WHERE v.sku = wanted.sku
                  AND (only_market IS NULL OR v.market_id = only_market) AND NOT v.market_id = ANY (but))
        ) THEN
            PERFORM pg_advisory_xact_lock(storefront_newcomers());
        END IF;
    END
    $$
"""
_HOLD = """
    -- Waits for newcomers, then locks the rows of these SKUs: in this order, as whoever writes products does.
    CREATE FUNCTION storefront_hold(skus text[], only_market uuid, but uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM storefront_await(skus, only_market, but);
        PERFORM FROM storefront_variant v
        WHERE v.sku = ANY (skus)
          AND (only_market IS NULL OR v.market_id = only_market) AND NOT v.market_id = ANY (but)
        ORDER BY v.market_id, v.variant_id FOR UPDATE;
    END
    $$
"""
# By SKU whatever the planner believes of a table that grew (decision 0046): one plan for all, in which the
# condition on the market, said as it is, has no index.
_SHOW_PRICES = """
    CREATE FUNCTION storefront_show_prices(
        market uuid, skus text[], prices bigint[], compared bigint[], lowest bigint[])
    RETURNS SETOF uuid
    LANGUAGE plpgsql
    SET enable_seqscan = off
    SET plan_cache_mode = force_generic_plan
    AS $$
    BEGIN
        PERFORM storefront_hold(skus, market, '{}');
        RETURN QUERY
        UPDATE storefront_variant v
        SET price = w.price, compare_at = w.compare_at, lowest_30d = w.lowest_30d
        FROM unnest(skus, prices, compared, lowest) AS w (sku, price, compare_at, lowest_30d)
        WHERE v.sku = w.sku AND (market IS NULL OR v.market_id = market)
          AND (v.price, v.compare_at, v.lowest_30d)
              IS DISTINCT FROM (w.price, w.compare_at, w.lowest_30d)
        RETURNING v.product_id;
    END
    $$
"""
_SHOW_STOCK = """
    CREATE FUNCTION storefront_show_stock(skus text[], shown integer[], only_market uuid, but uuid[])
    RETURNS TABLE (market_id uuid, product_id uuid)
    LANGUAGE plpgsql
    SET enable_seqscan = off
    SET plan_cache_mode = force_generic_plan
    AS $$
    #variable_conflict use_column
    BEGIN
        PERFORM storefront_hold(skus, only_market, but);
        RETURN QUERY
        UPDATE storefront_variant v SET available = w.shown
        FROM unnest(skus, shown) AS w (sku, shown)
        WHERE v.sku = w.sku AND v.available <> w.shown
          AND (only_market IS NULL OR v.market_id = only_market) AND NOT v.market_id = ANY (but)
        RETURNING v.market_id, v.product_id;
    END
    $$
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[_NEWCOMERS, _AWAIT, _HOLD, _SHOW_PRICES, _SHOW_STOCK],
    backwards=[
        "DROP FUNCTION storefront_show_stock(text[], integer[], uuid, uuid[]);",
        "DROP FUNCTION storefront_show_prices(uuid, text[], bigint[], bigint[], bigint[]);",
        "DROP FUNCTION storefront_hold(text[], uuid, uuid[]);",
        "DROP FUNCTION storefront_await(text[], uuid, uuid[]);",
        "DROP FUNCTION storefront_newcomers();",
    ],
)
