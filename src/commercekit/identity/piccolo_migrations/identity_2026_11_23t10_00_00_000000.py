from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T10:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Accounts of staff and of customers, their sessions, and links sent by mail"

FORWARDS = (
    """
    CREATE TABLE identity_account (
        id uuid PRIMARY KEY,
        realm text NOT NULL CHECK (realm IN ('staff', 'customer')),
        email bytea,
        email_index bytea CHECK (length(email_index) = 16),
        name bytea,
        locale text NOT NULL,
        password bytea,
        password_at timestamptz,
        email_proven_at timestamptz,
        scopes text[] NOT NULL DEFAULT '{}',
        disabled_at timestamptz,
        deleted_at timestamptz,
        created_at timestamptz NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        CHECK ((password IS NULL) = (password_at IS NULL)),
        CHECK (realm = 'staff' OR scopes = '{}'),
        CHECK (CASE WHEN deleted_at IS NULL THEN email IS NOT NULL AND email_index IS NOT NULL
            ELSE email IS NULL AND email_index IS NULL AND name IS NULL AND password IS NULL END)
    )
    """,
    # One address may be staff and customer, and is two accounts then.
    """
    CREATE UNIQUE INDEX identity_account_email ON identity_account (realm, email_index)
        WHERE deleted_at IS NULL
    """,
    """
    CREATE TABLE identity_session (
        id uuid PRIMARY KEY,
        realm text NOT NULL CHECK (realm IN ('staff', 'customer')),
        account_id uuid NOT NULL REFERENCES identity_account (id) ON DELETE CASCADE,
        secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
        client bytea,
        created_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        password_at timestamptz,
        second_factor text,
        second_factor_at timestamptz,
        is_pending boolean NOT NULL DEFAULT false,
        revoked_at timestamptz,
        revoked_for text,
        CHECK ((second_factor IS NULL) = (second_factor_at IS NULL)),
        CHECK ((revoked_at IS NULL) = (revoked_for IS NULL)),
        CHECK (NOT is_pending OR second_factor IS NULL)
    )
    """,
    "CREATE INDEX identity_session_account ON identity_session (account_id)",
    "CREATE INDEX identity_session_expires ON identity_session (expires_at)",
    """
    CREATE TABLE identity_mail_proof (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES identity_account (id) ON DELETE CASCADE,
        purpose text NOT NULL CHECK (purpose IN ('reset', 'prove', 'change', 'invite')),
        secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
        email bytea NOT NULL,
        email_index bytea NOT NULL CHECK (length(email_index) = 16),
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        spent_at timestamptz
    )
    """,
    "CREATE INDEX identity_mail_proof_account ON identity_mail_proof (account_id)",
    "CREATE INDEX identity_mail_proof_expires ON identity_mail_proof (expires_at)",
)

BACKWARDS = (
    "DROP TABLE identity_mail_proof",
    "DROP TABLE identity_session",
    "DROP TABLE identity_account",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_identity",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
