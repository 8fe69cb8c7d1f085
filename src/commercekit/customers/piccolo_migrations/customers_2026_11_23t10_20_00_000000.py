from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T10:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Address books, and who is in which segment"

FORWARDS = (
    """
    CREATE TABLE customers_address (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL,
        address bytea NOT NULL,
        is_default boolean NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX customers_address_customer ON customers_address (customer_id)",
    """
    CREATE UNIQUE INDEX customers_address_default ON customers_address (customer_id)
        WHERE is_default
    """,
    """
    CREATE TABLE customers_segment (
        id uuid PRIMARY KEY,
        code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9-]{0,62}$'),
        name jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        version bigint NOT NULL DEFAULT 1
    )
    """,
    """
    CREATE TABLE customers_membership (
        customer_id uuid NOT NULL,
        segment_id uuid NOT NULL REFERENCES customers_segment (id) ON DELETE CASCADE,
        source text NOT NULL,
        added_at timestamptz NOT NULL,
        PRIMARY KEY (customer_id, segment_id)
    )
    """,
    "CREATE INDEX customers_membership_segment ON customers_membership (segment_id, customer_id)",
)

BACKWARDS = (
    "DROP TABLE customers_membership",
    "DROP TABLE customers_segment",
    "DROP TABLE customers_address",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_customers",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
