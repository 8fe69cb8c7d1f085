"""A brand's products are counted and put in order from the index alone."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T20:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "an index of brands that holds what filters ask for"

forwards = sql_migration(
    ID,
    app_name="commercekit_storefront",
    # At 100,000 products a brand of 500 cost as many pages; an index alone is a handful.
    forwards=[
        "DROP INDEX storefront_product_brand",
        """
        CREATE INDEX storefront_product_brand ON storefront_product
            (market_id, brand_slug, product_id DESC) INCLUDE (price_min, in_stock, category_ids)
            WHERE is_published AND price_min IS NOT NULL
        """,
    ],
    backwards=[
        "DROP INDEX storefront_product_brand",
        "CREATE INDEX storefront_product_brand ON storefront_product (market_id, brand_slug)",
    ],
    description=DESCRIPTION,
)
