"""Search: terms of our own beside each product, the vocabulary of a market, synonyms."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T16:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "search terms, vocabulary and synonyms"

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        # Rows from before are searched by plain words until a job writes their terms
        # (search_version below the current one).
        """
        ALTER TABLE storefront_product
            ADD COLUMN terms tsvector NOT NULL DEFAULT ''::tsvector,
            ADD COLUMN search_version smallint NOT NULL DEFAULT 0
        """,
        "UPDATE storefront_product SET terms = setweight(to_tsvector('simple', search), 'A')",
        "ALTER TABLE storefront_product DROP COLUMN search",
        "CREATE INDEX storefront_product_terms ON storefront_product USING gin (terms)",
        """
        CREATE INDEX storefront_product_old_terms ON storefront_product (search_version)
            WHERE search_version < 1
        """,
        """
        CREATE TABLE storefront_term (
            market_id uuid NOT NULL,
            term text COLLATE "C" NOT NULL,
            documents integer NOT NULL DEFAULT 1,
            near text[] NOT NULL DEFAULT '{}',
            PRIMARY KEY (market_id, term)
        )
        """,
        "CREATE INDEX storefront_term_near ON storefront_term USING gin (near)",
        """
        CREATE TABLE storefront_synonym (
            id uuid PRIMARY KEY,
            words text[] NOT NULL CHECK (cardinality(words) BETWEEN 2 AND 50),
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL
        )
        """,
    ],
    backwards=[
        "DROP TABLE storefront_synonym",
        "DROP TABLE storefront_term",
        "ALTER TABLE storefront_product ADD COLUMN search text NOT NULL DEFAULT ''",
        "UPDATE storefront_product SET search = array_to_string(tsvector_to_array(terms), ' ')",
        "ALTER TABLE storefront_product ALTER COLUMN search DROP DEFAULT",
        "ALTER TABLE storefront_product DROP COLUMN terms, DROP COLUMN search_version",
    ],
)
