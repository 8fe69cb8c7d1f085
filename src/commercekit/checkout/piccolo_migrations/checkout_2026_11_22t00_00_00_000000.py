"""Carts."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "carts"

forwards = sql_migration(
    ID,
    app_name="commercekit_checkout",
    forwards="""
CREATE TABLE checkout_cart (
    id uuid PRIMARY KEY,
    market text NOT NULL,
    locale text NOT NULL,
    lines jsonb NOT NULL DEFAULT '[]',
    address bytea,
    shipping text,
    coupons text[] NOT NULL DEFAULT '{}',
    order_id uuid,
    expires_at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1
) WITH (fillfactor = 70);
CREATE INDEX checkout_cart_expiring ON checkout_cart (expires_at);
""",
    backwards="DROP TABLE checkout_cart;",
    description=DESCRIPTION,
)
