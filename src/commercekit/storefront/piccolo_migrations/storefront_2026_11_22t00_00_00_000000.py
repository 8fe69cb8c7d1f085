"""The read models of list and detail. They can be dropped and rebuilt at any time."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "read models of list and detail"

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        """
        CREATE TABLE storefront_product (
            market_id uuid NOT NULL,
            product_id uuid NOT NULL,
            slug text NOT NULL,
            is_published boolean NOT NULL,
            name jsonb NOT NULL,
            brand_id uuid,
            brand_slug text,
            brand_name jsonb,
            category_ids uuid[] NOT NULL,
            search text NOT NULL,
            image_url text,
            page jsonb NOT NULL,
            price_min bigint,
            price_max bigint,
            compare_at bigint,
            in_stock boolean NOT NULL DEFAULT false,
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (market_id, product_id),
            -- A renamed product may take the slug of another in the same transaction.
            UNIQUE (market_id, slug) DEFERRABLE INITIALLY DEFERRED
        )
        """,
        """
        CREATE INDEX storefront_product_newest ON storefront_product (market_id, product_id DESC)
            WHERE is_published AND price_min IS NOT NULL
        """,
        """
        CREATE INDEX storefront_product_price
            ON storefront_product (market_id, price_min, product_id)
            WHERE is_published AND price_min IS NOT NULL
        """,
        "CREATE INDEX storefront_product_categories ON storefront_product USING gin (category_ids)",
        "CREATE INDEX storefront_product_brand ON storefront_product (market_id, brand_slug)",
        """
        CREATE TABLE storefront_variant (
            market_id uuid NOT NULL,
            variant_id uuid NOT NULL,
            product_id uuid NOT NULL,
            sku text NOT NULL,
            position integer NOT NULL,
            options jsonb NOT NULL,
            image_url text,
            price bigint,
            compare_at bigint,
            available integer NOT NULL DEFAULT 0,
            PRIMARY KEY (market_id, variant_id)
        )
        """,
        "CREATE INDEX storefront_variant_product ON storefront_variant (market_id, product_id)",
        "CREATE INDEX storefront_variant_sku ON storefront_variant (sku)",
        """
        -- Brings price range and stock of products in line with their variants, and tells of which
        -- the list shows something else now. Rows that are right already are not written.
        CREATE FUNCTION storefront_summarise(market uuid, products uuid[])
        RETURNS TABLE (changed_product uuid)
        LANGUAGE sql AS $$
            WITH summed AS (
                SELECT v.product_id, min(v.price) AS price_min, max(v.price) AS price_max,
                       (array_agg(v.compare_at ORDER BY v.price, v.position))[1] AS compare_at,
                       bool_or(v.available > 0) AS in_stock
                FROM storefront_variant v
                WHERE v.market_id = market AND v.product_id = ANY (products)
                  AND v.price IS NOT NULL
                GROUP BY v.product_id
            ), wanted AS (
                SELECT p.product_id, s.price_min, s.price_max, s.compare_at,
                       coalesce(s.in_stock, false) AS in_stock
                FROM unnest(products) AS p (product_id)
                LEFT JOIN summed s ON s.product_id = p.product_id
            )
            UPDATE storefront_product t
            SET price_min = w.price_min, price_max = w.price_max, compare_at = w.compare_at,
                in_stock = w.in_stock
            FROM wanted w
            WHERE t.market_id = market AND t.product_id = w.product_id
              AND (t.price_min, t.price_max, t.compare_at, t.in_stock)
                  IS DISTINCT FROM (w.price_min, w.price_max, w.compare_at, w.in_stock)
            RETURNING t.product_id
        $$
        """,
    ],
    backwards=[
        "DROP FUNCTION storefront_summarise(uuid, uuid[])",
        "DROP TABLE storefront_variant",
        "DROP TABLE storefront_product",
    ],
)
