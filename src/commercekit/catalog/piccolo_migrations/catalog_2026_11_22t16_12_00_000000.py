"""Typed attributes, related products, times to appear and disappear, and who changed what."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T16:12:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "attributes, related products, schedule, history"

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    description=DESCRIPTION,
    forwards=[
        """
        ALTER TABLE catalog_product
            ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
            ADD COLUMN related_ids uuid[] NOT NULL DEFAULT '{}',
            ADD COLUMN publish_at timestamptz,
            ADD COLUMN unpublish_at timestamptz,
            ADD CONSTRAINT catalog_product_schedule CHECK (unpublish_at > publish_at)
        """,
        "CREATE INDEX catalog_product_publish ON catalog_product (publish_at)"
        " WHERE publish_at IS NOT NULL",
        "CREATE INDEX catalog_product_unpublish ON catalog_product (unpublish_at)"
        " WHERE unpublish_at IS NOT NULL",
        """
        CREATE TABLE catalog_attribute (
            id uuid PRIMARY KEY,
            product_type text NOT NULL,
            code text NOT NULL,
            name jsonb NOT NULL,
            kind text NOT NULL CHECK (kind IN ('text', 'number', 'boolean', 'choice')),
            unit text NOT NULL,
            choices jsonb NOT NULL,
            required boolean NOT NULL,
            position integer NOT NULL,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            UNIQUE (product_type, code)
        )
        """,
        """
        CREATE TABLE catalog_change (
            id uuid PRIMARY KEY,
            product_id uuid NOT NULL,
            at timestamptz NOT NULL,
            actor text NOT NULL,
            action text NOT NULL CHECK (action IN ('created', 'changed', 'deleted')),
            diff jsonb NOT NULL
        )
        """,
        "CREATE INDEX catalog_change_product ON catalog_change (product_id, id)",
        """
        CREATE FUNCTION catalog_change_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the history of products is append-only';
        END
        $$
        """,
        "CREATE TRIGGER catalog_change_stays BEFORE UPDATE OR DELETE ON catalog_change"
        " FOR EACH ROW EXECUTE FUNCTION catalog_change_stays()",
    ],
    backwards=[
        "DROP TABLE catalog_change",
        "DROP FUNCTION catalog_change_stays()",
        "DROP TABLE catalog_attribute",
        "ALTER TABLE catalog_product DROP COLUMN attributes, DROP COLUMN related_ids,"
        " DROP COLUMN publish_at, DROP COLUMN unpublish_at",
    ],
)
