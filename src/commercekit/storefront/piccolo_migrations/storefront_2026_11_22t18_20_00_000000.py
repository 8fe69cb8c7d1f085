"""Where a rebuild goes on; orders and counts that an index answers."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "where a rebuild goes on, names in order"

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        """
        CREATE TABLE storefront_rebuild (
            one boolean PRIMARY KEY DEFAULT true CHECK (one),
            product_id uuid NOT NULL,
            done integer NOT NULL,
            at timestamptz NOT NULL
        )
        """,
        # What filters and facets ask for stands in the index that they walk: counting a thousand products
        # must not fetch a thousand pages.
        "DROP INDEX storefront_product_newest",
        """
        CREATE INDEX storefront_product_newest ON storefront_product (market_id, product_id DESC)
            INCLUDE (price_min, in_stock, brand_id, brand_slug, category_ids)
            WHERE is_published AND price_min IS NOT NULL
        """,
        # How often words are that begin like another is read from the index alone.
        """
        ALTER TABLE storefront_term DROP CONSTRAINT storefront_term_pkey,
            ADD PRIMARY KEY (market_id, term) INCLUDE (documents)
        """,
        # Sorting by name: the same words as Python's choice of a language, and an index for each of the
        # languages that shops are made with. Others are sorted when they are asked for.
        """
        CREATE FUNCTION storefront_name_key(name jsonb, language text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT lower(coalesce(name->>language, name->>'en',
                (SELECT min(t.value) FROM jsonb_each_text(name) t), '')) COLLATE "C"
        $$
        """,
        *(
            f"""
            CREATE INDEX storefront_product_name_{language} ON storefront_product
                (market_id, (storefront_name_key(name, '{language}') COLLATE "C"), product_id)
                WHERE is_published AND price_min IS NOT NULL
            """
            for language in ("en", "zh")
        ),
    ],
    backwards=[
        "DROP INDEX storefront_product_newest",
        """
        CREATE INDEX storefront_product_newest ON storefront_product (market_id, product_id DESC)
            WHERE is_published AND price_min IS NOT NULL
        """,
        "DROP INDEX storefront_product_name_en, storefront_product_name_zh",
        "DROP FUNCTION storefront_name_key(jsonb, text)",
        """
        ALTER TABLE storefront_term DROP CONSTRAINT storefront_term_pkey,
            ADD PRIMARY KEY (market_id, term)
        """,
        "DROP TABLE storefront_rebuild",
    ],
)
