"""In how many products a word is not in the description alone: as many as its beginning finds."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T16:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "words counted apart from descriptions"

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    description=DESCRIPTION,
    forwards=[
        # As many as there may be, until they are counted.
        "ALTER TABLE storefront_term ADD COLUMN named integer NOT NULL DEFAULT 0",
        "UPDATE storefront_term SET named = documents",
        """
        ALTER TABLE storefront_term DROP CONSTRAINT storefront_term_pkey,
            ADD PRIMARY KEY (market_id, term) INCLUDE (documents, named)
        """,
    ],
    backwards=[
        """
        ALTER TABLE storefront_term DROP CONSTRAINT storefront_term_pkey,
            ADD PRIMARY KEY (market_id, term) INCLUDE (documents)
        """,
        "ALTER TABLE storefront_term DROP COLUMN named",
    ],
)
