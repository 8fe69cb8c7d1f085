"""Several taxes on one class of goods, in order, some on top of others."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T16:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Compound tax."

forwards = sql_migration(
    ID,
    app_name="commercekit_pricing",
    description=DESCRIPTION,
    forwards="""
        ALTER TABLE pricing_tax_rate
            ADD COLUMN code     text NOT NULL DEFAULT 'tax',
            ADD COLUMN position integer NOT NULL DEFAULT 0,
            ADD COLUMN compound boolean NOT NULL DEFAULT false;
        DROP INDEX pricing_one_rate_per_destination;
        CREATE UNIQUE INDEX pricing_one_rate_per_destination
            ON pricing_tax_rate (tax_class, country, lower(coalesce(region, '')), code);
    """,
    backwards="""
        DROP INDEX pricing_one_rate_per_destination;
        DELETE FROM pricing_tax_rate WHERE code <> 'tax';
        CREATE UNIQUE INDEX pricing_one_rate_per_destination
            ON pricing_tax_rate (tax_class, country, lower(coalesce(region, '')));
        ALTER TABLE pricing_tax_rate DROP COLUMN code, DROP COLUMN position, DROP COLUMN compound;
    """,
)
