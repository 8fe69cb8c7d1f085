from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T12:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Roles of the shop's own, who has which role within what, and tokens within limits"

FORWARDS = (
    """
    CREATE TABLE identity_role (
        code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9-]{0,62}$'),
        label jsonb NOT NULL,
        permissions text[] NOT NULL CHECK (cardinality(permissions) > 0),
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE identity_role_binding (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES identity_account (id),
        role text NOT NULL,
        limit_kind text CHECK (limit_kind IN ('market', 'location', 'segment', 'own')),
        limit_codes text[] NOT NULL DEFAULT '{}',
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        CHECK ((cardinality(limit_codes) > 0) = (coalesce(limit_kind, 'own') <> 'own')),
        UNIQUE NULLS NOT DISTINCT (account_id, role, limit_kind, limit_codes)
    )
    """,
    "CREATE INDEX identity_role_binding_role ON identity_role_binding (role)",
    """
    ALTER TABLE identity_staff_token
        ADD COLUMN limit_kind text CHECK (limit_kind IN ('market', 'location', 'segment', 'own')),
        ADD COLUMN limit_codes text[] NOT NULL DEFAULT '{}'
    """,
)

BACKWARDS = (
    "ALTER TABLE identity_staff_token DROP COLUMN limit_codes, DROP COLUMN limit_kind",
    "DROP TABLE identity_role_binding",
    "DROP TABLE identity_role",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_identity",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
