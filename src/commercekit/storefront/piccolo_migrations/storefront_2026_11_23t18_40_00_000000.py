"""New products are written once: with what their variants come to, and all of a statement listed together."""

from commercekit.platform.db import sql_migration

ID = "2026-11-23T18:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "new products summed up and listed a statement at a time"

_SUMMARY = """
    -- Prices of what is sold, and what there is of it. Always one row: without a variant that is sold it has
    -- no price, and nothing is in stock.
    CREATE FUNCTION storefront_summary(market uuid, product uuid)
    RETURNS TABLE (price_min bigint, price_max bigint, compare_at bigint, in_stock boolean, low_stock boolean)
    LANGUAGE sql STABLE AS $$
        SELECT min(v.price), max(v.price), (array_agg(v.compare_at ORDER BY v.price, v.position))[1],
               coalesce(bool_or(v.available > 0), false),
               coalesce(sum(v.available) BETWEEN 1 AND 3, false)
        FROM storefront_variant v
        WHERE v.market_id = market AND v.product_id = product AND v.price IS NOT NULL
    $$
"""
_SUMMARISE = """
    CREATE OR REPLACE FUNCTION storefront_summarise(market uuid, products uuid[])
    RETURNS TABLE (changed_product uuid)
    LANGUAGE plpgsql AS $$
    BEGIN
        -- Two who sell the last of two variants at once must not both count the other's: whoever comes
        -- second waits here, and the statement below sees what the first one wrote.
        PERFORM FROM storefront_product p
        WHERE p.market_id = market AND p.product_id = ANY (products)
        ORDER BY p.product_id FOR NO KEY UPDATE;
        RETURN QUERY
        %s
        UPDATE storefront_product t
        SET price_min = w.price_min, price_max = w.price_max, compare_at = w.compare_at,
            in_stock = w.in_stock, low_stock = w.low_stock
        FROM %s w
        WHERE t.market_id = market AND t.product_id = w.product_id
          AND (t.price_min, t.price_max, t.compare_at, t.in_stock, t.low_stock)
              IS DISTINCT FROM
              (w.price_min, w.price_max, w.compare_at, w.in_stock, w.low_stock)
        RETURNING t.product_id;
    END
    $$
"""
_BY_THE_SUMMARY = (
    "",
    "(SELECT p.product_id, s.* FROM unnest(products) p (product_id),"
    " LATERAL storefront_summary(market, p.product_id) s)",
)
_BY_ITSELF = (
    """
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
    """,
    "wanted",
)
_ALL = "00000000-0000-0000-0000-000000000000"
_LIST_NEW = f"""
    CREATE FUNCTION storefront_list_new() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO storefront_listing (market_id, shelf_id, product_id, price_min, in_stock, brand_slug)
        SELECT n.market_id, s.shelf_id, n.product_id, n.price_min, n.in_stock, n.brand_slug
        FROM written n,
             LATERAL (SELECT DISTINCT unnest('{_ALL}'::uuid || n.category_ids)) s (shelf_id)
        WHERE n.is_published AND n.price_min IS NOT NULL;
        RETURN NULL;
    END
    $$
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        _SUMMARY,
        _SUMMARISE % _BY_THE_SUMMARY,
        _LIST_NEW,
        "DROP TRIGGER storefront_product_listed ON storefront_product",
        """
        CREATE TRIGGER storefront_products_listed AFTER INSERT ON storefront_product
            REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT EXECUTE FUNCTION storefront_list_new()
        """,
    ],
    backwards=[
        "DROP TRIGGER storefront_products_listed ON storefront_product",
        """
        CREATE TRIGGER storefront_product_listed AFTER INSERT ON storefront_product
            FOR EACH ROW WHEN (NEW.is_published AND NEW.price_min IS NOT NULL)
            EXECUTE FUNCTION storefront_list()
        """,
        "DROP FUNCTION storefront_list_new()",
        _SUMMARISE % _BY_ITSELF,
        "DROP FUNCTION storefront_summary(uuid, uuid)",
    ],
)
