from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Staff tokens and the audit trail"

FORWARDS = (
    """
    CREATE TABLE identity_staff_token (
        id uuid PRIMARY KEY,
        handle text NOT NULL UNIQUE,
        name text NOT NULL,
        secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
        scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz
    )
    """,
    """
    CREATE TABLE identity_audit_entry (
        id uuid PRIMARY KEY,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        subject text NOT NULL,
        reason text NOT NULL,
        request_id text NOT NULL,
        details jsonb NOT NULL
    )
    """,
    """
    CREATE FUNCTION identity_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'audit entries are neither changed nor removed'
            USING ERRCODE = 'insufficient_privilege';
    END
    $$
    """,
    """
    CREATE TRIGGER identity_audit_entry_append_only
        BEFORE UPDATE OR DELETE ON identity_audit_entry
        FOR EACH ROW EXECUTE FUNCTION identity_refuse_change()
    """,
    """
    CREATE TRIGGER identity_audit_entry_no_truncate
        BEFORE TRUNCATE ON identity_audit_entry
        FOR EACH STATEMENT EXECUTE FUNCTION identity_refuse_change()
    """,
)

BACKWARDS = (
    "DROP TABLE identity_audit_entry",
    "DROP FUNCTION identity_refuse_change()",
    "DROP TABLE identity_staff_token",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_identity",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
