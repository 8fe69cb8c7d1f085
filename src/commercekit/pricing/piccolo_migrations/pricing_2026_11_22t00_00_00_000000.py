"""Price lists, prices and tax rates."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Price lists, prices and tax rates."

_TABLES = """
CREATE TABLE pricing_price_list (
    id         uuid PRIMARY KEY,
    code       text NOT NULL UNIQUE,
    market_id  uuid NOT NULL,
    currency   char(3) NOT NULL,
    name       jsonb NOT NULL DEFAULT '{}',
    is_default boolean NOT NULL DEFAULT false,
    version    integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX pricing_one_default_list
    ON pricing_price_list (market_id, currency) WHERE is_default;

CREATE TABLE pricing_price (
    price_list_id uuid NOT NULL REFERENCES pricing_price_list (id) ON DELETE CASCADE,
    sku           text NOT NULL,
    amount        bigint NOT NULL CHECK (amount >= 0),
    compare_at    bigint CHECK (compare_at >= 0),
    version       integer NOT NULL DEFAULT 1,
    changed_at    timestamptz NOT NULL,
    PRIMARY KEY (price_list_id, sku)
);
CREATE INDEX pricing_price_of_sku ON pricing_price (sku);

CREATE TABLE pricing_tax_rate (
    id        uuid PRIMARY KEY,
    tax_class text NOT NULL,
    country   char(2) NOT NULL,
    region    text,
    rate_ppm  integer NOT NULL CHECK (rate_ppm BETWEEN 0 AND 1000000),
    name      jsonb NOT NULL DEFAULT '{}',
    version   integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX pricing_one_rate_per_destination
    ON pricing_tax_rate (tax_class, country, lower(coalesce(region, '')));
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_pricing",
    description=DESCRIPTION,
    forwards=_TABLES,
    backwards=("DROP TABLE pricing_price, pricing_price_list, pricing_tax_rate"),
)
