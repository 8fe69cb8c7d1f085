"""Lists are read from narrow rows of their own; a price or a number in stock rewrites those alone."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "one narrow row for each category that a product is listed in"

_ALL = "00000000-0000-0000-0000-000000000000"
_ON_SALE = "is_published AND price_min IS NOT NULL"
_LISTED = f"""
    SELECT p.market_id, s.shelf_id, p.product_id, p.price_min, p.in_stock, p.brand_slug
    FROM storefront_product p,
         LATERAL (SELECT DISTINCT unnest('{_ALL}'::uuid || p.category_ids)) s (shelf_id)
    WHERE p.{_ON_SALE}
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        f"""
        CREATE TABLE storefront_listing (
            market_id uuid NOT NULL,
            -- A category, or {_ALL} for all that is on sale.
            shelf_id uuid NOT NULL,
            product_id uuid NOT NULL,
            price_min bigint NOT NULL,
            in_stock boolean NOT NULL,
            brand_slug text COLLATE "C"
        ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)
        """,
        f"INSERT INTO storefront_listing {_LISTED}",
        # Each holds all that filters ask for: neither counting nor walking looks at a row.
        """
        ALTER TABLE storefront_listing ADD PRIMARY KEY (market_id, shelf_id, product_id)
            INCLUDE (price_min, in_stock, brand_slug)
        """,
        """
        CREATE INDEX storefront_listing_price ON storefront_listing
            (market_id, shelf_id, price_min, product_id) INCLUDE (in_stock, brand_slug)
        """,
        """
        CREATE INDEX storefront_listing_brand ON storefront_listing
            (market_id, shelf_id, brand_slug, product_id) INCLUDE (price_min, in_stock)
            WHERE brand_slug IS NOT NULL
        """,
        # A trigger, since whoever writes a product must not be able to forget it. It runs for what lists
        # show otherwise only, with the product's row locked.
        f"""
        CREATE FUNCTION storefront_list() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.category_ids = NEW.category_ids
               AND OLD.is_published AND OLD.price_min IS NOT NULL
               AND NEW.is_published AND NEW.price_min IS NOT NULL THEN
                UPDATE storefront_listing SET price_min = NEW.price_min, in_stock = NEW.in_stock,
                    brand_slug = NEW.brand_slug
                WHERE market_id = NEW.market_id AND product_id = NEW.product_id
                  AND shelf_id = ANY ('{_ALL}'::uuid || NEW.category_ids);
                RETURN NULL;
            END IF;
            IF TG_OP <> 'INSERT' THEN
                DELETE FROM storefront_listing
                WHERE market_id = OLD.market_id AND product_id = OLD.product_id
                  AND shelf_id = ANY ('{_ALL}'::uuid || OLD.category_ids);
            END IF;
            IF TG_OP <> 'DELETE' THEN
                IF NEW.is_published AND NEW.price_min IS NOT NULL THEN
                    INSERT INTO storefront_listing (market_id, shelf_id, product_id, price_min,
                        in_stock, brand_slug)
                    SELECT DISTINCT NEW.market_id, s.shelf_id, NEW.product_id, NEW.price_min,
                        NEW.in_stock, NEW.brand_slug
                    FROM unnest('{_ALL}'::uuid || NEW.category_ids) s (shelf_id);
                END IF;
            END IF;
            RETURN NULL;
        END
        $$
        """,
        """
        CREATE TRIGGER storefront_product_listed AFTER INSERT ON storefront_product
            FOR EACH ROW WHEN (NEW.is_published AND NEW.price_min IS NOT NULL)
            EXECUTE FUNCTION storefront_list()
        """,
        """
        CREATE TRIGGER storefront_product_relisted
            AFTER UPDATE OF is_published, price_min, in_stock, brand_slug, category_ids
            ON storefront_product FOR EACH ROW
            WHEN ((OLD.is_published, OLD.price_min, OLD.in_stock, OLD.brand_slug, OLD.category_ids)
                  IS DISTINCT FROM
                  (NEW.is_published, NEW.price_min, NEW.in_stock, NEW.brand_slug, NEW.category_ids))
            EXECUTE FUNCTION storefront_list()
        """,
        """
        CREATE TRIGGER storefront_product_unlisted AFTER DELETE ON storefront_product
            FOR EACH ROW EXECUTE FUNCTION storefront_list()
        """,
        """
        CREATE FUNCTION storefront_list_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            TRUNCATE storefront_listing;
            RETURN NULL;
        END
        $$
        """,
        """
        CREATE TRIGGER storefront_product_emptied AFTER TRUNCATE ON storefront_product
            EXECUTE FUNCTION storefront_list_nothing()
        """,
        # No index of the wide rows names a price or a number in stock any more: changing one leaves all of
        # them alone, those of the words above all, as long as the page has room for another row.
        "DROP INDEX storefront_product_newest, storefront_product_price, storefront_product_brand",
        "DROP INDEX storefront_product_name_en, storefront_product_name_zh",
        *(
            f"""
            CREATE INDEX storefront_product_name_{language} ON storefront_product
                (market_id, (storefront_name_key(name, '{language}') COLLATE "C"), product_id)
                WHERE is_published
            """
            for language in ("en", "zh")
        ),
        "ALTER TABLE storefront_product SET (fillfactor = 80)",
    ],
    backwards=[
        "ALTER TABLE storefront_product RESET (fillfactor)",
        "DROP INDEX storefront_product_name_en, storefront_product_name_zh",
        *(
            f"""
            CREATE INDEX storefront_product_name_{language} ON storefront_product
                (market_id, (storefront_name_key(name, '{language}') COLLATE "C"), product_id)
                WHERE {_ON_SALE}
            """
            for language in ("en", "zh")
        ),
        f"""
        CREATE INDEX storefront_product_newest ON storefront_product (market_id, product_id DESC)
            INCLUDE (price_min, in_stock, brand_id, brand_slug, category_ids) WHERE {_ON_SALE}
        """,
        f"""
        CREATE INDEX storefront_product_price ON storefront_product (market_id, price_min, product_id)
            WHERE {_ON_SALE}
        """,
        f"""
        CREATE INDEX storefront_product_brand ON storefront_product
            (market_id, brand_slug, product_id DESC) INCLUDE (price_min, in_stock, category_ids)
            WHERE {_ON_SALE}
        """,
        "DROP TRIGGER storefront_product_emptied ON storefront_product",
        "DROP TRIGGER storefront_product_unlisted ON storefront_product",
        "DROP TRIGGER storefront_product_relisted ON storefront_product",
        "DROP TRIGGER storefront_product_listed ON storefront_product",
        "DROP FUNCTION storefront_list(), storefront_list_nothing()",
        "DROP TABLE storefront_listing",
    ],
)
