"""Uploaded pictures, which products' pictures and brands' logos may be."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T15:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "uploaded pictures"

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    description=DESCRIPTION,
    forwards=[
        """
        CREATE TABLE catalog_media (
            id uuid PRIMARY KEY,
            digest text NOT NULL,
            stem text NOT NULL UNIQUE,
            status text NOT NULL CHECK (status IN ('writing', 'ready', 'removed')),
            filename text NOT NULL,
            media_type text NOT NULL,
            width integer NOT NULL CHECK (width > 0),
            height integer NOT NULL CHECK (height > 0),
            sizes jsonb NOT NULL,
            uploaded_by text NOT NULL,
            unused_since timestamptz,
            created_at timestamptz NOT NULL
        )
        """,
        # One row of each picture is in use; others are on their way in or out.
        "CREATE UNIQUE INDEX catalog_media_ready ON catalog_media (digest) WHERE status = 'ready'",
        "CREATE INDEX catalog_media_leaving ON catalog_media (created_at)"
        " WHERE status <> 'ready' OR unused_since IS NOT NULL",
        "ALTER TABLE catalog_image ADD COLUMN media_id uuid REFERENCES catalog_media (id)",
        "CREATE INDEX catalog_image_media ON catalog_image (media_id) WHERE media_id IS NOT NULL",
        "ALTER TABLE catalog_brand ADD COLUMN logo_id uuid REFERENCES catalog_media (id)",
        "CREATE INDEX catalog_brand_logo ON catalog_brand (logo_id) WHERE logo_id IS NOT NULL",
    ],
    backwards=[
        "ALTER TABLE catalog_brand DROP COLUMN logo_id",
        "ALTER TABLE catalog_image DROP COLUMN media_id",
        "DROP TABLE catalog_media",
    ],
)
