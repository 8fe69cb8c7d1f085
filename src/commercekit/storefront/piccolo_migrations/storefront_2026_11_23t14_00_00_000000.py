"""Words stand apart from what pages show: searches read narrow rows, and no index of words hangs on products."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T14:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "words in a table of their own"

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        """
        CREATE TABLE storefront_words (
            market_id uuid NOT NULL,
            product_id uuid NOT NULL,
            -- As the product's row says it: a trigger there keeps it so.
            on_sale boolean NOT NULL,
            terms tsvector NOT NULL
        ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)
        """,
        # In the order of age: the newest, which are looked at first, stand beside each other.
        """
        INSERT INTO storefront_words
        SELECT market_id, product_id, is_published AND price_min IS NOT NULL, terms
        FROM storefront_product ORDER BY market_id, product_id
        """,
        "ALTER TABLE storefront_words ADD PRIMARY KEY (market_id, product_id)",
        "DROP INDEX storefront_product_terms",
        "ALTER TABLE storefront_product DROP COLUMN terms",
        # What is not yet in its place in the index is read by every search, all of it.
        """
        CREATE INDEX storefront_words_terms ON storefront_words USING gin (terms)
            WITH (gin_pending_list_limit = 512)
        """,
        """
        CREATE FUNCTION storefront_sell_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE storefront_words SET on_sale = NEW.is_published AND NEW.price_min IS NOT NULL
            WHERE market_id = NEW.market_id AND product_id = NEW.product_id;
            RETURN NULL;
        END
        $$
        """,
        """
        CREATE TRIGGER storefront_product_sold AFTER UPDATE OF is_published, price_min
            ON storefront_product FOR EACH ROW
            WHEN ((OLD.is_published AND OLD.price_min IS NOT NULL)
                  <> (NEW.is_published AND NEW.price_min IS NOT NULL))
            EXECUTE FUNCTION storefront_sell_words()
        """,
        """
        CREATE FUNCTION storefront_forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'TRUNCATE' THEN
                TRUNCATE storefront_words;
            ELSE
                DELETE FROM storefront_words
                WHERE market_id = OLD.market_id AND product_id = OLD.product_id;
            END IF;
            RETURN NULL;
        END
        $$
        """,
        """
        CREATE TRIGGER storefront_product_unsaid AFTER DELETE ON storefront_product
            FOR EACH ROW EXECUTE FUNCTION storefront_forget_words()
        """,
        """
        CREATE TRIGGER storefront_product_all_unsaid AFTER TRUNCATE ON storefront_product
            EXECUTE FUNCTION storefront_forget_words()
        """,
    ],
    backwards=[
        "DROP TRIGGER storefront_product_all_unsaid ON storefront_product",
        "DROP TRIGGER storefront_product_unsaid ON storefront_product",
        "DROP TRIGGER storefront_product_sold ON storefront_product",
        "DROP FUNCTION storefront_sell_words(), storefront_forget_words()",
        "ALTER TABLE storefront_product ADD COLUMN terms tsvector NOT NULL DEFAULT ''::tsvector",
        """
        UPDATE storefront_product p SET terms = w.terms FROM storefront_words w
        WHERE w.market_id = p.market_id AND w.product_id = p.product_id
        """,
        "CREATE INDEX storefront_product_terms ON storefront_product USING gin (terms)",
        "DROP TABLE storefront_words",
    ],
)
