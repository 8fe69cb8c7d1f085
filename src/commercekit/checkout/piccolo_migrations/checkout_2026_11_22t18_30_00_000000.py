"""Carts that belong to a customer."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "carts of customers"

forwards = sql_migration(
    ID,
    app_name="commercekit_checkout",
    forwards="""
ALTER TABLE checkout_cart ADD COLUMN owner_id uuid;
-- One open cart for each customer and market: a second one would be a cart nobody finds again.
CREATE UNIQUE INDEX checkout_cart_of_owner ON checkout_cart (owner_id, market)
    WHERE owner_id IS NOT NULL AND order_id IS NULL;
""",
    backwards="DROP INDEX checkout_cart_of_owner; ALTER TABLE checkout_cart DROP COLUMN owner_id;",
    description=DESCRIPTION,
)
