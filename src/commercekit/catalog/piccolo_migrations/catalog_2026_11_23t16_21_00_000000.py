"""What a variant costs the shop, since when, and by whose word."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T16:21:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "costs of variants"

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    description=DESCRIPTION,
    forwards=[
        # A cost is never changed: a new one begins, and the last one holds. Without an amount it was taken
        # away. It outlives its variant, as the history of products does.
        """
        CREATE TABLE catalog_cost (
            id uuid PRIMARY KEY,
            variant_id uuid NOT NULL,
            number integer NOT NULL CHECK (number > 0),
            sku text NOT NULL,
            amount bigint CHECK (amount >= 0),
            currency char(3),
            at timestamptz NOT NULL,
            actor text NOT NULL,
            CHECK ((amount IS NULL) = (currency IS NULL)),
            UNIQUE (variant_id, number)
        )
        """,
        """
        CREATE FUNCTION catalog_cost_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the history of costs is append-only';
        END
        $$
        """,
        "CREATE TRIGGER catalog_cost_stays BEFORE UPDATE OR DELETE ON catalog_cost"
        " FOR EACH ROW EXECUTE FUNCTION catalog_cost_stays()",
    ],
    backwards=["DROP TABLE catalog_cost", "DROP FUNCTION catalog_cost_stays()"],
)
